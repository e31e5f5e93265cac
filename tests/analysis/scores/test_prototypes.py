import numpy as np
import pytest
from scipy.stats import multivariate_normal

from whyset.analysis.scores import GaussianPrototypes
from whyset.errors import InputError


def strategies() -> tuple[np.ndarray, np.ndarray]:
    """Concept relevance (150, 6) of a class with strategies of 90 and 60 samples."""
    rng = np.random.default_rng(0)
    rows = rng.normal(scale=0.1, size=(150, 6))
    rows[:90, 0] += 1
    rows[90:, 3] += 1
    return rows, np.repeat([0, 1], [90, 60])


@pytest.mark.parametrize("covariance", ["full", "diag"])
@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_two_strategies_give_two_prototypes_whatever_the_unit(covariance: str, unit: float) -> None:
    rows, truth = strategies()
    found = GaussianPrototypes(2, covariance)(rows * unit, seed=0)
    np.testing.assert_array_equal(found.members, truth)
    np.testing.assert_allclose(found.weights, [0.6, 0.4], atol=1e-6)
    np.testing.assert_allclose(found.means[1], rows[90:].mean(0) * unit, atol=1e-6 * unit)
    assert (truth[found.prototypes] == [0, 1]).all()


def test_the_likelihood_is_that_of_the_mixture_in_the_units_of_the_relevance() -> None:
    rows, _ = strategies()
    rows *= 0.01
    found = GaussianPrototypes(1, ridge=1e-9)(rows, seed=0)
    expected = multivariate_normal(rows.mean(0), np.cov(rows.T, bias=True)).logpdf(rows)
    np.testing.assert_allclose(found.log_likelihood, expected, rtol=1e-5)


def test_a_sample_unlike_its_class_is_the_first_outlier() -> None:
    rows, _ = strategies()
    rows[7] = 0.7
    assert GaussianPrototypes(2)(rows, seed=0).outliers(3)[0] == 7


def test_too_few_samples_and_unknown_covariances_are_refused() -> None:
    with pytest.raises(InputError, match="need 16 explanations, got 10"):
        GaussianPrototypes()(np.zeros((10, 3)), seed=0)
    with pytest.raises(InputError, match="covariance"):
        GaussianPrototypes(2, "spherical")
