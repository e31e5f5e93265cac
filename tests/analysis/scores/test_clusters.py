import numpy as np
import pytest
from scipy.spatial.distance import cdist, squareform
from sklearn.metrics import silhouette_samples
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import LocalOutlierFactor

from whyset.analysis.processors import Clustering, KNearestNeighbors
from whyset.analysis.scores import accuracy, coherence, finite_mean, local_outlier_factor, medoids, purity, silhouette


def test_unknown_values_do_not_count() -> None:
    assert purity(np.array([1, 1, 1, 2, -1, -1])) == 0.75
    assert purity(np.array([-1, -1])) is None
    assert accuracy(np.array([0, 1, -1]), np.array([0, 2, 5])) == 0.5
    assert accuracy(np.array([-1]), np.array([0])) is None
    assert accuracy(np.array([0, 1, 1]), np.array([0, -1, -1])) == 1.0
    assert accuracy(np.array([0, 1]), np.array([-1, -1])) is None
    assert finite_mean(np.array([0.5, np.nan, 1.0])) == 0.75
    assert finite_mean(np.array([np.nan])) is None


def test_medoids_have_the_least_sum_of_squared_distances_to_all_members() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 7))
    members = np.arange(5, 35)
    sums = cdist(rows[members], rows[members], "sqeuclidean").sum(axis=1)
    assert medoids(rows, members, 8).tolist() == members[np.argsort(sums)[:8]].tolist()


def test_a_small_cluster_has_as_many_medoids_as_members() -> None:
    assert sorted(medoids(np.eye(5), np.array([1, 3]), 8).tolist()) == [1, 3]


def test_coherence_is_the_mean_cosine_of_all_pairs() -> None:
    rows = np.random.default_rng(1).normal(size=(12, 5)) + 1
    pairs = squareform(cosine_similarity(rows), checks=False)
    assert coherence(rows) == pytest.approx(pairs.mean())
    assert coherence(np.vstack([rows, np.zeros(5)])) == pytest.approx(pairs.mean())
    assert coherence(rows[:1]) is None


def test_the_silhouette_is_scikit_learns_without_the_noise() -> None:
    rng = np.random.default_rng(2)
    labels = np.append(np.arange(30) % 3, [-1, -1]).astype(np.int32)
    rows = rng.normal(size=(32, 3))
    found = silhouette(Clustering(labels, rows, "density"))
    np.testing.assert_allclose(found[:30], silhouette_samples(rows[:30], labels[:30]), rtol=1e-6)
    assert np.isnan(found[30:]).all()
    assert np.isnan(silhouette(Clustering(np.zeros(32, np.int32), rows, "density"))).all()


def test_the_outlier_factor_is_scikit_learns() -> None:
    rows = np.random.default_rng(0).normal(size=(120, 4)) ** 3
    expected = -LocalOutlierFactor(n_neighbors=7).fit(rows).negative_outlier_factor_
    np.testing.assert_allclose(local_outlier_factor(KNearestNeighbors(7)(rows)), expected, rtol=1e-6)


def test_the_outlier_factor_shows_a_sample_apart_and_no_duplicates() -> None:
    rows = np.random.default_rng(1).normal(size=(60, 3))
    rows[0] = 15
    rows[10:20] = rows[10]
    factors = local_outlier_factor(KNearestNeighbors(5)(rows))
    assert factors.argmax() == 0
    assert factors[0] > 4
    np.testing.assert_array_equal(factors[10:20], 1)
    assert np.isfinite(factors).all()
