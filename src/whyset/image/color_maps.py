"""Color maps, defined by short strings; the browser receives the same lookup tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.image.language import Anchors, Color, parse

ENTRIES = 256
CENTER = 128
"""The entry of exactly zero (see `whyset.image.indices`)."""


@dataclass(frozen=True)
class ColorMap:
    """A color map: colors at entries from 0 to 255, linear between them, constant beyond the outer ones.

    Parameters
    ----------
    name : str
        Name of the color map.
    source : str
        Definition in Zennit's color map language: two or more hexadecimal colors (rgb or rrggbb) separated by commas,
        each optionally after its entry in hexadecimal and a colon.

    Raises
    ------
    InputError
        `source` does not follow the language: it has a single color, a part that is not a color, or entries that do not
        rise.

    Examples
    --------
    >>> ColorMap("mine", "00f,80:eee,f00").at(128)
    (238, 238, 238)
    """

    name: str
    source: str
    """Definition in Zennit's color map language: see `whyset.image.language.parse`."""

    anchors: Anchors = field(init=False, repr=False, compare=False)
    """Entries in increasing order, with their colors."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "anchors", parse(self.source))

    @property
    def diverging(self) -> bool:
        """True if zero is neutral (red = green = blue at entry 128) and another entry is not."""
        neutral = (np.ptp(self.lookup(), axis=1) == 0).astype(bool)
        return bool(neutral[CENTER] and not neutral.all())

    def at(self, entry: int) -> Color:
        """Return the color of one entry, in integer arithmetic (halves up), the same on every machine."""
        first, last = self.anchors[0], self.anchors[-1]
        entry = min(max(entry, first[0]), last[0])
        left, right = next(pair for pair in pairwise(self.anchors) if pair[0][0] <= entry <= pair[1][0])
        channels = zip(left[1], right[1], strict=True)
        red, green, blue = (_between(left[0], low, right[0], high, entry) for low, high in channels)
        return red, green, blue

    def lookup(self) -> NDArray[np.uint8]:
        """Return the table of all entries, uint8 (256, 3)."""
        return np.array([self.at(entry) for entry in range(ENTRIES)], dtype=np.uint8)


def _between(left: int, low: int, right: int, high: int, entry: int) -> int:
    span = right - left
    return (2 * (low * (right - entry) + high * (entry - left)) + span) // (2 * span)


# Signed relevance maps to entries 1 (lowest) to 255 (highest), symmetric around 128.
_SOURCES = {
    "bwr": "01:00f,80:fff,f00",
    "seismic": "01:000080,40:00f,80:fff,c0:f00,800000",
    # Zennit's names
    "coldnhot": "01:0ff,00f,80:000,f00,ff0,fff",
    "france": "01:0055a4,80:fff,ef4135",
    "zennit-seismic": "01:0000d0,80:d0d0d0,d00000",
    "coolio": "01:00d0d0,80:d0d0d0,d000d0",
    "coleus": "01:00d000,80:d0d0d0,d000d0",
    "hot": "000,f00,ff0,fff",
    "cold": "000,00f,0ff",
    "wred": "fff,f00",
    "wblue": "fff,00f",
    "gray": "000,fff",
    # ViRelAy's names
    "blue-white-red": "01:00f,80:fff,f00",
    "gray-red": "01:00f,80:ccc,f00",
    "black-green": "01:00f,80:000,0f0",
    "black-yellow": "01:00f,80:000,ff0",
    "black-fire-red": "01:fff,41:0ff,60:00f,80:000,a0:f00,bf:ff0,fff",
    "afm-hot": "000,800000,ff8000,ffff80,fff",
    "jet": "000080,1c:00f,20:00f,57:00dcfe,60:16ffe1,a3:eeff09,a8:feed00,e3:ff1300,800000",
}

COLOR_MAPS: Mapping[str, ColorMap] = MappingProxyType(
    {name: ColorMap(name, source) for name, source in _SOURCES.items()}
)
"""All named color maps: those of Zennit and ViRelAy, and two of matplotlib (bwr and seismic)."""


def find_color_map(given: str | ColorMap) -> ColorMap:
    """Return a color map by its name or by a definition in the color map language; a ColorMap is returned as is.

    Parameters
    ----------
    given : str or ColorMap
        A name in `COLOR_MAPS`, a definition with commas such as "00f,80:fff,f00", or a color map.

    Returns
    -------
    ColorMap
        The color map; the name of one made from a definition is the definition.

    Raises
    ------
    InputError
        The name is unknown, or the definition does not follow the language.

    Examples
    --------
    >>> find_color_map("000,fff").at(51), find_color_map("bwr").name
    ((51, 51, 51), 'bwr')
    """
    if isinstance(given, ColorMap):
        return given
    if given in COLOR_MAPS:
        return COLOR_MAPS[given]
    if "," in given:
        return ColorMap(given, given)
    raise InputError(
        f"color map {given!r} not found: expected one of {', '.join(COLOR_MAPS)}, "
        "or a definition such as 00f,80:fff,f00"
    )


def lookup(color_map: str | ColorMap) -> NDArray[np.uint8]:
    """Return the lookup table of a color map, uint8 (256, 3).

    >>> lookup("bwr")[[1, 128, 255]].tolist()
    [[0, 0, 255], [255, 255, 255], [255, 0, 0]]
    """
    return find_color_map(color_map).lookup()
