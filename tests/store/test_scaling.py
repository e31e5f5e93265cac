import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from whyset.errors import InputError
from whyset.store.arrays import ArraySpec
from whyset.store.scaling import compute_scales, divide_rows, row_peaks, unscale_rows
from whyset.store.shard_arrays import check_array

SHAPES = hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=5)
ROWS = hnp.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


def scale_rows(rows: npt.ArrayLike) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """The stored form of rows and their scales, as a shard is written."""
    values = np.asarray(rows)
    spec = ArraySpec("attribution/input", values.shape[1:], "float16", scaled=True)
    array = check_array(spec, values, np.zeros(len(values), bool))
    assert array.scale is not None
    return np.concatenate(list(array.iterate_stored())), array.scale


@given(ROWS)
def test_values_keep_eleven_bits_down_to_a_billionth_of_their_rows_peak(rows):
    scaled, scale = scale_rows(rows)
    back = unscale_rows(scaled, scale).astype(np.float64)
    peak = np.abs(rows.reshape(len(rows), -1).astype(np.float64)).max(axis=1).reshape(-1, *[1] * (rows.ndim - 1))
    error = np.abs(back - rows.astype(np.float64))
    # Half a unit of eleven bits for normal numbers; below, half the smallest step, which lies 2^-39 under the peak,
    # or 2^-151 where the scale is held at the smallest normal float32.
    assert np.all(error <= np.maximum(2.0**-11 * np.abs(rows), np.maximum(2.0**-39 * peak, 2.0**-151)))


@given(ROWS)
def test_scales_are_normal_powers_of_two_and_one_for_zero_rows(rows):
    _, scale = scale_rows(rows)
    assert np.all(np.frexp(scale)[0] == 0.5)
    assert np.all(scale >= np.finfo(np.float32).tiny)
    assert np.all(scale[~np.any(rows.reshape(len(rows), -1), axis=1)] == 1)


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-1000, 1000, width=16)), st.integers(-60, 60))
def test_what_float16_holds_comes_back_exactly_at_any_power_of_two(rows, exponent):
    # 16-bit floats may lie 2^34 apart, more than the 2^29 that keep all bits: so leave out the smallest ones.
    rows = np.where(np.abs(rows) < 2.0**-10, np.float32(0), rows) * np.float32(2.0**exponent)
    assert np.array_equal(unscale_rows(*scale_rows(rows)), rows)


def test_small_maps_that_plain_float16_loses_are_kept():
    row = np.array([[1e-9, -3e-10, 0.0]], np.float32)
    assert not row.astype(np.float16).any()
    assert np.allclose(unscale_rows(*scale_rows(row)), row, rtol=2.0**-11, atol=0)


def test_rows_do_not_share_a_scale():
    _, scale = scale_rows(np.array([[1.0], [1e-20], [1e20]]))
    assert len(set(scale.tolist())) == 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_values_beyond_float32_are_refused_with_their_rows(bad):
    rows = np.ones((4, 2, 3))
    rows[2, 1, 0] = bad
    with pytest.raises(InputError, match=r"1 of 4 rows \(first: rows \[2\]\)"):
        scale_rows(rows)


def test_the_largest_numbers_do_not_become_infinite():
    largest = np.array([[np.finfo(np.float32).max]])
    assert np.allclose(unscale_rows(*scale_rows(largest)), largest, rtol=2.0**-11)


def test_no_rows_are_no_error():
    rows = np.zeros((0, 2, 3), np.float32)
    scale = compute_scales(row_peaks(rows))
    scaled = divide_rows(scale, rows)
    assert (scaled.shape, scale.shape, unscale_rows(scaled, scale).shape) == ((0, 2, 3), (0,), (0, 2, 3))
