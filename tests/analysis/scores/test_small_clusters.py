"""A few marked samples among hundreds are found; classes without such are not said to have them."""

import sys

import numpy as np
import pytest

from whyset.analysis.scores import Details, SmallClusters
from whyset.analysis.scores.overclustering import ByLeiden
from whyset.analysis.scores.small_clusters import compute_effects
from whyset.errors import InputError, MissingExtraError

SHAPE = (14, 11)
SEARCH = SmallClusters(n_clusters=(8, 16), resamplings=5)


def draw_poses(samples: int, seed: int) -> np.ndarray:
    """Draw maps of objects in three poses that are nowhere the same cell by cell, with Σ|R| = 1."""
    rng = np.random.default_rng(seed)
    centers = np.array([[3, 3], [10, 5], [4, 8]])[rng.integers(0, 3, samples)] + rng.normal(0, 0.8, (samples, 2))
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    squared = (row - centers[:, :1, None]) ** 2 + (column - centers[:, 1:, None]) ** 2
    maps = np.exp(-squared / (2 * rng.uniform(1.8, 2.6, (samples, 1, 1)) ** 2))
    maps *= rng.uniform(0.6, 1.4, maps.shape)
    return (maps / maps.sum(axis=(1, 2), keepdims=True)).astype(np.float32)


def add_mark(maps: np.ndarray, rows: list[int], share: float = 0.3) -> np.ndarray:
    marked = maps.copy()
    marked[rows] *= 1 - share
    marked[rows, 12:14, 0:2] += share / 4
    return marked


def search(maps: np.ndarray, seed: int = 0):
    return SEARCH(Details(SHAPE)(maps.reshape(len(maps), -1)), seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_five_marked_samples_of_400_are_found_exactly(seed: int) -> None:
    rows = sorted(np.random.default_rng([seed, 9]).choice(400, 5, replace=False).tolist())
    found = search(add_mark(draw_poses(400, seed), rows), seed)
    assert found.clusters[0].members.tolist() == rows
    assert found.clusters[0].recovery > 0.75
    assert found.clusters[0].effect > found.null.max()
    assert len(found.null) == SEARCH.surrogates


def test_classes_without_a_mark_have_few_small_clusters() -> None:
    """p = 1/20 for each class: three false ones in six classes have the probability 0.002."""
    assert sum(len(search(draw_poses(200, seed), seed).clusters) > 0 for seed in range(10, 16)) <= 2


def test_no_more_surrogates_are_made_than_needed() -> None:
    search_of_many = SmallClusters(n_clusters=(8, 16), resamplings=5, surrogates=10_000)
    rng = np.random.default_rng(0)
    found = search_of_many(rng.normal(size=(120, 3)).astype(np.float32), seed=0)
    assert found.clusters == ()
    assert len(found.null) < 100


def test_the_effect_is_glass_delta_of_projections_without_the_member_itself() -> None:
    rng = np.random.default_rng(4)
    rows, labels = rng.normal(size=(30, 5)), np.repeat([0, 1, 2], [20, 7, 3])
    rows[labels == 2, 1] += 4
    for cluster, effect in enumerate(compute_effects(rows, labels)):
        inside = labels == cluster
        outside_mean = rows[~inside].mean(axis=0)
        center = rows.mean(axis=0)
        own = [
            (rows[m] - center) @ (rows[inside & (np.arange(30) != m)].mean(axis=0) - outside_mean)
            for m in np.flatnonzero(inside)
        ]
        rest = (rows[~inside] - center) @ (rows[inside].mean(axis=0) - outside_mean)
        assert effect == pytest.approx((np.mean(own) - rest.mean()) / rest.std())


def test_a_cluster_found_by_its_own_noise_has_no_effect() -> None:
    """In 500 dimensions, any three samples are far from the rest in the direction of their own mean."""
    rows, labels = np.random.default_rng(5).normal(size=(200, 500)), (np.arange(200) < 3).astype(int)
    with_self = rows[:3] @ rows[:3].mean(axis=0) / np.std(rows[3:] @ rows[:3].mean(axis=0))
    assert with_self.mean() > 8
    assert abs(compute_effects(rows, labels)[1]) < 3


def test_leiden_finds_a_group_that_k_means_does_not() -> None:
    """Ten of 600 samples far apart in one direction among 300 of noise, which hides them from means."""
    pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(600, 300)).astype(np.float32)
    rows[:300, 0] += 9
    rows[590:, 1] += 13
    without = SmallClusters(resamplings=5)(rows, seed=0)
    found = SmallClusters(resamplings=5, resolutions=(8.0,))(rows, seed=0)
    assert without.clusters == ()
    (only,) = found.clusters
    assert only.members.tolist() == list(range(590, 600))
    assert only.found_by == ByLeiden(8.0)
    assert only.n_clusters > 10
    assert found.n_candidates > without.n_candidates


def test_resolutions_need_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    monkeypatch.setitem(sys.modules, "graspologic_native", None)
    SmallClusters(surrogates=1, resamplings=1)(rows, seed=0)
    with pytest.raises(MissingExtraError, match=r'pip install "whyset\[leiden\]"'):
        SmallClusters(resolutions=(1.0,))(rows, seed=0)


def test_few_samples_are_no_error() -> None:
    assert SmallClusters()(np.random.default_rng(0).normal(size=(9, 4)), seed=0).clusters == ()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"n_clusters": ()}, "at least 2"),
        ({"n_clusters": (1,)}, "at least 2"),
        ({"max_share": 1.0}, "max_share"),
        ({"surrogates": 0}, "surrogate"),
        ({"resamplings": 0}, "resampling"),
        ({"resolutions": (1.0, 0.0)}, "resolution"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict, named: str) -> None:
    with pytest.raises(InputError, match=named):
        SmallClusters(**wrong)
