"""Comparison of methods by one metric: which is best, and whether it is by more than chance."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whyset.evaluation.comparison import compare_methods, find_p
from whyset.store.evaluations import MetricValues


def make(values, better="higher"):
    listed = tuple(None if np.isnan(value) else float(value) for value in values)
    return MetricValues({"name": "m", "fields": {}}, "m", better, listed)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=9))
def test_p_is_the_share_of_signs_with_a_mean_as_far_from_0(differences: list[int]) -> None:
    values = np.array(differences, float)
    means = [abs(np.mean(values * signs)) for signs in product((-1, 1), repeat=len(values))]
    expected = np.mean(np.array(means) >= abs(values.mean()) - 1e-12) if values.any() else 1.0
    assert find_p(values) == pytest.approx(expected)


def test_p_agrees_with_the_t_test_for_normal_differences() -> None:
    values = np.random.default_rng(0).normal(0.25, 1, 120)
    assert find_p(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.005)


@pytest.mark.parametrize(("better", "best"), [("higher", "b"), ("lower", "c"), (None, None)])
def test_the_best_is_by_the_direction_of_the_metric(better: str | None, best: str | None) -> None:
    noise = np.random.default_rng(1).normal(size=40)
    values = {"a": noise, "b": noise + 1, "c": noise - 1}
    found = compare_methods("m", {name: make(one, better) for name, one in values.items()})
    assert found.best == best
    assert len(found.differences) == 3
    if best is None:
        assert list(found.means) == ["a", "b", "c"]
        assert (found.lead, found.describe()) == (None, "")
    else:
        assert found.lead is not None
        assert (found.lead.first, found.lead.second) == (best, "a")
        assert abs(found.lead.difference.mean) == pytest.approx(1)


def test_p_values_are_corrected_for_the_pairs() -> None:
    generator = np.random.default_rng(0)
    base = generator.normal(size=60)
    shifts = {"a": 0.0, "b": 0.1, "c": 0.12}
    values = {name: base + 0.3 * generator.normal(size=60) + shift for name, shift in shifts.items()}
    found = compare_methods("m", {name: make(one) for name, one in values.items()})
    ordered = sorted(found.differences, key=lambda one: one.p_value)
    expected, largest = [], 0.0
    for number, one in enumerate(ordered):
        largest = max(largest, min(1.0, (3 - number) * one.p_value))
        expected.append(largest)
    assert [one.p_corrected for one in ordered] == pytest.approx(expected)


def test_equal_methods_rarely_differ() -> None:
    """Of 200 pairs without a difference, at most about 5 % have p < 0.05; their values are skewed."""
    generator = np.random.default_rng(2)
    wrong = sum(find_p(np.subtract(*generator.exponential(size=(2, 9)))) < 0.05 for _ in range(200))
    assert wrong <= stats.binom.ppf(0.999, 200, 0.05)


def test_only_samples_that_all_methods_have_are_compared() -> None:
    one = make([0.5, np.nan, 0.3, 0.9, 0.2])
    other = make([0.4, 0.7, np.nan, 0.5, 0.1])
    found = compare_methods("m", {"a": one, "b": other})
    assert found.n_samples == 3
    assert found.means == pytest.approx({"a": 1.6 / 3, "b": 1.0 / 3})
    empty = compare_methods("m", {"a": make([np.nan, 1.0]), "b": make([1.0, np.nan])})
    assert (empty.n_samples, empty.best, empty.differences, empty.describe()) == (0, None, (), "")
