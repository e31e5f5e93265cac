"""Preprocessing of each relevance map alone; `pooling` and `resize` change the size of maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfftn

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class ChannelSum(Processor):
    """Sum signed relevance over the channels, (N, C, H, W) -> (N, H, W); maps without channels are unchanged.

    Volumes (N, C, D, H, W) lose their channel axis, too.
    """

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim not in (3, 4, 5):
            raise InputError(f"Expected maps of shape (N, C, H, W) or (N, H, W), got {maps.shape}.")
        return maps.sum(axis=1, dtype=maps.dtype) if maps.ndim > 3 else maps


@dataclass(frozen=True)
class Absolute(Processor):
    """Return |R|, so that evidence against a class counts like evidence for it."""

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        size: NDArray[np.floating] = np.abs(maps)
        return size


@dataclass(frozen=True)
class AbsoluteSum(Processor):
    """Divide each map by Σ|R|, so that maps are compared by shape and not by strength; a zero map is unchanged.

    The signed sum would be the wrong divisor: it passes zero where positive and negative relevance balance.
    """

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        axes = tuple(range(1, maps.ndim))
        total = np.abs(maps).sum(axis=axes, keepdims=True, dtype=np.float64)
        normalized: NDArray[np.floating] = (maps / np.where(total == 0, 1.0, total)).astype(maps.dtype)
        return normalized


@dataclass(frozen=True)
class Histogram(Processor):
    """Return the histogram of the values of each map, (N, ...) -> (N, bins), as shares of the map.

    Parameters
    ----------
    bins : int, default 64
        The number of bins of equal width, at least 2.
    low : float, optional
        The lower bound of the bins, in units of relevance; smaller values are in the first bin. By default -m, with m
        the largest |R| of each map itself, so that no histogram depends on other maps.
    high : float, optional
        The upper bound, likewise; by default m. Both bounds are given, or neither.

    Raises
    ------
    InputError
        There are fewer than 2 bins, or only one bound, or `low` is not below `high`.
    """

    bins: int = 64
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.bins < 2:
            raise InputError(f"Histogram: bins must be at least 2, got {self.bins}.")
        if (self.low is None) != (self.high is None) or (self.low is not None and not self.low < (self.high or 0)):
            raise InputError(f"Histogram: give low < high, or neither; got low={self.low}, high={self.high}.")

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        rows = maps.reshape(len(maps), -1).astype(np.float64)
        high = np.abs(rows).max(axis=1, keepdims=True) if self.high is None else np.full((len(rows), 1), self.high)
        low = -high if self.low is None else np.full((len(rows), 1), self.low)
        width = np.where(high > low, high - low, 1.0)
        bins = np.clip(np.floor((rows - low) / width * self.bins), 0, self.bins - 1).astype(np.int64)
        places = bins + self.bins * np.arange(len(rows))[:, None]
        counts = np.bincount(places.ravel(), minlength=len(rows) * self.bins).reshape(len(rows), self.bins)
        shares: NDArray[np.floating] = (counts / rows.shape[1]).astype(maps.dtype)
        return shares


@dataclass(frozen=True)
class FourierMagnitude(Processor):
    """Return |FFT| of maps over their last axes, which does not depend on the position of a pattern.

    Maps (..., H, W) become (..., H, W//2 + 1). A map shifted cyclically along these axes has the same magnitudes. The
    other half of the frequencies mirrors this one.

    Parameters
    ----------
    n_axes : int, default 2
        The number of axes: 2 for images, 1 for series, 3 for volumes.

    Raises
    ------
    InputError
        `n_axes` is less than 1.
    """

    n_axes: int = 2

    def __post_init__(self) -> None:
        if self.n_axes < 1:
            raise InputError(f"FourierMagnitude: n_axes must be at least 1, got {self.n_axes}.")

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim <= self.n_axes:
            axes = {1: "time", 2: "H, W", 3: "D, H, W"}.get(self.n_axes, f"{self.n_axes} axes")
            raise InputError(f"Expected maps of shape (N, ..., {axes}), got {maps.shape}.")
        magnitude: NDArray[np.floating] = np.abs(rfftn(maps, axes=range(-self.n_axes, 0))).astype(maps.dtype)
        return magnitude


@dataclass(frozen=True)
class Flatten(Processor):
    """Flatten each map to a row, (N, H, W) -> (N, H·W)."""

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.ascontiguousarray(maps.reshape(len(maps), -1))
