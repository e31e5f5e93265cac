"""One byte a pixel: zero is exact, signs are symmetric, and strange maps do no harm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from whyset.errors import InputError
from whyset.image import compute_scale
from whyset.image.quantize import indices, values

FLOATS = arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    array_shapes(max_dims=3, max_side=6),
    elements=st.floats(width=16, allow_nan=False, allow_infinity=False),
)
ANY_FLOATS = arrays(np.float64, array_shapes(max_dims=2), elements=st.floats())

pytestmark = pytest.mark.filterwarnings("error")


@given(FLOATS)
def test_negation_mirrors_bit_for_bit(array: np.ndarray) -> None:
    assert (indices(-array).astype(int) + indices(array) == 256).all()


@given(FLOATS)
def test_values_come_back_within_half_a_step(array: np.ndarray) -> None:
    scale = compute_scale(array)
    error = np.abs(values(indices(array), scale) - array.astype(np.float64))
    assert (error <= scale / 254 * (1 + 1e-9)).all()


@given(ANY_FLOATS, st.floats(min_value=0, allow_infinity=False))
def test_zero_is_128_and_signs_never_wrap(array: np.ndarray, scale: float) -> None:
    found = indices(array, scale)
    assert found.dtype == np.uint8
    assert found.shape == array.shape
    assert ((found == 0) == np.isnan(array)).all()
    assert (found[array == 0] == 128).all()
    assert (found[array > 0] >= 128).all()
    assert (found[array < 0] <= 128).all()


def test_extremes_reach_both_ends() -> None:
    assert indices([-2.0, 2.0]).tolist() == [1, 255]
    assert indices([-3.0, -1.0]).tolist() == [1, 86]
    assert indices([-np.inf, np.inf, np.nan, 4.0]).tolist() == [1, 255, 0, 255]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, bool])
def test_integers_do_not_wrap(dtype: type) -> None:
    info = (0, 1) if dtype is bool else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    found = indices(np.array(info, dtype=dtype))
    assert found[1] in (254, 255)
    assert found[0] == (128 if info[0] == 0 else 1)


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.zeros((0, 3)), np.full((2, 3), np.nan)])
def test_scale_of_a_map_without_magnitude_is_zero(array: np.ndarray) -> None:
    assert compute_scale(array) == 0.0
    assert compute_scale(array, 99) == 0.0
    assert (indices(array) == np.where(np.isnan(array), 0, 128)).all()


def test_what_is_missing_comes_back_as_nan() -> None:
    assert np.isnan(values(indices([np.nan, 1.0]), 1.0)).tolist() == [True, False]


@given(FLOATS, st.floats(0, 100))
def test_a_percentile_of_the_magnitudes_is_numpys(array: np.ndarray, percentile: float) -> None:
    expected = np.percentile(np.abs(array.astype(np.float64)), percentile) if array.size else 0.0
    assert compute_scale(array, percentile) == pytest.approx(expected, rel=1e-12)


@given(FLOATS, st.sampled_from([0.25, 0.5, 1.0, 2.0]))
def test_gamma_is_a_power_of_the_share(array: np.ndarray, gamma: float) -> None:
    scale = compute_scale(array) or 1.0
    shares = array.astype(np.float64) / scale
    exact = np.sign(shares) * np.abs(shares) ** gamma * 127 + 128
    assert (np.abs(indices(array, scale, gamma) - exact) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize("gamma", [0.0, -1.0, np.inf, np.nan])
def test_impossible_gamma_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match="gamma must be"):
        indices([1.0], 1.0, gamma)


@pytest.mark.parametrize("percentile", [-1, 101, np.nan])
def test_impossible_percentile_is_refused(percentile: float) -> None:
    with pytest.raises(InputError, match="between 0 and 100"):
        compute_scale([1.0], percentile)


def test_scale_ignores_what_is_not_finite() -> None:
    assert compute_scale([1.0, -2.5, np.inf, np.nan]) == 2.5


@pytest.mark.parametrize("scale", [-1.0, np.inf, np.nan])
def test_impossible_scale_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="finite and not negative"):
        indices([1.0], scale)
