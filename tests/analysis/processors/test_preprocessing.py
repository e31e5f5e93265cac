import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from whyset.analysis.processors import (
    Absolute,
    AbsoluteSum,
    AreaPooling,
    ChannelSum,
    FourierMagnitude,
    Histogram,
    Pooling,
    Rescale,
    Resize,
)
from whyset.errors import InputError

MAPS = np.random.default_rng(0).normal(size=(3, 9, 14)).astype(np.float32)


def test_absolute_relevance_forgets_the_sign_only() -> None:
    np.testing.assert_array_equal(Absolute()(-MAPS), np.where(MAPS < 0, -MAPS, MAPS))


@given(st.integers(0, 8), st.integers(0, 13))
def test_fourier_magnitudes_do_not_change_when_a_map_is_shifted(down: int, right: int) -> None:
    maps = MAPS.astype(np.float64)
    np.testing.assert_allclose(FourierMagnitude()(np.roll(maps, (down, right), (1, 2))), FourierMagnitude()(maps))


def test_fourier_magnitudes_are_those_of_the_whole_transform() -> None:
    whole = np.abs(np.fft.fft2(MAPS.astype(np.float64)))
    np.testing.assert_allclose(FourierMagnitude()(MAPS), whole[:, :, :8], rtol=1e-4)


@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 5, 4, 6), (2, 3, 5, 4, 6)], ids=["series", "images", "volumes"])
def test_the_magnitude_over_n_axes_ignores_shifts_along_these_and_no_others(shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(1).normal(size=shape)
    n_axes = len(shape) - 2
    magnitude = FourierMagnitude(n_axes)(maps)
    for axis in range(2, len(shape)):
        np.testing.assert_allclose(FourierMagnitude(n_axes)(np.roll(maps, 2, axis)), magnitude)
    assert not np.allclose(FourierMagnitude(n_axes)(np.roll(maps, 1, 1)), magnitude)  # channels are not places
    zero = (..., *[0] * n_axes)
    np.testing.assert_allclose(magnitude[zero], np.abs(maps.sum(axis=tuple(range(2, len(shape))))))


def test_a_cosine_has_one_frequency() -> None:
    time = np.arange(16) / 16
    magnitude = FourierMagnitude(1)(np.cos(2 * np.pi * 3 * time + 0.4)[None, None])
    np.testing.assert_allclose(magnitude[0, 0], [8.0 * (k == 3) for k in range(9)], atol=1e-12)


def test_a_histogram_counts_shares_and_hangs_on_its_own_map_only() -> None:
    counted = Histogram(bins=16)(MAPS)
    for row, values in zip(counted, MAPS, strict=True):
        most = np.abs(values).max()
        np.testing.assert_allclose(row, np.histogram(values, 16, (-most, most))[0] / values.size, atol=1e-6)
    np.testing.assert_array_equal(Histogram(bins=16)(1000 * MAPS[:1]), counted[:1])


def test_values_outside_given_bounds_go_to_the_outer_bins() -> None:
    assert Histogram(bins=2, low=-1, high=1)(np.array([[[-9.0, -0.5, 0.5, 0.7]]])).tolist() == [[0.5, 0.5]]
    assert Histogram(bins=3)(np.zeros((1, 2, 2))).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("function", ["sum", "mean", "max"])
def test_pooling_over_windows_agrees_with_blocks(function: str) -> None:
    maps = MAPS[:, :8, :12].astype(np.float64)
    blocks = getattr(maps.reshape(3, 4, 2, 6, 2), function)(axis=(2, 4))
    np.testing.assert_allclose(Pooling(2, function=function)(maps), blocks)


def test_windows_may_overlap_and_leave_out_what_reaches_over_the_border() -> None:
    pooled = Pooling(3, stride=2)(MAPS.astype(np.float64))
    assert pooled.shape == (3, 4, 6)
    assert pooled[1, 2, 3] == pytest.approx(MAPS[1, 4:7, 6:9].sum(dtype=np.float64))


def test_maps_are_resized_by_height_and_width_in_this_order() -> None:
    resized = Resize(5, 20)(MAPS)
    assert resized.shape == (3, 5, 20)
    expected = np.asarray(Image.fromarray(MAPS[2]).resize((20, 5), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized[2], expected)
    assert Rescale(0.5)(MAPS[:, None]).shape == (3, 1, 4, 7)
    np.testing.assert_allclose(Resize(3, 4)(np.full((1, 9, 14), 2.5, np.float32)), 2.5, rtol=1e-6)


def test_series_and_volumes_are_pooled_along_all_their_axes() -> None:
    assert AreaPooling(7)(MAPS[:, 0]).shape == (3, 7)
    volumes = ChannelSum()(np.ones((2, 3, 8, 6, 4)))
    assert AreaPooling(4)(volumes).shape == (2, 4, 3, 2)
    assert AreaPooling(4)(volumes).sum() == pytest.approx(2 * 3 * 8 * 6 * 4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Histogram(bins=1),
        lambda: Histogram(low=0),
        lambda: Histogram(low=1, high=1),
        lambda: Pooling(0),
        lambda: Pooling(2, stride=0),
        lambda: Pooling(function="median"),
        lambda: Pooling(9)(np.ones((1, 4, 12))),
        lambda: Resize(0, 3),
        lambda: Resize(2, 3, "sinc"),
        lambda: Rescale(0),
        lambda: FourierMagnitude()(np.ones((3, 4))),
        lambda: FourierMagnitude(0),
        lambda: FourierMagnitude(1)(np.ones(3)),
        lambda: Resize(2, 2)(np.ones((3, 4))),
    ],
)
def test_what_means_nothing_is_refused(make: object) -> None:
    with pytest.raises(InputError):
        make()


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
