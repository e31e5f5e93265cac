import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from whyset.analysis.processors import KNearestNeighbours
from whyset.errors import InputError


def require_exact(features: np.ndarray, k: int) -> int:
    """Compare with all differences in float64; give how many rows had to be ranked again."""
    found = KNearestNeighbours(k)(features)
    distances = cdist(features.astype(np.float64), features.astype(np.float64))
    np.fill_diagonal(distances, np.inf)
    expected = np.sort(distances, axis=1)[:, :k]
    np.testing.assert_allclose(np.take_along_axis(distances, found.indices, axis=1), expected, rtol=1e-12)
    np.testing.assert_allclose(found.distances, expected, rtol=2e-6)
    assert not (found.indices == np.arange(len(features))[:, None]).any()
    assert all(len(set(row)) == k for row in found.indices.tolist())
    return found.redone


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_ordinary_rows_need_no_second_look(kind: type) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 40)).astype(kind)
    assert require_exact(rows, 10) < 10


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("radius", [1e-2, 1e-3, 1e-5, 1e-7, 1e-9])
def test_near_duplicates_are_told_apart_at_any_radius(kind: type, radius: float) -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(15, 1, 40)) + radius * rng.normal(size=(15, 30, 40))
    require_exact(rows.reshape(450, 40).astype(kind), 10)


def test_a_common_offset_does_not_blur_the_ranking() -> None:
    rows = 1e6 + 1e-4 * np.random.default_rng(2).normal(size=(200, 20))
    assert require_exact(rows, 5) > 0


@pytest.mark.parametrize("copies", [2, 5, 11, 40])
def test_duplicates_are_neighbours_of_each_other_but_never_of_themselves(copies: int) -> None:
    rows = np.repeat(np.random.default_rng(3).normal(size=(8, 12)), copies, axis=0)
    require_exact(rows, 5)


def test_rows_that_are_all_the_same_have_neighbours_too() -> None:
    found = KNearestNeighbours(3)(np.ones((30, 4)))
    assert (found.distances == 0).all()
    assert not (found.indices == np.arange(30)[:, None]).any()


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 60), dimensions=st.integers(1, 6), levels=st.integers(1, 5), seed=st.integers(0, 999))
def test_rows_full_of_ties_are_ranked_right(n: int, dimensions: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    require_exact(rng.integers(0, levels, (n, dimensions)).astype(np.float64), int(rng.integers(1, n)))


def test_the_rounding_of_float32_products_would_have_been_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that multiplies in float32 gives wrong neighbours here; the proof must not believe it."""
    rng = np.random.default_rng(4)
    rows = (5 + rng.normal(size=(10, 1, 50)) + 1e-3 * rng.normal(size=(10, 40, 50))).reshape(400, 50)
    rows = rows.astype(np.float32)

    class Float32Search:
        def __init__(self, n_neighbors: int, **_: str) -> None:
            self.k = n_neighbors

        def fit(self, features: np.ndarray) -> "Float32Search":
            squares = np.einsum("nd,nd->n", features, features)
            self.squared = squares[:, None] + squares - 2 * (features @ features.T)
            return self

        def kneighbors(self, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            order = np.argsort(self.squared, axis=1)[:, : self.k]
            return np.sqrt(np.maximum(np.take_along_axis(self.squared, order, axis=1), 0)), order

    monkeypatch.setattr("sklearn.neighbors.NearestNeighbors", Float32Search)
    assert require_exact(rows, 10) == 400


def test_as_many_neighbours_as_rows_are_refused() -> None:
    with pytest.raises(InputError, match="5 neighbours need more than 5 samples, got 5"):
        KNearestNeighbours(5)(np.zeros((5, 2)))
    with pytest.raises(InputError, match="at least 1, got 0"):
        KNearestNeighbours(0)
