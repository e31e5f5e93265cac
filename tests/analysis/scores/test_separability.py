import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from whyset.analysis.processors import Clustering
from whyset.analysis.scores import Separability
from whyset.errors import InputError


def test_in_one_dimension_it_is_variance_between_over_variance_inside() -> None:
    values = np.array([[0.0], [2.0], [10.0], [12.0], [14.0]])
    labels = np.array([0, 0, 1, 1, 1])
    within = (2 * 1.0 + 2 * 4.0) / 5
    mean = values.mean()
    between = (2 * (1 - mean) ** 2 + 3 * (12 - mean) ** 2) / 5
    assert Separability(0.1).of(values, labels) == pytest.approx(between / (within + 0.1), rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), dimensions=st.integers(1, 6), clusters=st.integers(2, 5))
def test_it_is_the_largest_eigenvalue_of_the_dense_formula(seed: int, dimensions: int, clusters: int) -> None:
    rng = np.random.default_rng(seed)
    rows, labels = rng.normal(size=(60, dimensions)), np.arange(60) % clusters
    within, between = np.zeros((2, dimensions, dimensions))
    for cluster in range(clusters):
        own = rows[labels == cluster]
        within += np.cov(own.T, bias=True).reshape(dimensions, dimensions) * len(own) / 60
        between += np.outer(own.mean(0) - rows.mean(0), own.mean(0) - rows.mean(0)) * len(own) / 60
    expected = np.linalg.eigvals(np.linalg.solve(within + 0.01 * np.eye(dimensions), between)).real.max()
    assert Separability(0.01).of(rows, labels) == pytest.approx(expected, rel=1e-9)


def test_without_epsilon_it_is_scikit_learns_discriminant_ratio() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 30)
    rows = rng.normal(size=(90, 4)) + 3 * np.eye(4)[labels]
    share = LinearDiscriminantAnalysis(solver="eigen").fit(rows, labels)
    projected = share.transform(rows)[:, :1]  # the direction of the largest ratio
    assert Separability(1e-9).of(projected, labels) == pytest.approx(Separability(1e-9).of(rows, labels), rel=1e-6)


def test_noise_takes_no_part() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.normal(size=(50, 3)), np.arange(50) % 2
    with_noise = np.vstack([rows, 1e3 * np.ones((5, 3))])
    assert Separability().of(with_noise, np.append(labels, [-1] * 5)) == Separability().of(rows, labels)


def test_one_cluster_or_none_is_not_separable() -> None:
    rows = np.random.default_rng(2).normal(size=(20, 3))
    assert Separability().of(rows, np.zeros(20, int)) == 0
    assert Separability().of(rows, np.full(20, -1)) == 0


def test_two_clusters_are_as_separable_as_each_against_the_rest() -> None:
    rng = np.random.default_rng(3)
    clustering = Clustering(np.repeat([0, 1], 20).astype(np.int32), rng.normal(size=(40, 3)), "given")
    score = Separability()
    assert score.one_against_rest(clustering) == pytest.approx([score(clustering)] * 2)


def test_components_give_a_large_but_finite_score() -> None:
    clustering = Clustering(np.repeat([0, 1], 20).astype(np.int32), np.repeat(np.eye(2), 20, axis=0), "eigengap")
    assert Separability(1e-3)(clustering) == pytest.approx(0.5 / 1e-3)


def test_an_epsilon_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="epsilon must be positive"):
        Separability(0)
