"""Figures: colors bit for bit, shared scales, numbers at the color bars, files of every kind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from whyset.errors import InputError
from whyset.image import colorize, figure
from whyset.image.color_maps import lookup

MAP = np.random.default_rng(0).normal(size=(3, 4, 7))
PHOTO = np.random.default_rng(1).integers(0, 256, (4, 7, 3), dtype=np.uint8)


def shown(drawn: Figure, row: int, column: int, columns: int) -> np.ndarray:
    (image,) = drawn.axes[row * columns + column].get_images()
    return np.asarray(image.get_array())


def test_cells_hold_the_colors_of_colorize_bit_for_bit() -> None:
    drawn = figure([[PHOTO, PHOTO], [MAP, 2 * MAP]], color_bar=False)
    assert (shown(drawn, 0, 1, 2) == PHOTO).all()
    assert (shown(drawn, 1, 0, 2) == colorize(MAP)).all()
    assert (shown(drawn, 1, 1, 2) == colorize(MAP)).all()


@pytest.mark.parametrize(("norm", "same"), [("each", True), ("row", False), ("all", False)])
def test_a_shared_scale_shows_a_weaker_map_weaker(norm: str, same: bool) -> None:
    drawn = figure([[MAP, MAP / 2]], norm=norm, color_bar=False)
    assert (shown(drawn, 0, 0, 2) == shown(drawn, 0, 1, 2)).all() == same


def test_one_scale_for_all_reaches_over_rows() -> None:
    drawn = figure([[MAP], [MAP / 2]], norm="all", color_bar=False)
    assert (shown(drawn, 1, 0, 1) == colorize(MAP / 2, scale=float(np.abs(MAP.sum(axis=0)).max()))).all()


def test_a_color_bar_is_the_map_from_lowest_to_highest_with_its_numbers() -> None:
    drawn = figure(
        [[np.array([[4.0, -2.0]])], [np.array([[1.0, 0.0]])]], color_map=["bwr", "00f,80:000,0f0"], norm="row"
    )
    assert (shown(drawn, 0, 1, 2)[:, 0] == lookup("bwr")[1:]).all()
    assert [label.get_text() for label in drawn.axes[1].get_yticklabels()] == ["−4", "0", "4"]
    assert (shown(drawn, 1, 1, 2)[-1] == (0, 255, 0)).all()


@pytest.mark.parametrize(
    "strange", [np.zeros((2, 3)), np.full((2, 3), np.nan), np.array([[np.inf, 1.0]]), -np.ones((3, 1, 2))]
)
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_strange_maps_are_drawn_in_every_format(strange: np.ndarray, ending: str, tmp_path: Path) -> None:
    figure([[strange]], norm="all", row_titles=["<&>"]).savefig(tmp_path / f"drawn.{ending}")
    assert (tmp_path / f"drawn.{ending}").stat().st_size > 500


def test_sides_keep_their_ratio_in_the_file(tmp_path: Path) -> None:
    figure([[np.ones((10, 40))]], color_bar=False).savefig(tmp_path / "drawn.png", dpi=100)
    red = (np.asarray(Image.open(tmp_path / "drawn.png").convert("RGB")) == (255, 0, 0)).all(axis=2)
    height, width = (np.ptp(np.flatnonzero(red.any(axis=axis))) + 1 for axis in (1, 0))
    assert width / height == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"rows": []}, "rows of one length"),
        ({"rows": [[MAP], [MAP, MAP]]}, r"rows of one length, got \[1, 2\]"),
        ({"rows": [[MAP]], "row_titles": ["a", "b"]}, "row_titles: expected 1 entries, got 2"),
        ({"rows": [[MAP]], "column_titles": []}, "column_titles: expected 1 entries, got 0"),
        ({"rows": [[MAP]], "color_map": ["bwr", "hot"]}, "color_map: expected 1 entries, got 2"),
        ({"rows": [[MAP]], "norm": "some"}, "norm: expected"),
        ({"rows": [[np.zeros(3)]]}, r"expected an image.*got float64 \(3,\)"),
        ({"rows": [[np.zeros((2, 3, 4), np.uint8)]]}, r"got uint8 \(2, 3, 4\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        figure(**arguments)


def test_without_matplotlib_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import whyset.image as i; i.figure([[[[1.0]]]])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'MissingExtraError: a figure needs matplotlib.figure: pip install "whyset[figures]"' in answer.stderr
