import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from whyset.analysis.processors import KNearestNeighbors
from whyset.errors import InputError


def require_exact(features: np.ndarray, k: int) -> int:
    """Compare with all differences in float64; give how many rows had to be ranked again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faiss", None)  # test_faiss_search.py compares with the search by faiss
        found = KNearestNeighbors(k)(features)
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
def test_duplicates_are_neighbors_of_each_other_but_never_of_themselves(copies: int) -> None:
    rows = np.repeat(np.random.default_rng(3).normal(size=(8, 12)), copies, axis=0)
    require_exact(rows, 5)


def test_rows_that_are_all_the_same_have_neighbors_too() -> None:
    found = KNearestNeighbors(3)(np.ones((30, 4)))
    assert (found.distances == 0).all()
    assert not (found.indices == np.arange(30)[:, None]).any()


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 60), dimensions=st.integers(1, 6), levels=st.integers(1, 5), seed=st.integers(0, 999))
def test_rows_full_of_ties_are_ranked_right(n: int, dimensions: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    require_exact(rng.integers(0, levels, (n, dimensions)).astype(np.float64), int(rng.integers(1, n)))


def test_plain_float32_products_would_lose_these_neighbors() -> None:
    """The trap itself: without the bound and the second look, nearly all neighbors of near-duplicates are wrong."""
    rng = np.random.default_rng(4)
    rows = (5 + rng.normal(size=(10, 1, 50)) + 1e-3 * rng.normal(size=(10, 40, 50))).reshape(400, 50)
    rows = rows.astype(np.float32)
    squares = np.einsum("nd,nd->n", rows, rows)
    products = squares[:, None] + squares - 2 * (rows @ rows.T)
    np.fill_diagonal(products, np.inf)
    naive = np.argsort(products, axis=1)[:, :10]
    ours = KNearestNeighbors(10)(rows).indices
    assert np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(naive, ours, strict=True)]) < 0.5
    assert require_exact(rows, 10) == 400


@pytest.mark.parametrize(
    ("power", "kind"),
    [(power, kind) for power in (-110, -60, -30, 0, 30, 60, 120) for kind in (np.float32, np.float64)]
    + [(power, np.float64) for power in (-500, -200, 200, 500)],
)
def test_small_and_large_values_have_the_same_neighbors(power: int, kind: type) -> None:
    """Products of values of 1e-30 vanish in float32; the search scales them."""
    rows = np.random.default_rng(6).normal(size=(120, 15)).astype(kind)
    found, usual = KNearestNeighbors(6)(rows * kind(2.0**power)), KNearestNeighbors(6)(rows)
    np.testing.assert_array_equal(found.indices, usual.indices)
    np.testing.assert_allclose(found.distances, usual.distances * 2.0**power, rtol=1e-12)


def test_differences_beyond_the_largest_float32_are_searched() -> None:
    rows = np.array([[3e38], [-3e38], [2.9e38], [-2e38], [0], [1]], np.float32)
    assert KNearestNeighbors(1)(rows).indices[:, 0].tolist() == [2, 3, 0, 1, 5, 4]


def test_several_blocks_of_rows_and_columns_give_the_same() -> None:
    rows = np.random.default_rng(5).normal(size=(1100, 1030)).astype(np.float32)
    require_exact(rows, 4)


def test_equal_distances_go_to_the_lower_index() -> None:
    rows = np.repeat(np.eye(3), 20, axis=0)
    found = KNearestNeighbors(4)(rows)
    assert found.indices[0].tolist() == [1, 2, 3, 4]
    assert found.indices[2].tolist() == [0, 1, 3, 4]
    assert found.indices[59].tolist() == [40, 41, 42, 43]


def test_rows_that_are_not_finite_or_no_matrix_are_refused() -> None:
    rows = np.ones((9, 3))
    rows[4, 1] = np.nan
    with pytest.raises(InputError, match=r"not finite \(the first: row 4\)"):
        KNearestNeighbors(2)(rows)
    with pytest.raises(InputError, match=r"shape \(N, D\), got \(3, 2, 2\)"):
        KNearestNeighbors(2)(np.ones((3, 2, 2)))


def test_as_many_neighbors_as_rows_are_refused() -> None:
    with pytest.raises(InputError, match="5 neighbors need more than 5 explanations, got 5"):
        KNearestNeighbors(5)(np.zeros((5, 2)))
    with pytest.raises(InputError, match="at least 1, got 0"):
        KNearestNeighbors(0)
