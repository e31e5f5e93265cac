"""Pictures: sides that differ, zero in the neutral color, overlays and grids exact."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from whyset.errors import InputError
from whyset.image import colorize, grid, gridify, imgify, imsave, overlay
from whyset.image.color_maps import lookup

pytestmark = pytest.mark.filterwarnings("error")
NOISE = np.random.default_rng(0).integers(0, 256, (2, 4, 7, 3), dtype=np.uint8)


def test_picture_keeps_height_and_width_apart() -> None:
    relevance = np.zeros((3, 5))
    relevance[0, 4] = 1.0
    picture = imgify(relevance)
    assert picture.size == (5, 3)
    assert picture.getpixel((4, 0)) == (255, 0, 0)
    assert picture.getpixel((0, 2)) == (255, 255, 255)


def test_channels_are_summed_before_coloring() -> None:
    relevance = np.random.default_rng(1).normal(size=(3, 4, 6))
    assert (colorize(relevance) == colorize(relevance.sum(axis=0))).all()


def test_opposite_infinities_are_missing() -> None:
    relevance = np.array([[[np.inf, 1.0]], [[-np.inf, 0.0]]])
    assert (colorize(relevance) == [[[0x66] * 3, [255, 0, 0]]]).all()


def test_map_without_relevance_is_neutral() -> None:
    assert (colorize(np.zeros((2, 3)), "coldnhot") == 0).all()
    assert (colorize(np.zeros((2, 3)), "bwr") == 255).all()


@pytest.mark.parametrize("color_map", ["bwr", "gray"])
def test_missing_pixels_are_checkered_in_every_color_map(color_map: str) -> None:
    relevance = np.full((2, 3), -np.nan)
    relevance[1, 2] = 0
    turns = [[0x66, 0x99, 0x66], [0x99, 0x66, lookup(color_map)[128, 0]]]
    assert (colorize(relevance, color_map) == np.array(turns)[..., None]).all()


def test_gamma_below_one_lifts_weak_relevance() -> None:
    assert (colorize([[0.25]], scale=1.0, gamma=0.5) == colorize([[0.5]], scale=1.0)).all()


def test_given_scale_is_shared_between_maps() -> None:
    assert (colorize([[1.0]], scale=2.0) == lookup("bwr")[192]).all()


@pytest.mark.parametrize("shape", [(3,), (1, 1, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        imgify(np.zeros(shape))


def test_map_without_pixels_is_no_picture() -> None:
    assert colorize(np.zeros((0, 3))).shape == (0, 3, 3)
    with pytest.raises(InputError, match="at least one pixel"):
        imgify(np.zeros((0, 3)))


def test_overlay_ends_are_exact() -> None:
    assert (overlay(*NOISE, 0) == NOISE[0]).all()
    assert (overlay(*NOISE, 1.0) == NOISE[1]).all()


@given(st.floats(0, 1))
def test_overlay_lies_within_half_a_step_of_the_formula(opacity: float) -> None:
    exact = (1 - opacity) * NOISE[0].astype(float) + opacity * NOISE[1].astype(float)
    assert np.abs(overlay(*NOISE, opacity) - exact).max() <= 0.5 + 1e-9


def test_overlay_takes_an_opacity_per_pixel() -> None:
    opacity = np.zeros((4, 7))
    opacity[1, 5] = 1
    mixed = overlay(*NOISE, opacity)
    assert (mixed[1, 5] == NOISE[1, 1, 5]).all()
    assert ((mixed == NOISE[0]).all(axis=2) | (opacity == 1)).all()


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_impossible_opacity_is_refused(opacity: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        overlay(*NOISE, opacity)


def test_overlay_of_other_sides_is_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        overlay(NOISE[0], NOISE[1].swapaxes(0, 1))


def test_grid_places_pictures_row_by_row() -> None:
    small = np.full((2, 3, 3), 7, dtype=np.uint8)
    canvas = grid([NOISE[0], NOISE[1], small], columns=2, gap=1)
    assert canvas.shape == (9, 15, 3)
    assert (canvas[:4, :7] == NOISE[0]).all()
    assert (canvas[:4, 8:] == NOISE[1]).all()
    assert (canvas[5:7, :3] == 7).all()
    assert (canvas[4] == 255).all()
    assert (canvas[7:, :3] == 255).all()


@pytest.mark.parametrize(("pictures", "columns", "gap"), [([], 1, 0), ([NOISE[0]], 0, 0), ([NOISE[0]], 1, -1)])
def test_impossible_grid_is_refused(pictures: list, columns: int, gap: int) -> None:
    with pytest.raises(InputError, match="grid: expected"):
        grid(pictures, columns, gap)


def test_gridify_scales_each_map_by_itself_unless_told() -> None:
    maps = np.stack([np.ones((2, 3)), np.full((2, 3), 0.5)])
    alone, shared = (np.asarray(gridify(maps, scale=scale, gap=0)) for scale in (None, 1.0))
    assert (alone == lookup("bwr")[255]).all()
    assert (shared[:, :3] == lookup("bwr")[255]).all()
    assert (shared[:, 3:] == lookup("bwr")[192]).all()


def test_gridify_takes_maps_whose_sides_differ() -> None:
    assert gridify([np.ones((2, 5)), np.ones((3, 4, 1)), np.zeros((1, 1))], gap=1).size == (11, 9)


@pytest.mark.parametrize("name", ["all_negative", "constant", "non_finite"])
def test_imsave_writes_what_imgify_shows(name: str, tmp_path: Path) -> None:
    maps = {"all_negative": -np.arange(1.0, 7).reshape(2, 3), "constant": np.full((2, 3), 3.0)}
    relevance = maps.get(name, np.array([[np.nan, np.inf, 1.0], [-np.inf, -1.0, 0.0]]))
    imsave(tmp_path / "map.png", relevance, "coldnhot")
    assert (np.asarray(Image.open(tmp_path / "map.png")) == np.asarray(imgify(relevance, "coldnhot"))).all()


def test_a_map_that_cannot_be_drawn_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_text("mine")
    with pytest.raises(InputError):
        imsave(tmp_path / "map.png", np.zeros((0, 3)))
    assert (tmp_path / "map.png").read_text() == "mine"
