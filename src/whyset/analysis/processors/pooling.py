"""Pooling: by area, keeping the sum, or over windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "max": np.max}


@dataclass(frozen=True)
class AreaPooling(Processor):
    """Pool maps (N, H, W) so that their longest side is at most `longest`; smaller maps are unchanged.

    Every new cell sums the relevance of the area it covers, and a pixel across a border is shared in proportion to its
    area. The sum of a map is thus kept, whether or not the sides divide: pooled = P_h map P_wᵀ, with P[i, j] the share
    of old pixel j inside new cell i (columns sum to 1). Series (N, L) and volumes (N, D, H, W) are pooled along all
    their axes, too.

    Parameters
    ----------
    longest : int, default 28
        The longest side, in cells, at least 1.

    Raises
    ------
    InputError
        `longest` is less than 1.
    """

    longest: int = 28

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise InputError(f"AreaPooling: longest must be at least 1, got {self.longest}.")

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        pooled = maps
        for axis, (old, new) in enumerate(zip(maps.shape[1:], self.shape(*maps.shape[1:]), strict=True), start=1):
            if new != old:
                weights = area_weights(old, new).astype(maps.dtype)
                pooled = np.moveaxis(np.moveaxis(pooled, axis, -1) @ weights.T, -1, axis)
        return pooled

    def shape(self, *sides: int) -> tuple[int, ...]:
        """Return the pooled sides, with their proportions rounded to cells."""
        factor = min(1.0, self.longest / max(sides))
        return tuple(max(1, round(side * factor)) for side in sides)


@dataclass(frozen=True)
class Pooling(Processor):
    """Return the sum, mean or maximum of square windows of maps (..., H, W); windows across the border are left out.

    Parameters
    ----------
    kernel : int, default 2
        The side of a window, in pixels.
    stride : int, optional
        The distance between windows, in pixels; by default `kernel`, so that windows do not overlap.
    function : {"sum", "mean", "max"}, default "sum"
        The function of the values in a window.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    kernel: int = 2
    stride: int | None = None
    function: Literal["sum", "mean", "max"] = "sum"

    def __post_init__(self) -> None:
        if self.kernel < 1 or (self.stride is not None and self.stride < 1):
            raise InputError(f"Pooling needs kernel >= 1 and stride >= 1 (or None), got {self}.")
        if self.function not in _FUNCTIONS:
            raise InputError(f"Pooling: unknown function {self.function!r}; expected one of {', '.join(_FUNCTIONS)}.")

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim < 3 or min(maps.shape[-2:]) < self.kernel:
            raise InputError(
                f"Expected maps (N, ..., H, W) with sides of at least {self.kernel} pixels, got {maps.shape}."
            )
        windows = np.lib.stride_tricks.sliding_window_view(maps, (self.kernel, self.kernel), axis=(-2, -1))
        step = self.stride or self.kernel
        pooled: NDArray[np.floating] = _FUNCTIONS[self.function](windows[..., ::step, ::step, :, :], axis=(-2, -1))
        return pooled


def area_weights(old: int, new: int) -> NDArray[np.float64]:
    """Return the (new, old) matrix of the share of each old pixel inside each new cell."""
    edges = np.linspace(0, old, new + 1)
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    inside: NDArray[np.float64] = np.maximum(overlap, 0.0)
    return inside
