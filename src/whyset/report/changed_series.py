"""Changed hosts of series: the channels that changed, and lines of the host before and after."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.image.shapes import decimate
from whyset.store import Run
from whyset.store.findings import FoundExample

CHANNELS = 2
"""Channels of a changed host that are drawn."""
LONGEST = 512
"""Positions of a line; longer series keep the smallest and the largest value of each part."""
UNCHANGED = "no value of the host changed"
WIDTH, HEIGHT, MARGIN = 256, 48, 3
"""Size of a plot, and its empty rows above and below the line."""


@dataclass(frozen=True)
class Line:
    """A line of a plot: its name, and the path in the box of the plot."""

    name: str
    path: str


@dataclass(frozen=True)
class ChannelPlot:
    """One channel of a host before and after: two lines on one scale, which the title states."""

    title: str
    lines: tuple[Line, Line]


@dataclass(frozen=True)
class SeriesPlots:
    """Plots of the channels that changed most; `band` is left and width of the inserted interval in the box."""

    box: str
    height: int
    band: tuple[str, str] | None
    channels: tuple[ChannelPlot, ...]


def find_changed_channels(host: NDArray[Any], changed: NDArray[Any]) -> tuple[int, ...]:
    """Find the channels of a series (C, T) with the largest sum of absolute changes, at most two, in rising order.

    Channels without a change are left out. A value that became NaN or infinite, or was, is a larger change than all
    finite ones; NaN that stays is not a change.

    >>> find_changed_channels(np.zeros((3, 4)), np.array([[0, 0, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0]]))
    (1, 2)
    """
    before, after = host.astype(np.float64), changed.astype(np.float64)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.nan_to_num(np.where(same, 0.0, np.abs(after - before)), nan=np.inf).sum(1)
    order = [channel for channel in np.argsort(-sums, kind="stable").tolist() if sums[channel] > 0]
    return tuple(sorted(order[:CHANNELS]))


def read_changed_channels(run: Run, example: FoundExample, changed: NDArray[Any] | None) -> tuple[int, ...] | None:
    """Read which channels of the host of an example changed most; None if the changed host is not stored."""
    if changed is None or example.index < 0 or run.inputs is None:
        return None
    return find_changed_channels(np.asarray(run.inputs[example.host_row]), np.asarray(changed[example.index]))


def find_interval(example: FoundExample) -> tuple[int, int] | None:
    """Return the first position of the inserted interval and the one after its last; None if it is not one."""
    return None if example.region is None else example.region[-1]


def draw_series(run: Run, example: FoundExample, changed: NDArray[Any] | None) -> SeriesPlots | None:
    """Draw the host of an example before and after; None if the changed host is not stored."""
    channels = read_changed_channels(run, example, changed)
    if channels is None or changed is None or run.inputs is None:
        return None
    host, after = np.asarray(run.inputs[example.host_row]), np.asarray(changed[example.index])
    step = WIDTH / host.shape[-1]
    interval = find_interval(example)
    band = None if interval is None else (f"{interval[0] * step:.4g}", f"{(interval[1] - interval[0]) * step:.4g}")
    plots = tuple(_draw_channel(name_channel(run, channel), host[channel], after[channel]) for channel in channels)
    return SeriesPlots(f"0 0 {WIDTH} {HEIGHT}", HEIGHT, band, plots)


def name_channel(run: Run, channel: int) -> str:
    """Name a channel by its number, and by its name if the run has names."""
    names = run.config.features
    return f"channel {channel}, {names[channel]}" if channel < len(names) else f"channel {channel}"


def _draw_channel(name: str, before: NDArray[Any], after: NDArray[Any]) -> ChannelPlot:
    """Draw a channel (T,) before and after, on the scale of both."""
    both = np.concatenate([before, after]).astype(np.float64)
    finite = both[np.isfinite(both)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    lines = tuple(draw_line(decimate(values, LONGEST), low, high) for values in (before, after))
    title = f"{name}, from {low:.3g} to {high:.3g}"
    return ChannelPlot(title, (Line(f"{name}, before", lines[0]), Line(f"{name}, after", lines[1])))


def draw_line(values: NDArray[Any], low: float, high: float) -> str:
    """Draw values (T,) as the path of a line, each in the middle of its position; others than finite ones are gaps.

    >>> draw_line(np.array([0.0, 1.0]), 0.0, 1.0)
    'M64.0 45.0L192.0 3.0'
    """
    x = (np.arange(len(values)) + 0.5) * WIDTH / len(values)
    share = (
        (values.astype(np.float64) - low) / (high - low) if high > low else np.where(np.isfinite(values), 0.5, np.nan)
    )
    y = HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)
    is_drawn = np.isfinite(y)
    follows = is_drawn & np.concatenate([[False], is_drawn[:-1]])
    points = zip(x.tolist(), y.tolist(), is_drawn.tolist(), follows.tolist(), strict=True)
    return "".join(f"{'L' if joined else 'M'}{left:.1f} {top:.1f}" for left, top, drawn, joined in points if drawn)
