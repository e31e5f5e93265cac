import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyset.analysis.processors import AbsoluteSum, ChannelSum
from whyset.errors import InputError


@given(arrays(np.float64, (3, 4, 5), elements=st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6)))
def test_absolute_values_add_up_to_one_or_the_map_is_zero(maps: np.ndarray) -> None:
    totals = np.abs(AbsoluteSum()(maps)).sum(axis=(1, 2))
    np.testing.assert_allclose(totals, np.abs(maps).any(axis=(1, 2)), rtol=1e-12)


def test_relevance_that_balances_does_not_blow_up() -> None:
    balanced = np.array([[[1.0, -1.0 + 1e-12]]])
    assert np.abs(AbsoluteSum()(balanced)).max() <= 0.5 + 1e-9


def test_strength_does_not_matter_but_sign_does() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_allclose(AbsoluteSum()(1e3 * maps), AbsoluteSum()(maps))
    np.testing.assert_allclose(AbsoluteSum()(-maps), -AbsoluteSum()(maps))


def test_channels_are_added_with_their_signs() -> None:
    maps = np.zeros((1, 2, 2, 3))
    maps[0, 0, 0, 1], maps[0, 1, 0, 1], maps[0, 1, 1, 2] = 2, -3, 5
    np.testing.assert_array_equal(ChannelSum()(maps), [[[0, -1, 0], [0, 0, 5]]])


def test_vectors_are_no_maps() -> None:
    with pytest.raises(InputError, match=r"expected|Expected maps of shape .* got \(4, 5\)"):
        ChannelSum()(np.zeros((4, 5)))
