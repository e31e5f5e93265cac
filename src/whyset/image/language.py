"""The color map language: hexadecimal colors with optional indices."""

import re
from itertools import pairwise

from whyset.errors import InputError

Color = tuple[int, int, int]
Anchors = tuple[tuple[int, Color], ...]

_NODE = re.compile(r"(?:([0-9a-f]{1,2}):)?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
_LAST = 255
_SHOWN = 60
_EXPECTED = (
    "expected two or more colors separated by commas, each as rgb or rrggbb in hexadecimal, optionally after an index "
    "0 to ff and a colon, such as 00f,80:fff,f00"
)


def parse(source: str) -> Anchors:
    """Read `[index:]color,...` into anchors (entry of 0 to 255, color); one hexadecimal digit counts double.

    The language is Zennit's. Without an index the first color is at 0, the last at 255, and the others are spread
    evenly between their neighbors, rounded down: three colors are at 0, 127 and 255.

    >>> parse("00f,80:fff,f00")
    ((0, (0, 0, 255)), (128, (255, 255, 255)), (255, (255, 0, 0)))
    """
    nodes = [_node(source, number, part) for number, part in enumerate(source.split(","), 1)]
    if len(nodes) < 2:
        raise InputError(f"color map {_short(source)}: got a single color; {_EXPECTED}")
    colors = [_double(node[2], 3) for node in nodes]
    given = [int(_double_digit(node[1]), 16) if node[1] else None for node in nodes]
    entries = _spread([given[0] or 0, *given[1:]])
    for number, (left, right) in enumerate(pairwise(entries), 2):
        if left >= right:
            raise InputError(
                f"color map {_short(source)}: indices must rise from left to right, but color {number} is at "
                f"{right:x}, and the one before it at {left:x}"
            )
    return tuple(zip(entries, colors, strict=True))


def _node(source: str, number: int, part: str) -> re.Match[str]:
    node = _NODE.fullmatch(part.strip())
    if node is None:
        raise InputError(f"color map {_short(source)}: color {number} is {_short(part.strip())}; {_EXPECTED}")
    return node


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _spread(given: list[int | None]) -> list[int]:
    """Fill in missing entries, evenly between their neighbors."""
    known = [(at, entry) for at, entry in enumerate(given) if entry is not None]
    if known[-1][0] < len(given) - 1:
        known.append((len(given) - 1, _LAST))
    entries = [known[0][1]]
    for (left, low), (right, high) in pairwise(known):
        entries += [low + (high - low) * step // (right - left) for step in range(1, right - left + 1)]
    return entries


def _double(color: str, channels: int) -> Color:
    size = len(color) // channels
    red, green, blue = (int(_double_digit(color[at : at + size]), 16) for at in range(0, len(color), size))
    return red, green, blue


def _double_digit(digits: str) -> str:
    return digits * 2 if len(digits) == 1 else digits
