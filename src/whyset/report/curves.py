"""Charts of curves, such as those of pixel flipping, as paths of an SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 160, 80

Curve = tuple[Sequence[float], Sequence[float]]
"""Positions and values."""


@dataclass(frozen=True)
class CurveLine:
    """A curve: its name, its number among those of the chart, and its path in units of the box."""

    name: str
    number: int
    path: str


@dataclass(frozen=True)
class CurveChart:
    """Curves with a common scale; `caption` states its ends."""

    box: str
    lines: tuple[CurveLine, ...]
    caption: str
    name: str


def draw_curves(title: str, curves: Mapping[str, Curve], order: Sequence[str] | None = None) -> CurveChart:
    """Draw curves on a common scale, which contains 0; their numbers are the places of their names in `order`.

    >>> draw_curves("deletion", {"lrp": ([0.0, 0.5, 1.0], [1.0, 0.25, 0.0])}).lines[0].path
    'M0.0 0.0L80.0 60.0L160.0 80.0'
    """
    every = [value for _, values in curves.values() for value in values]
    places = [place for positions, _ in curves.values() for place in positions]
    low, high = min(0.0, *every), max(0.0, *every)
    first, last = min(places), max(places)
    height, width = high - low or 1.0, last - first or 1.0

    def draw(positions: Sequence[float], values: Sequence[float]) -> str:
        points = (
            f"{WIDTH * (place - first) / width:.1f} {HEIGHT * (high - value) / height:.1f}"
            for place, value in zip(positions, values, strict=True)
        )
        return f"M{'L'.join(points)}"

    numbers = {name: number for number, name in enumerate(order or curves)}
    lines = tuple(CurveLine(name, numbers[name], draw(*curve)) for name, curve in curves.items())
    ends = "; ".join(f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, (_, values) in curves.items())
    return CurveChart(f"0 0 {WIDTH} {HEIGHT}", lines, f"{title}, {low:.2g} to {high:.2g}", f"Curves of {title}: {ends}")
