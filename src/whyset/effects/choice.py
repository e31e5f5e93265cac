"""The interventions that are chosen for a modality and a size of inputs."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType

from whyset.interventions import (
    Channels,
    ColorStatistics,
    Features,
    Frame,
    FrequencyBand,
    Intervention,
    RadialSpectrum,
    SeriesBand,
    TimeWindow,
    TokenSpan,
    Window,
)

_WINDOWS = (3 / 16, 5 / 16)
"""Windows of 6 x 6 and of 10 x 10 pixels in an image of 32 x 32: the larger one holds small objects."""
_FRAME = 1 / 16
_FINE = 0.25
"""Frequencies whose patterns repeat within four positions, such as grids and sharp edges."""
_SPAN = 1 / 16


def choose_interventions(modality: str, shape: Sequence[int]) -> tuple[Intervention, ...]:
    """Choose interventions for inputs of a modality and a shape, without the axis of samples, the most useful first.

    >>> [one.describe() for one in choose_interventions("image", (3, 32, 48))]
    ['window of 6', 'radial spectrum', 'window of 10', 'frequency band, low 0.25', 'color statistics', 'frame']
    """
    return CHOICES[modality](shape)


def _choose_pixels(shape: Sequence[int]) -> tuple[Intervention, ...]:
    shortest = min(shape[1:])
    small, *larger = (Window(side=side) for side in _choose_sides(shortest))
    width = max(1, round(_FRAME * shortest))
    inside = prod(max(0, size - 2 * width) for size in shape[1:])
    frames = (Frame(width=width),) if 2 * inside >= prod(shape[1:]) else ()  # a larger one has no null
    return small, RadialSpectrum(), *larger, FrequencyBand(low=_FINE), ColorStatistics(), *frames


def _choose_sides(shortest: int) -> tuple[int, ...]:
    """Return the sides of a small window, and of a larger one where it is not the whole side of the samples."""
    small, large = (max(1, round(share * shortest)) for share in _WINDOWS)
    return small, *(side for side in [max(small + 1, large)] if side < shortest)


def _choose_series(shape: Sequence[int]) -> tuple[Intervention, ...]:
    window = TimeWindow(side=max(1, round(_WINDOWS[0] * shape[1])))
    parts = window, RadialSpectrum(), SeriesBand(low=_FINE)
    return (*parts, Channels()) if shape[0] > 1 else parts


def _choose_text(shape: Sequence[int]) -> tuple[Intervention, ...]:
    return (TokenSpan(length=max(1, round(_SPAN * shape[0]))),)


def _choose_table(shape: Sequence[int]) -> tuple[Intervention, ...]:
    return (Features(),)


CHOICES: Mapping[str, Callable[[Sequence[int]], tuple[Intervention, ...]]] = MappingProxyType(
    {
        "image": _choose_pixels,
        "volume": _choose_pixels,
        "series": _choose_series,
        "text": _choose_text,
        "table": _choose_table,
    }
)
"""The choice for each modality."""
