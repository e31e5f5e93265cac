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
    SeriesBand,
    TimeWindow,
    TokenSpan,
    Window,
)

_WINDOW = 3 / 16
"""A window of 6 x 6 pixels in an image of 32 x 32."""
_FRAME = 1 / 16
_FINE = 0.25
"""Frequencies whose patterns repeat within four positions, such as grids and sharp edges."""
_SPAN = 1 / 16


def choose_interventions(modality: str, shape: Sequence[int]) -> tuple[Intervention, ...]:
    """Choose interventions for inputs of a modality and a shape, without the axis of samples, the most useful first.

    >>> [one.describe() for one in choose_interventions("image", (3, 32, 48))]
    ['window of 6', 'frequency band, low 0.25', 'color statistics', 'frame']
    """
    return CHOICES[modality](shape)


def _choose_pixels(shape: Sequence[int]) -> tuple[Intervention, ...]:
    shortest = min(shape[1:])
    window, width = Window(side=max(1, round(_WINDOW * shortest))), max(1, round(_FRAME * shortest))
    inside = prod(max(0, size - 2 * width) for size in shape[1:])
    frames = (Frame(width=width),) if 2 * inside >= prod(shape[1:]) else ()  # a larger one has no null
    return window, FrequencyBand(low=_FINE), ColorStatistics(), *frames


def _choose_series(shape: Sequence[int]) -> tuple[Intervention, ...]:
    window, band = TimeWindow(side=max(1, round(_WINDOW * shape[1]))), SeriesBand(low=_FINE)
    return (window, band, Channels()) if shape[0] > 1 else (window, band)


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
