"""Comparison of methods by one metric: which is best, and whether it is by more than chance."""

import numpy as np
import pytest

from whyset.evaluation.comparison import compare_methods
from whyset.store.evaluations import MetricValues


def make(values, better="higher"):
    listed = tuple(None if np.isnan(value) else float(value) for value in values)
    return MetricValues({"name": "m", "fields": {}}, "m", better, listed)


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


def test_only_samples_that_all_methods_have_are_compared() -> None:
    one = make([0.5, np.nan, 0.3, 0.9, 0.2])
    other = make([0.4, 0.7, np.nan, 0.5, 0.1])
    found = compare_methods("m", {"a": one, "b": other})
    assert found.n_samples == 3
    assert found.means == pytest.approx({"a": 1.6 / 3, "b": 1.0 / 3})
    empty = compare_methods("m", {"a": make([np.nan, 1.0]), "b": make([1.0, np.nan])})
    assert (empty.n_samples, empty.best, empty.differences, empty.describe()) == (0, None, (), "")
