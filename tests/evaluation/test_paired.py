"""Paired differences, with intervals that cover the true mean as often as they promise."""

import numpy as np
import pytest
import torch
from scipy import stats

from whyset.errors import InputError
from whyset.evaluation import compare_paired


def test_the_interval_of_normal_differences_is_that_of_student():
    generator = np.random.default_rng(0)
    samples = generator.normal(0, 10, 400)  # samples differ more than methods
    first, second = samples + generator.normal(0.3, 1, 400), samples
    found = compare_paired(first, second)
    low, high = stats.t.interval(0.95, 399, np.mean(first - second), stats.sem(first - second))
    assert found.mean == pytest.approx(np.mean(first - second))
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert found.is_significant
    assert found.n_samples == 400


def test_intervals_of_skewed_differences_cover_the_true_mean():
    """Of 300 at 90 %, within three standard errors, or down to 1/n less: BCa errs by this order (Efron 1987)."""
    generator = np.random.default_rng(1)
    found = [
        compare_paired(generator.exponential(1, 40), np.ones(40), confidence_level=0.9, n_resamples=999, seed=seed)
        for seed in range(300)
    ]
    covered = sum(one.low <= 0 <= one.high for one in found)
    assert 245 <= covered <= 286


def test_equal_methods_differ_by_nothing():
    values = np.random.default_rng(0).normal(size=20)
    found = compare_paired(values, values)
    assert (found.mean, found.low, found.high, found.is_significant) == (0, 0, 0, False)


def test_the_same_seed_gives_the_same_interval():
    first, second = np.random.default_rng(0).random((2, 30))
    assert compare_paired(first, second, seed=3) == compare_paired(first, second, seed=3)
    assert compare_paired(first, second, seed=3) != compare_paired(first, second, seed=4)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0, 2.0], [1.0], "shapes"),
        ([1.0], [1.0], "at least two samples"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "shapes"),
        ([1.0, np.nan], [1.0, 2.0], "1 in the first"),
    ],
)
def test_arrays_that_do_not_pair_are_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        compare_paired(first, second)


@pytest.mark.parametrize("first", [["a", "b"], [[1.0], [1.0, 2.0]], [1j, 2j], [None, 1.0]])
def test_what_is_no_array_of_numbers_is_refused(first):
    with pytest.raises(InputError, match="first: expected an array of real numbers"):
        compare_paired(first, [1.0, 2.0])


def test_tensors_with_a_gradient_are_compared():
    assert compare_paired(torch.ones(3, requires_grad=True), torch.zeros(3)).mean == 1


def test_differences_that_are_equal_but_for_rounding_have_an_interval_of_no_width() -> None:
    first = np.random.default_rng(0).normal(size=30)
    found = compare_paired(first + 1, first)
    assert (found.low, found.high) == (pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**1000], ids=["small", "large"])
def test_the_interval_scales_with_the_values(scale):
    values = np.random.default_rng(0).exponential(size=30)
    expected, found = (compare_paired(factor * values, 0 * values) for factor in (1, scale))
    assert (found.low, found.high) == (scale * expected.low, scale * expected.high)
