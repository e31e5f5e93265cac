"""Colour maps: exact tables, neutral and mirrored where they diverge."""

import numpy as np
import pytest

from whyset.errors import InputError
from whyset.image import COLOR_MAPS, ColorMap, lookup


@pytest.mark.parametrize("name", COLOR_MAPS)
def test_table_holds_its_anchors_exactly(name: str) -> None:
    table = lookup(name)
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert all(tuple(table[entry]) == color for entry, color in COLOR_MAPS[name].anchors)


@pytest.mark.parametrize("name", [name for name, color_map in COLOR_MAPS.items() if color_map.diverging])
def test_diverging_map_is_neutral_at_zero_and_tells_the_signs_apart(name: str) -> None:
    table = lookup(name).astype(int)
    assert len(set(table[128])) == 1
    assert (table[0] == table[1]).all()
    below, above = table[127:0:-1], table[129:]
    assert (below != above).any(axis=1).all()
    assert below.shape == above.shape == (127, 3)


@pytest.mark.parametrize("name", ["bwr", "seismic"])
def test_red_and_blue_mirror_bit_for_bit(name: str) -> None:
    table = lookup(name)
    assert (table[127:0:-1, ::-1] == table[129:]).all()


def test_gray_is_the_identity() -> None:
    assert (lookup("gray") == np.arange(256)[:, None]).all()


def test_halves_round_up() -> None:
    assert ColorMap("x", ((0, (0, 0, 0)), (2, (1, 3, 255))), diverging=False).at(1) == (1, 2, 128)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'jett'.*bwr.*gray"):
        lookup("jett")


@pytest.mark.parametrize(
    ("anchors", "diverging"),
    [
        (((0, (0, 0, 0)),), False),
        (((9, (0, 0, 0)), (3, (1, 1, 1))), False),
        (((0, (0, 0, 0)), (256, (1, 1, 1))), False),
        (((0, (0, 0, 0)), (255, (256, 1, 1))), False),
        (((0, (0, 0, 255)), (255, (255, 0, 0))), True),
    ],
)
def test_impossible_maps_are_refused(anchors: tuple, diverging: bool) -> None:
    with pytest.raises(InputError, match="color map 'x'"):
        ColorMap("x", anchors, diverging)
