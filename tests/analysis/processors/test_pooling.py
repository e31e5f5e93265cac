import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.analysis.processors import AreaPooling
from whyset.analysis.processors.pooling import area_weights
from whyset.errors import InputError

SIDES = st.integers(1, 40)


@given(height=SIDES, width=SIDES, longest=SIDES, seed=st.integers(0, 99))
def test_pooling_keeps_the_sum_and_the_proportions_of_any_map(height: int, width: int, longest: int, seed: int) -> None:
    maps = np.random.default_rng(seed).normal(size=(2, height, width))
    pooled = AreaPooling(longest)(maps)
    np.testing.assert_allclose(pooled.sum(axis=(1, 2)), maps.sum(axis=(1, 2)), atol=1e-9)
    assert max(pooled.shape[1:]) == min(longest, max(height, width))
    if height >= width:
        assert pooled.shape[1] >= pooled.shape[2]


def test_sides_that_divide_are_summed_in_blocks() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 12, 20))
    np.testing.assert_allclose(AreaPooling(10)(maps), maps.reshape(3, 6, 2, 10, 2).sum(axis=(2, 4)))


def test_a_pixel_on_a_border_is_shared_by_area() -> None:
    np.testing.assert_allclose(area_weights(3, 2), [[1, 0.5, 0], [0, 0.5, 1]])
    np.testing.assert_allclose(AreaPooling(2)(np.array([[[1.0], [2.0], [4.0]]]))[0, :, 0], [2.0, 5.0])


def test_any_pooling_agrees_with_repeating_pixels_to_a_common_multiple() -> None:
    maps = np.random.default_rng(1).normal(size=(1, 10, 15))  # pooled to 4 x 6: cells of 2.5 x 2.5 pixels
    fine = np.repeat(np.repeat(maps, 2, axis=1), 2, axis=2) / 4
    np.testing.assert_allclose(AreaPooling(6)(maps), fine.reshape(1, 4, 5, 6, 5).sum(axis=(2, 4)))


def test_small_maps_stay_as_they_are() -> None:
    maps = np.random.default_rng(2).normal(size=(2, 24, 28)).astype(np.float32)
    assert AreaPooling(28)(maps) is maps


def test_the_type_of_the_maps_is_kept() -> None:
    assert AreaPooling(5)(np.ones((1, 9, 7), np.float32)).dtype == np.float32


def test_no_cells_are_refused() -> None:
    with pytest.raises(InputError, match="longest must be at least 1, got 0"):
        AreaPooling(0)
