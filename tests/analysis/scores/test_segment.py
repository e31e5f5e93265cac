import numpy as np
import pytest

from whyset.analysis.processors import KNearestNeighbors, Neighbors, RadialBasis, SymmetricNeighbors
from whyset.analysis.scores import Bottleneck, Segment
from whyset.errors import InputError

SEGMENT = Segment(KNearestNeighbors(8))


def search(rows: np.ndarray) -> Neighbors:
    return KNearestNeighbors(8)(rows)


def get_width(neighbors: Neighbors) -> float:
    return Bottleneck()(SymmetricNeighbors()(neighbors), seed=0).width


def test_the_noise_of_a_segment_is_found_again() -> None:
    neighbors = search(np.zeros((150, 1)) + np.arange(150)[:, None])
    seeds = np.random.SeedSequence(4)
    for noise in (0.01, 0.05, 0.2):
        widths = [SEGMENT.draw(neighbors, noise, child).width for child in np.random.SeedSequence(1).spawn(9)]
        found = SEGMENT.fit_noise(neighbors, float(np.median(widths)), seeds)
        assert found == pytest.approx(noise, rel=0.35)


def test_a_curve_needs_no_noise_and_more_than_noise_gets_the_most() -> None:
    line = search(np.random.default_rng(0).random((150, 1)))
    assert SEGMENT.fit_noise(line, 0.5 * get_width(line), np.random.SeedSequence(0)) == 0
    assert SEGMENT.fit_noise(line, 1e6, np.random.SeedSequence(0)) == 1


def test_a_narrower_null_has_deeper_bottlenecks() -> None:
    neighbors = search(np.random.default_rng(0).normal(size=(120, 10)))
    width, medians = get_width(neighbors), []
    for relative in (1.0, 0.4):
        drawn = Segment(KNearestNeighbors(8), relative_width=relative)(neighbors, width, seed=0)
        medians.append(np.median([next(drawn) for _ in range(15)]))
    assert medians[0] < medians[1]
    with pytest.raises(InputError, match="relative_width"):
        Segment(relative_width=0.0)


def test_the_same_seed_gives_the_same_draws_and_no_two_are_the_same() -> None:
    neighbors = search(np.random.default_rng(0).normal(size=(80, 10)))
    first, second = (SEGMENT(neighbors, get_width(neighbors), seed=3) for _ in range(2))
    drawn = [next(first) for _ in range(4)]
    assert drawn == [next(second) for _ in range(4)]
    assert len(set(drawn)) == 4


def test_an_affinity_with_a_given_width_sees_the_distances_of_the_class() -> None:
    """Features in other units, with the width in these units, give the same null."""
    rows = np.random.default_rng(0).normal(size=(80, 10))
    drawn = []
    for unit in (1.0, 1000.0):
        null = Segment(KNearestNeighbors(8), RadialBasis(3.0 * unit))
        neighbors = search(rows * unit)
        drawn.append([null.draw(neighbors, 0.1, child) for child in np.random.SeedSequence(0).spawn(3)])
    for one, other in zip(*drawn, strict=True):
        assert (one.depth, one.width) == (pytest.approx(other.depth), pytest.approx(other.width))


def test_duplicates_leave_the_distances_as_they_are() -> None:
    neighbors = search(np.repeat(np.arange(6.0), 20)[:, None])
    assert np.median(neighbors.distances[:, -1]) == 0
    assert next(SEGMENT(neighbors, 40.0, seed=0)) >= 0
