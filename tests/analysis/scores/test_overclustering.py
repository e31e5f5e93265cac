"""Sources of candidates of small clusters."""

import numpy as np
import pytest

from whyset.analysis.scores.overclustering import ByKMeans, ByLeiden, overcluster

SOURCES = [ByKMeans(12), ByLeiden(4.0)]


def make_clusters(sizes: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).normal(size=(len(truth), 12)) + 15 * np.eye(12)[truth], truth


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_many_clusters_split_large_ones_and_mix_none(source: ByKMeans | ByLeiden) -> None:
    """A sister that is joined again is of the same planted cluster."""
    if isinstance(source, ByLeiden):
        pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
    rows, truth = make_clusters((150, 90, 12), seed=0)
    labels = overcluster(rows, source, seed=0)
    assert len(labels) == len(truth)
    assert labels.min() == 0
    for label in np.unique(labels):
        assert len(set(truth[labels == label])) == 1
    assert np.bincount(labels).argmax() == 0


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_the_seed_decides_the_clusters(source: ByKMeans | ByLeiden) -> None:
    if isinstance(source, ByLeiden):
        pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
    rows = np.random.default_rng(1).normal(size=(200, 6))
    first, again, other = (source.find(rows, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_fewer_samples_than_neighbors_are_clustered() -> None:
    pytest.importorskip("graspologic_native", reason="graspologic-native is not installed")
    assert len(ByLeiden(1.0).find(np.random.default_rng(2).normal(size=(8, 3)), seed=0)) == 8
