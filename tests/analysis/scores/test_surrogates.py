import numpy as np
import pytest
from scipy.stats import kstest, norm, rankdata, spearmanr
from sklearn.covariance import LedoitWolf
from threadpoolctl import threadpool_limits

from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import KMeans
from whyset.analysis.scores import CopulaSurrogates, GaussianSurrogates, p_value
from whyset.analysis.scores.surrogates import normal_scores, principal_deviations
from whyset.errors import InputError

SMALL = Spray(n_neighbors=6, eigenvectors=12, clusterings=(KMeans(n_init=3),))


def test_every_feature_keeps_its_values() -> None:
    rows = np.random.default_rng(0).gamma(0.3, size=(50, 20)).astype(np.float32)
    rows[:10, 3] = 0
    first, second = CopulaSurrogates(2)(rows, seed=1)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(rows, axis=0))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, next(CopulaSurrogates(1)(rows, seed=1)))


@pytest.mark.parametrize("samples", [400, 60], ids=["more samples", "fewer samples"])
def test_the_correlation_of_ranks_is_kept(samples: int) -> None:
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(samples, 3))
    rows = np.exp(factors @ rng.normal(size=(3, 80)) + 0.3 * rng.normal(size=(samples, 80)))
    drawn = [spearmanr(draw).statistic for draw in CopulaSurrogates(10)(rows, seed=2)]
    expected, found = spearmanr(rows).statistic, np.mean(drawn, axis=0)
    upper = np.triu_indices(80, 1)
    assert np.corrcoef(expected[upper], found[upper])[0, 1] > 0.97
    assert np.polyfit(expected[upper], found[upper], 1)[0] == pytest.approx(1, abs=0.15)


def test_normal_scores_are_quantiles_of_ranks() -> None:
    rows = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, 5.0]])
    expected = norm.ppf((rankdata(rows, axis=0) - 0.5) / 3)
    np.testing.assert_allclose(normal_scores(rows), expected - expected.mean(axis=0), atol=1e-6)


def p_of(rows: np.ndarray, seed: int, surrogates: CopulaSurrogates | GaussianSurrogates) -> float:
    """The p-value of the separability by repeating all steps on surrogates."""
    chain = SMALL.pipeline().until("separability")
    with threadpool_limits(1):
        observed, *null = (
            chain.run({"features": drawn}, seed=seed + number)["separability"]
            for number, drawn in enumerate([rows, *surrogates(rows, seed=seed)])
        )
    return p_value(observed, np.array(null))


def skewed(seed: int) -> np.ndarray:
    """Noise as normalized relevance has it: most of a map's relevance lies in a few pixels."""
    rows = np.random.default_rng([3, seed]).gamma(0.3, size=(60, 40)) * np.arange(1, 41) ** -0.7
    return rows / rows.sum(axis=1, keepdims=True)


def test_on_skewed_noise_p_is_roughly_uniform_where_the_gaussian_null_finds_clusters() -> None:
    found = np.array([p_of(skewed(seed), seed, CopulaSurrogates(19)) for seed in range(20)])
    jitter = np.random.default_rng(0).uniform(0, 1 / 20, len(found))  # the p-values are multiples of 1/20
    assert kstest(found - jitter, "uniform").pvalue > 0.01
    assert np.mean(found <= 0.05) < 0.25
    gaussian = np.array([p_of(skewed(seed), seed, GaussianSurrogates(19)) for seed in range(10)])
    assert np.mean(gaussian) < np.mean(found[:10])


def test_on_a_mark_in_skewed_noise_p_is_small() -> None:
    for seed in range(3):
        rows = np.random.default_rng(seed).gamma(1, size=(60, 40))
        rows[:20, :4] += 8
        assert p_of(rows / rows.sum(axis=1, keepdims=True), seed, CopulaSurrogates(19)) == 0.05


def test_a_negative_count_is_refused() -> None:
    assert list(CopulaSurrogates(0)(np.zeros((3, 2)), seed=0)) == []
    with pytest.raises(InputError, match="0 or more"):
        CopulaSurrogates(-1)


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


@pytest.mark.parametrize("shape", ["round", "stretched"])
def test_on_noise_the_p_value_is_roughly_uniform(shape: str) -> None:
    """Shuffled labels fail here: they give the smallest possible p on every one of these data sets."""
    spread = np.ones(40) if shape == "round" else np.arange(1, 41) ** -0.7
    rows = [np.random.default_rng([7, seed]).normal(size=(50, 40)) * spread for seed in range(20)]
    found = [p_of(noise, seed, GaussianSurrogates(19)) for seed, noise in enumerate(rows)]
    jitter = np.random.default_rng(0).uniform(0, 1 / 20, len(found))  # the p-values are multiples of 1/20
    assert kstest(np.array(found) - jitter, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) < 0.25


def test_on_a_planted_cluster_the_p_value_is_small() -> None:
    for seed in range(4):
        rows = np.random.default_rng(seed).normal(size=(60, 40))
        rows[:20, :6] += 4
        assert p_of(rows, seed, GaussianSurrogates(19)) == 0.05
