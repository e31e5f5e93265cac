import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, false_discovery_control

from whyset.analysis.scores import benjamini_hochberg, bootstrap_mean, wilson
from whyset.errors import InputError


@given(trials=st.integers(1, 500), data=st.data())
def test_wilsons_interval_is_scipys(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_a_share_of_nothing_has_no_interval() -> None:
    with pytest.raises(InputError, match="0 of 0"):
        wilson(0, 0)


def test_the_bootstrap_interval_is_scipys_percentile_interval() -> None:
    values = np.random.default_rng(0).gamma(2, size=200)
    found = bootstrap_mean(values, seed=1, draws=4000)
    expected = bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=2).confidence_interval
    assert found == pytest.approx(tuple(expected), abs=0.03)
    assert found == bootstrap_mean(values, seed=1, draws=4000)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values_are_scipys(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(false_discovery_control(p_values), abs=1e-12)


def test_what_was_not_tested_neither_counts_nor_gets_a_value() -> None:
    assert benjamini_hochberg([0.2, None, 0.01, None]) == pytest.approx([0.2, None, 0.02, None])
    assert benjamini_hochberg([None]) == [None]


def test_of_all_findings_at_most_the_level_is_false_on_average() -> None:
    rng = np.random.default_rng(0)
    false = []
    for _ in range(300):
        p_values = rng.uniform(size=50)
        p_values[:10] = rng.beta(0.05, 5, size=10)  # ten true effects
        found = np.array(benjamini_hochberg(list(p_values))) <= 0.1
        false.append(found[10:].sum() / max(1, found.sum()))
    assert np.mean(false) <= 0.1
