import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from whyset.analysis.processors import (
    DISTANCES,
    Cityblock,
    Correlation,
    Cosine,
    Distance,
    Euclidean,
    KNearestNeighbors,
    SlicedWasserstein,
    StructuralDissimilarity,
    Wasserstein,
)
from whyset.errors import InputError

SHAPE = (8, 9)
ROWS = np.random.default_rng(0).normal(size=(14, 72))


def told(kind: type[Distance]) -> Distance:
    return Wasserstein() if kind is Wasserstein else kind().for_maps(SHAPE)


@pytest.mark.parametrize("kind", DISTANCES)
def test_a_distance_is_small_for_what_is_near(kind: type[Distance]) -> None:
    """A similarity given for a distance would have its largest values on the diagonal."""
    distances = told(kind)(ROWS)
    assert distances.shape == (14, 14)
    np.testing.assert_allclose(np.diag(distances), 0, atol=1e-9)
    np.testing.assert_allclose(distances, distances.T, atol=1e-9)
    assert (distances[~np.eye(14, dtype=bool)] > 0).all()
    near = ROWS + 0.01 * np.random.default_rng(1).normal(size=ROWS.shape)
    assert (told(kind).between(ROWS, near).argmin(axis=1) == np.arange(14)).all()


@pytest.mark.parametrize(
    ("distance", "name"),
    [(Euclidean(), "euclidean"), (Cosine(), "cosine"), (Correlation(), "correlation"), (Cityblock(), "cityblock")],
)
def test_distances_agree_with_scipy(distance: Distance, name: str) -> None:
    np.testing.assert_allclose(distance(ROWS), cdist(ROWS, ROWS, name), atol=1e-12)


@pytest.mark.parametrize("kind", DISTANCES)
def test_neighbors_are_the_nearest_by_any_distance(kind: type[Distance]) -> None:
    distance = told(kind)
    found = KNearestNeighbors(4, distance)(ROWS)
    all_pairs = distance(ROWS)
    np.fill_diagonal(all_pairs, np.inf)
    np.testing.assert_array_equal(found.indices, np.argsort(all_pairs, axis=1)[:, :4])
    np.testing.assert_allclose(found.distances, np.sort(all_pairs, axis=1)[:, :4], atol=1e-9)


def test_transport_along_a_line_agrees_with_scipy() -> None:
    masses = np.abs(ROWS)
    cells = np.arange(72)
    expected = [[wasserstein_distance(cells, cells, a, b) for b in masses[:4]] for a in masses[:4]]
    np.testing.assert_allclose(Wasserstein()(ROWS[:4]), expected, atol=1e-9)


def spots(*places: tuple[int, int], shape: tuple[int, int] = SHAPE) -> np.ndarray:
    maps = np.zeros((len(places), *shape))
    for number, place in enumerate(places):
        maps[number][place] = number + 1.0  # how strong it is must not matter
    return maps.reshape(len(places), -1)


def test_a_moved_spot_is_as_far_as_it_was_moved() -> None:
    rows = spots((0, 0), (3, 4), (0, 8))
    expected = [[0, 5, 8], [5, 0, 5], [8, 5, 0]]
    np.testing.assert_allclose(Wasserstein(SHAPE)(rows), expected, atol=1e-6)
    # Along evenly spaced directions the mean of cos² is 1/2.
    np.testing.assert_allclose(SlicedWasserstein(shape=SHAPE)(rows), np.array(expected) / np.sqrt(2), atol=1e-6)


def test_sliced_transport_knows_height_from_width() -> None:
    rows = spots((0, 0), (2, 0), (0, 2), shape=(8, 9))
    down, right = SlicedWasserstein(directions=1, shape=SHAPE)(rows)[0, 1:]
    assert (down, right) == pytest.approx((0, 2))


def test_structural_similarity_agrees_with_the_formula_window_by_window() -> None:
    maps = ROWS[:3].reshape(3, *SHAPE)
    found = StructuralDissimilarity(window=5, value_range=6.0, shape=SHAPE)(ROWS[:3])
    c1, c2 = (0.01 * 6) ** 2, (0.03 * 6) ** 2
    values = []
    for top in range(4):
        for left in range(5):
            x, y = (maps[n, top : top + 5, left : left + 5].ravel() for n in (0, 1))
            (sx, sxy), (_, sy) = np.cov(x, y)
            mx, my = x.mean(), y.mean()
            values.append((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2)))
    assert found[0, 1] == pytest.approx(1 - np.mean(values))


def test_rows_without_a_direction_are_refused_and_named() -> None:
    rows = np.ones((4, 3))
    rows[1:] += np.eye(3)
    with pytest.raises(InputError, match=r"constant row; there are 1 \(the first: row 0\)"):
        Correlation()(rows)
    rows[2] = 0
    for distance in (Cosine(), Wasserstein(), SlicedWasserstein(shape=(1, 3))):
        with pytest.raises(InputError, match="leave"):
            distance(rows)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SlicedWasserstein()(ROWS),
        lambda: SlicedWasserstein(shape=(7, 9))(ROWS),
        lambda: StructuralDissimilarity()(ROWS),
        lambda: StructuralDissimilarity(window=4),
        lambda: StructuralDissimilarity(window=9, shape=SHAPE)(ROWS),
        lambda: StructuralDissimilarity(value_range=0),
        lambda: Wasserstein().for_maps((28, 28)),
        lambda: SlicedWasserstein(directions=0),
    ],
)
def test_what_cannot_be_computed_is_refused(make: object) -> None:
    with pytest.raises(InputError):
        make()
