"""Structural dissimilarity of maps."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from whyset.analysis.processors.distances import Distance, Distances, Rows
from whyset.errors import InputError


@dataclass(frozen=True)
class StructuralDissimilarity(Distance):
    """1 - SSIM, the structural similarity (Wang et al. 2004), in [0, 2].

    SSIM is the mean over all windows inside the maps of (2μ_x μ_y + C₁)(2σ_xy + C₂) / ((μ_x² + μ_y² + C₁)(σ_x² + σ_y² +
    C₂)), with sample covariances, C₁ = (0.01 L)², C₂ = (0.03 L)² and L the range of values. Every pair of maps is
    compared window by window, N²D operations in all.

    Parameters
    ----------
    window : int, default 7
        The side of a window, in pixels, odd and at least 3.
    value_range : float, optional
        The range L of values; by default that of the two maps together.
    shape : tuple of int, optional
        The shape (H, W) of the flattened maps; an analysis sets it.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    window: int = 7
    value_range: float | None = None
    shape: tuple[int, int] | None = None

    needs_shape: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.window < 3 or self.window % 2 == 0:
            raise InputError(f"StructuralDissimilarity: window must be odd and at least 3, got {self.window}.")
        if self.value_range is not None and not self.value_range > 0:
            raise InputError(f"StructuralDissimilarity: value_range must be positive, got {self.value_range}.")

    def for_maps(self, shape: tuple[int, ...]) -> "StructuralDissimilarity":
        return replace(self, shape=shape) if len(shape) == 2 else self

    def between(self, some: Rows, others: Rows) -> Distances:
        if self.shape is None:
            raise InputError("StructuralDissimilarity needs the shape (H, W) of the maps that were flattened.")
        if min(self.shape) < self.window:
            raise InputError(
                f"Maps of {self.shape[0]} x {self.shape[1]} are smaller than the window of {self.window}: lower it."
            )
        second = _Windows(_maps(others, self.shape), self.window)
        rows = [self._one(_Windows(row[None], self.window), second) for row in _maps(some, self.shape)]
        return np.array(rows)

    def _one(self, x: "_Windows", y: "_Windows") -> NDArray[np.float64]:
        """Return 1 - SSIM of one map and each of others."""
        values = self.value_range or np.maximum(x.high, y.high) - np.minimum(x.low, y.low)
        scale = np.where(np.asarray(values) > 0, values, 1.0)[..., None, None]
        c1, c2 = (0.01 * scale) ** 2, (0.03 * scale) ** 2
        covariance = x.unbiased * (x.means(x.maps * y.maps) - x.mean * y.mean)
        above = (2 * x.mean * y.mean + c1) * (2 * covariance + c2)
        below = (x.mean**2 + y.mean**2 + c1) * (x.variance + y.variance + c2)
        dissimilarity: NDArray[np.float64] = 1 - (above / below).mean(axis=(1, 2))
        return dissimilarity


class _Windows:
    """Maps (n, H, W) with the mean and variance of every window inside them."""

    def __init__(self, maps: NDArray[np.float64], window: int) -> None:
        self.maps, self.window = maps, window
        self.unbiased = window**2 / (window**2 - 1)
        self.mean = self.means(maps)
        self.variance = self.unbiased * (self.means(maps**2) - self.mean**2)
        self.low, self.high = maps.min(axis=(1, 2)), maps.max(axis=(1, 2))

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        half = self.window // 2
        inside = np.s_[:, half : values.shape[1] - half, half : values.shape[2] - half]
        found: NDArray[np.float64] = uniform_filter(values, (0, self.window, self.window))[inside]
        return found


def _maps(rows: Rows, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rows.astype(np.float64).reshape(-1, *shape)
