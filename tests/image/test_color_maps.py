"""Color maps: exact tables, neutral and mirrored where they diverge."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.image import COLOR_MAPS, ColorMap, find_color_map
from whyset.image.color_maps import lookup

ZENNIT_NAMES = {name: name for name in "gray wred wblue hot cold coldnhot bwr france coolio coleus".split()} | {
    "zennit-seismic": "seismic"
}
ZENNIT = {name: COLOR_MAPS[name].source for name in ZENNIT_NAMES}


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
    apart = (below != above).any(axis=1)
    assert apart[:-1].all()
    assert apart[-1] or name == "black-fire-red"  # ViRelAy's: white on both ends
    assert below.shape == above.shape == (127, 3)


@pytest.mark.parametrize("name", ["bwr", "seismic"])
def test_red_and_blue_mirror_bit_for_bit(name: str) -> None:
    table = lookup(name)
    assert (table[127:0:-1, ::-1] == table[129:]).all()


def test_gray_is_the_identity() -> None:
    assert (lookup("gray") == np.arange(256)[:, None]).all()


def test_halves_round_up() -> None:
    assert ColorMap("x", "00:000000,02:0103ff").at(1) == (1, 2, 128)


@pytest.mark.parametrize(
    "source", ["00f,80:000,f00", "00f,000,f00", "79:00f,80:f00", "2:123,a0:fedcba,00f,0F0,e:fff", *ZENNIT.values()]
)
def test_the_language_means_what_it_means_to_zennit(source: str) -> None:
    palette = importlib.import_module("zennit.image").palette(source)
    assert np.abs(ColorMap("x", source).lookup().astype(int) - palette).max() <= 1  # it rounds down


@pytest.mark.parametrize(("name", "zennits"), ZENNIT_NAMES.items())
def test_a_value_gets_the_color_that_zennit_gives_it(name: str, zennits: str) -> None:
    """Within the two steps by which -1 lies at index 1 here and at 0 there, and 0 at 128 here and at 127.5 there."""
    palette = importlib.import_module("zennit.image").palette(zennits).astype(int)
    ours = lookup(name).astype(int)
    steepest = np.abs(np.diff(palette, axis=0)).max()
    assert np.abs(ours - palette).max() <= 2 * steepest + 1
    assert (ours[[128, 255]] == palette[[128, 255]]).all() or not COLOR_MAPS[name].diverging


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'jett'.*bwr.*gray"):
        lookup("jett")


@pytest.mark.parametrize(
    "source",
    ["", "fff", "ff,000", "fff;000", "100:fff,000", "80:fff,40:000", "80:fff,80:000", "f,g00"],
)
def test_sources_that_say_nothing_are_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"color map '.*expected two or more colors|must rise"):
        ColorMap("x", source)


@given(st.lists(st.integers(0, 2**24 - 1), min_size=2, max_size=20))
def test_any_list_of_colors_is_a_map_from_the_first_to_the_last(colors: list[int]) -> None:
    table = ColorMap("x", ",".join(f"{color:06x}" for color in colors)).lookup()
    assert int.from_bytes(table[0].tobytes(), "big") == colors[0]
    assert int.from_bytes(table[255].tobytes(), "big") == colors[-1]


def test_a_source_serves_wherever_a_name_does() -> None:
    assert (lookup("01:00f,80:fff,f00") == lookup("bwr")).all()
    assert find_color_map(COLOR_MAPS["hot"]) is COLOR_MAPS["hot"]


def test_maps_are_diverging_when_zero_is_neutral() -> None:
    sequential = {"hot", "cold", "wred", "wblue", "gray", "afm-hot", "jet"}
    assert {name for name, color_map in COLOR_MAPS.items() if not color_map.diverging} == sequential
