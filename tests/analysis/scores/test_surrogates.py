import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.covariance import LedoitWolf
from threadpoolctl import threadpool_limits

from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import KMeans
from whyset.analysis.scores import GaussianSurrogates, p_value
from whyset.analysis.scores.surrogates import principal_deviations
from whyset.analysis.significance import significance
from whyset.store.evidence import SeparabilityTest

SMALL = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=3),))
SURROGATES = GaussianSurrogates(19)


@pytest.mark.parametrize(("samples", "dimensions"), [(30, 80), (80, 30)], ids=["fewer samples", "more samples"])
def test_deviations_are_the_spectrum_of_ledoit_and_wolfs_covariance(samples: int, dimensions: int) -> None:
    rows = np.random.default_rng(0).normal(size=(samples, dimensions)) * np.linspace(0.1, 3, dimensions) + 5
    expected = np.linalg.eigvalsh(LedoitWolf().fit(rows).covariance_)[::-1]
    np.testing.assert_allclose(principal_deviations(rows) ** 2, expected, rtol=1e-9)


def test_surrogates_have_the_variances_and_no_two_are_the_same() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 5)) * [5, 4, 3, 2, 1]
    first, second = GaussianSurrogates(2)(rows, seed=3)
    np.testing.assert_allclose(first.std(axis=0), principal_deviations(rows), rtol=0.15)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, next(GaussianSurrogates(2)(rows, seed=3)))


def test_the_p_value_counts_the_observation_itself() -> None:
    assert p_value(5.0, np.array([1.0, 2.0, 3.0])) == 0.25
    assert p_value(2.0, np.array([1.0, 2.0, 3.0])) == 0.75
    assert p_value(0.0, np.array([1.0, 2.0, 3.0])) == 1


def p_of(rows: np.ndarray, seed: int) -> float:
    pipeline = SMALL.pipeline()
    with threadpool_limits(1):
        observed = pipeline.until("separability").run({"features": rows}, seed=seed)["separability"]
        return significance(rows, observed, pipeline, SURROGATES, seed).p_value


@pytest.mark.parametrize("shape", ["round", "stretched"])
def test_on_noise_the_p_value_is_roughly_uniform(shape: str) -> None:
    """Shuffled labels fail here: they give the smallest possible p on every one of these data sets."""
    spread = np.ones(40) if shape == "round" else np.arange(1, 41) ** -0.7
    found = [p_of(np.random.default_rng([7, seed]).normal(size=(50, 40)) * spread, seed) for seed in range(20)]
    jitter = np.random.default_rng(0).uniform(0, 1 / 20, len(found))  # the p-values are multiples of 1/20
    assert kstest(np.array(found) - jitter, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) < 0.25


def test_on_a_planted_cluster_the_p_value_is_small() -> None:
    for seed in range(4):
        rows = np.random.default_rng(seed).normal(size=(60, 40))
        rows[:20, :6] += 4
        assert p_of(rows, seed) == 0.05


def test_without_surrogates_there_is_no_p_value() -> None:
    told = significance(np.zeros((5, 2)), 1.0, SMALL.pipeline(), GaussianSurrogates(0), 0)
    assert told == SeparabilityTest(1.0, p_value=None, n_surrogates=0, null_median=None)
