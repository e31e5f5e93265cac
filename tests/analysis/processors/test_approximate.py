import sys

import numpy as np
import pytest

from whyset.analysis.processors import ApproximateNeighbors, Cityblock, Cosine, KNearestNeighbors
from whyset.errors import InputError, MissingExtraError

ROWS = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)


@pytest.mark.parametrize("distance", [None, Cosine()], ids=["Euclidean", "cosine"])
def test_recall_is_measured_as_it_is(distance: Cosine | None) -> None:
    pytest.importorskip("pynndescent", reason="pynndescent is not installed")
    options = {} if distance is None else {"distance": distance}
    found = ApproximateNeighbors(8, probes=600, **options)(ROWS, seed=0)
    exact = KNearestNeighbors(8, **options)(ROWS)
    true = np.mean([len(np.intersect1d(*pair)) / 8 for pair in zip(found.indices, exact.indices, strict=True)])
    assert found.recall == pytest.approx(true)
    assert 0.9 < found.recall <= 1
    same = found.indices[:, 0] == exact.indices[:, 0]
    np.testing.assert_allclose(found.distances[same, 0], exact.distances[same, 0], rtol=1e-4)
    assert not (found.indices == np.arange(600)[:, None]).any()


def test_the_seed_decides_the_neighbors() -> None:
    pytest.importorskip("pynndescent", reason="pynndescent is not installed")
    first, again = (ApproximateNeighbors(5)(ROWS, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.indices, again.indices)


def test_duplicates_are_never_their_own_neighbors() -> None:
    pytest.importorskip("pynndescent", reason="pynndescent is not installed")
    found = ApproximateNeighbors(5)(np.repeat(ROWS[:40], 12, axis=0), seed=0)
    assert not (found.indices == np.arange(480)[:, None]).any()


def test_what_cannot_be_searched_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="Cityblock is not a form of the Euclidean"):
        ApproximateNeighbors(5, Cityblock())(ROWS, seed=0)
    with pytest.raises(InputError, match="more than 5 explanations"):
        ApproximateNeighbors(5)(ROWS[:5], seed=0)
    monkeypatch.setitem(sys.modules, "pynndescent", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[ann\]"'):
        ApproximateNeighbors(5)(ROWS, seed=0)
