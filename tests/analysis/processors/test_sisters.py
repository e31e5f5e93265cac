"""Clusters with the same strategy become one; those that only share what the whole class has stay apart."""

import numpy as np
import pytest

from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import JoinSisters, KMeans
from whyset.analysis.processors.clustering import Clustering
from whyset.errors import InputError


def clustering(labels: np.ndarray, selected_by: str = "eigengap") -> Clustering:
    return Clustering(labels.astype(np.int32), np.zeros((len(labels), 2)), selected_by)


def class_with_a_mark() -> tuple[np.ndarray, np.ndarray]:
    """Give 90 samples of which a third has a mark, and a clustering that splits the marked ones."""
    rng = np.random.default_rng(0)
    features = 1 + rng.normal(scale=0.1, size=(90, 12))
    features[60:, 3] += 5
    return features, np.repeat([0, 1, 2], [60, 20, 10])


def test_two_halves_of_one_strategy_become_one_cluster_and_the_earlier_labels_are_kept() -> None:
    features, labels = class_with_a_mark()
    found = JoinSisters()(features, clustering(labels))
    np.testing.assert_array_equal(found.labels, np.where(labels == 2, 1, labels))
    np.testing.assert_array_equal(found.unjoined, labels)
    (join,) = found.joins
    means = [features[labels == cluster].mean(axis=0) for cluster in (1, 2)]
    centered = [mean - features.mean(axis=0) for mean in means]
    for cosine, (a, b) in ((join.cosine, means), (join.centered_cosine, centered)):
        assert cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert (join.first, join.second) == ((1,), (2,))


def test_clusters_that_share_only_the_mean_of_the_class_stay_apart() -> None:
    """All raw cosines are above 0.99; without the class mean they are about -1/2."""
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], 30)
    features = 10 + np.eye(3)[labels] + rng.normal(scale=0.05, size=(90, 3))
    given = clustering(labels)
    assert JoinSisters()(features, given) is given


def test_clusters_that_differ_from_the_class_in_the_same_way_but_are_unlike_stay_apart() -> None:
    """The centered cosine is above 0.97, the raw one is 0.74: a condition on either alone would join something."""
    labels = np.repeat([0, 1, 2], [900, 20, 20])
    features = np.zeros((940, 4))
    features[labels == 0, 0] = -20
    features[labels == 1, 0], features[labels == 2, :2] = 1, [1, 0.9]
    centered = [features[labels == cluster].mean(axis=0) - features.mean(axis=0) for cluster in (1, 2)]
    assert centered[0] @ centered[1] / np.linalg.norm(centered[0]) / np.linalg.norm(centered[1]) > 0.97
    assert JoinSisters()(features, clustering(labels)).joins == ()


def test_the_tree_joins_the_closest_pair_first_and_numbers_clusters_by_size() -> None:
    rng = np.random.default_rng(2)
    direction = {0: [1.0, 0, 0, 0], 1: [0, 1, 0, 0], 2: [0, 1, 0.05, 0], 3: [0, 1, 0.15, 0]}
    labels = np.repeat([0, 1, 2, 3], [40, 30, 20, 10])
    features = np.array([direction[label] for label in labels]) + rng.normal(scale=0.01, size=(100, 4))
    found = JoinSisters()(features, clustering(labels))
    assert [(join.first, join.second) for join in found.joins] == [((1,), (2,)), ((1, 2), (3,))]
    np.testing.assert_array_equal(found.labels, np.where(labels == 0, 1, 0))  # 60 joined samples are the largest now


def test_noise_stays_noise_and_a_given_number_is_kept() -> None:
    features, labels = class_with_a_mark()
    with_noise = labels.copy()
    with_noise[:5] = -1
    found = JoinSisters()(features, clustering(with_noise))
    np.testing.assert_array_equal(found.labels < 0, with_noise < 0)
    assert len(found.sizes) == 2
    given = clustering(labels, "given")
    assert JoinSisters()(features, given) is given


def test_samples_in_no_cluster_are_no_error() -> None:
    nothing = clustering(np.full(9, -1))
    assert JoinSisters()(np.ones((9, 3)), nothing) is nothing


def test_spray_joins_by_default_and_its_seeds_stay_those_of_the_clustering() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(80, 6)).astype(np.float32)
    rows[:40, 0] += 9
    results = {
        joined: Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(),), sisters=joined)
        .pipeline()
        .until("clustering.kmeans")
        .run({"features": rows}, seed=5)
        for joined in (JoinSisters(), None)
    }
    joined, plain = results[JoinSisters()], results[None]["clustering.kmeans"]
    np.testing.assert_array_equal(joined["unjoined.kmeans"].labels, plain.labels)
    assert len(joined["clustering.kmeans"].sizes) <= len(plain.sizes)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_cosine_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="min_cosine"):
        JoinSisters(value)
