"""Colour maps, defined once as anchor colours; the browser receives the same lookup tables."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError

Color = tuple[int, int, int]

ENTRIES = 256
CENTRE = 128
"""The entry that stands for exactly zero (see `whyset.image.indices`)."""


@dataclass(frozen=True)
class ColorMap:
    """A colour map: anchors (entry, colour) in rising order, linear between them, constant beyond the outer ones.

    A diverging map has a neutral colour (red = green = blue) at entry 128, which stands for zero relevance.
    """

    name: str
    anchors: tuple[tuple[int, Color], ...]
    diverging: bool

    def __post_init__(self) -> None:
        entries = [entry for entry, _ in self.anchors]
        if len(entries) < 2 or any(left >= right for left, right in pairwise(entries)):
            raise InputError(
                f"color map {self.name!r} needs two or more anchors in rising order, got entries {entries}"
            )
        if entries[0] < 0 or entries[-1] >= ENTRIES:
            raise InputError(f"color map {self.name!r}: anchor entries must lie in 0..255, got {entries}")
        if any(not 0 <= channel <= 255 for _, color in self.anchors for channel in color):
            raise InputError(f"color map {self.name!r}: colours must lie in 0..255, got {self.anchors}")
        if self.diverging and len(set(self.at(CENTRE))) != 1:
            raise InputError(
                f"color map {self.name!r} is diverging, so entry 128 must be neutral, got {self.at(CENTRE)}"
            )

    def at(self, entry: int) -> Color:
        """The colour of one entry, in integer arithmetic (halves up), so that it is the same on every machine."""
        first, last = self.anchors[0], self.anchors[-1]
        entry = min(max(entry, first[0]), last[0])
        left, right = next(pair for pair in pairwise(self.anchors) if pair[0][0] <= entry <= pair[1][0])
        channels = zip(left[1], right[1], strict=True)
        red, green, blue = (_between(left[0], low, right[0], high, entry) for low, high in channels)
        return red, green, blue

    def lookup(self) -> NDArray[np.uint8]:
        """The table of all entries, uint8 (256, 3)."""
        return np.array([self.at(entry) for entry in range(ENTRIES)], dtype=np.uint8)


def _between(left: int, low: int, right: int, high: int, entry: int) -> int:
    span = right - left
    return (2 * (low * (right - entry) + high * (entry - left)) + span) // (2 * span)


WHITE, BLACK = (255, 255, 255), (0, 0, 0)
RED, YELLOW, BLUE, CYAN = (255, 0, 0), (255, 255, 0), (0, 0, 255), (0, 255, 255)
DARK_RED, DARK_BLUE = (128, 0, 0), (0, 0, 128)

COLOR_MAPS: dict[str, ColorMap] = {
    color_map.name: color_map
    for color_map in (
        ColorMap("bwr", ((1, BLUE), (128, WHITE), (255, RED)), diverging=True),
        ColorMap("seismic", ((1, DARK_BLUE), (64, BLUE), (128, WHITE), (192, RED), (255, DARK_RED)), diverging=True),
        ColorMap("coldnhot", ((1, CYAN), (64, BLUE), (128, BLACK), (192, RED), (255, YELLOW)), diverging=True),
        ColorMap("hot", ((0, BLACK), (85, RED), (170, YELLOW), (255, WHITE)), diverging=False),
        ColorMap("gray", ((0, BLACK), (255, WHITE)), diverging=False),
    )
}
"""Every colour map by name. Diverging ones mirror at 128, from 1 (the lowest value) to 255 (the highest)."""


def lookup(name: str) -> NDArray[np.uint8]:
    """The lookup table of a named colour map, uint8 (256, 3).

    >>> lookup("bwr")[[1, 128, 255]].tolist()
    [[0, 0, 255], [255, 255, 255], [255, 0, 0]]
    """
    if name not in COLOR_MAPS:
        raise InputError(f"no color map is called {name!r}; there are {', '.join(COLOR_MAPS)}")
    return COLOR_MAPS[name].lookup()
