import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap

from whyset.analysis.scores import bootstrap_mean, wilson
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
