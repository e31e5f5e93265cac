"""Intervals hold what they promise for hosts nested in samples, also for few samples and small shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whyset.effects import estimate_difference, estimate_mean, estimate_share
from whyset.errors import InputError
from whyset.store.effects import Estimate

CLASSES = 200


def draw_class(rng, share, correlation, samples, hosts):
    """Hosts that turned, of samples whose own shares are beta-distributed with this mean and correlation of hosts."""
    size = (1 - correlation) / correlation
    return rng.binomial(hosts, rng.beta(share * size, (1 - share) * size, samples))


@pytest.mark.parametrize("samples", [5, 20])
@pytest.mark.parametrize(
    ("share", "correlation"), [(0.02, 0.02), (0.02, 0.3), (0.1, 0.1), (0.1, 0.7), (0.5, 0.3), (0.9, 0.3)]
)
def test_an_interval_of_a_share_covers_the_truth(samples, share, correlation):
    rng = np.random.default_rng(0)
    found = [
        estimate_share(draw_class(rng, share, correlation, samples, 8), np.full(samples, 8)).interval
        for _ in range(CLASSES)
    ]
    assert np.mean([low <= share <= high for low, high in found]) >= 0.9


def test_percentiles_of_a_bootstrap_over_samples_would_not():
    """The reason for the closed form: with 20 samples and a share of 0.02, they cover in little more than half."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(CLASSES):
        shares = draw_class(rng, 0.02, 0.3, 20, 8) / 8
        means = shares[rng.integers(0, 20, (500, 20))].mean(1)
        low, high = np.quantile(means, [0.025, 0.975])
        covered += low <= 0.02 <= high
    assert covered / CLASSES < 0.8


def test_an_interval_of_a_difference_covers_the_truth():
    rng, covered = np.random.default_rng(1), 0
    hosts = np.full(20, 8)
    for _ in range(CLASSES):
        one, other = (estimate_share(draw_class(rng, share, 0.4, 20, 8), hosts) for share in (0.3, 0.02))
        low, high = estimate_difference(one, other).interval
        covered += low <= 0.28 <= high
    assert covered / CLASSES >= 0.9


def test_of_one_host_each_it_is_the_interval_of_clopper_and_pearson():
    """The variance between samples is then p(1 − p) with n − 1 in place of n: nearly n independent hosts."""
    found = estimate_share([1] * 30 + [0] * 170, [1] * 200)
    exact = stats.binomtest(30, 200).proportion_ci(method="exact")
    assert found.interval == pytest.approx((exact.low, exact.high), abs=1e-3)


@pytest.mark.parametrize("hosts", [1, 8, 1000])
def test_if_no_host_turns_hosts_of_a_sample_count_once(hosts):
    found = estimate_share([0] * 12, [hosts] * 12)
    assert found.interval == pytest.approx((0.0, stats.binomtest(0, 12).proportion_ci().high))


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(1, 8)).map(lambda pair: (min(pair), pair[1])), min_size=2, max_size=30
    )
)
def test_an_interval_is_in_the_unit_interval_around_the_share_and_mirrors(pairs):
    turned, hosts = np.array(pairs).T
    found, mirrored = estimate_share(turned, hosts), estimate_share(hosts - turned, hosts)
    low, high = found.interval
    assert 0 <= low <= found.value <= high <= 1
    assert mirrored.interval == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert found.value == pytest.approx(np.mean(turned / hosts))


def test_the_same_hosts_in_more_samples_never_widen_an_interval():
    widths = []
    for repeats in (1, 2, 4, 8):
        low, high = estimate_share([4, 6, 8, 2] * repeats, [8] * 4 * repeats).interval
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_one_sample_has_no_interval_and_samples_without_hosts_do_not_count():
    assert estimate_share([3], [8]) == Estimate(0.375, None, 1)
    assert estimate_share([3, 0], [8, 0]) == Estimate(0.375, None, 1)
    assert estimate_mean([2.0]) == Estimate(2.0, None, 1)
    assert estimate_difference(Estimate(0.5, None, 1), Estimate(0.2, (0.1, 0.3), 4)).interval is None
    with pytest.raises(InputError, match="at least one sample with hosts"):
        estimate_share([0, 0], [0, 0])


def test_a_mean_has_the_interval_of_the_t_test():
    values = np.random.default_rng(0).normal(size=9)
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    assert estimate_mean(values).interval == pytest.approx((expected.low, expected.high))
