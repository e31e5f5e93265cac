"""Complexity and sparseness by closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyset.evaluation.metrics import Complexity, Sparseness, SupportSize

MAPS = arrays(np.float64, (3, 11), elements=st.floats(-1e3, 1e3).map(lambda value: round(value, 3)))


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_equal_relevance_at_some_positions(from_maps, count):
    """With K of N equal: the entropy is log K, the Gini index 1 - K / N, and K positions have relevance."""
    relevance = np.zeros((1, 12))
    relevance[0, :count] = -3.0
    batch = from_maps(relevance, shape=(3, 4))
    np.testing.assert_allclose(Complexity().measure(batch).values, np.log(count), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(Sparseness().measure(batch).values, 1 - count / 12, rtol=1e-12, atol=1e-12)
    assert SupportSize().measure(batch).values == count


@given(maps=MAPS)
def test_the_gini_index_is_the_mean_difference_of_all_pairs(from_maps, maps):
    found = Sparseness().measure(from_maps(maps)).values
    absolute = np.abs(maps)
    pairs = np.abs(absolute[:, :, None] - absolute[:, None]).sum((1, 2))
    total = 2 * 11 * absolute.sum(1)
    expected = np.divide(pairs, total, out=np.full(3, np.nan), where=total != 0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(maps=MAPS, scale=st.sampled_from([-(2.0**-20), 0.25, 2.0**30]))
def test_neither_scale_nor_order_matters(from_maps, maps, scale):
    permuted = scale * maps[:, np.random.default_rng(0).permutation(11)]
    for metric in (Complexity(), Sparseness(), SupportSize(0.1)):
        first, second = (metric.measure(from_maps(values)).values for values in (maps, permuted))
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


def test_maps_of_zeros_have_no_shares(from_maps):
    batch = from_maps(np.zeros((2, 5)))
    assert np.isnan(Complexity().measure(batch).values).all()
    assert np.isnan(Sparseness().measure(batch).values).all()
    assert (SupportSize().measure(batch).values == 0).all()


def test_relevance_is_summed_over_the_channels_first(make_samples):
    every, one = make_samples(), make_samples(one_channel=True)
    for metric in (Complexity(), Sparseness(), SupportSize(0.1)):
        np.testing.assert_allclose(metric.measure(every).values, metric.measure(one).values, rtol=1e-12)
