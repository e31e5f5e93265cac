"""Histogram of the relevance values of a map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


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
