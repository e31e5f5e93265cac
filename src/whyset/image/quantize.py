"""Relevance as one byte a pixel: 128 is exactly zero, both signs reach equally far."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whyset.errors import InputError

ZERO = 128
STEPS = 127
"""Steps on either side of zero, so that value = (index - 128) / 127 * scale."""


def channel_sum(relevance: ArrayLike) -> NDArray[np.float64]:
    """The relevance of each pixel: (..., C, H, W) summed over channels to (..., H, W); opposite infinities give NaN."""
    with np.errstate(invalid="ignore"):
        summed: NDArray[np.float64] = np.asarray(relevance).sum(axis=-3, dtype=np.float64)
    return summed


def scale_of(values: ArrayLike) -> float:
    """The largest finite magnitude, 0.0 where there is none (all-zero, empty or wholly non-finite maps)."""
    magnitudes = np.abs(np.asarray(values, dtype=np.float64))
    return float(np.max(magnitudes, where=np.isfinite(magnitudes), initial=0.0))


def indices(values: ArrayLike, scale: float | None = None) -> NDArray[np.uint8]:
    """The nearest index of each value, uint8 1..255 in the shape of `values`: round(127 value / scale) + 128.

    Values beyond ±`scale` (by default the largest finite magnitude) saturate, infinities too; NaN becomes 128,
    as nothing is known of it. With a scale of 0 all that is not zero saturates.

    >>> indices([-1.0, 0.0, 0.5, float("inf"), float("nan")], scale=1.0).tolist()
    [1, 128, 192, 255, 128]
    """
    array = np.asarray(values, dtype=np.float64)
    scale = scale_of(array) if scale is None else float(scale)
    if not (np.isfinite(scale) and scale >= 0):
        raise InputError(f"the scale of a map must be finite and not negative, got {scale}")
    shares = np.sign(array) if scale == 0 else np.clip(array, -scale, scale) / scale
    steps: NDArray[np.float64] = np.rint(np.nan_to_num(shares, nan=0.0) * STEPS)
    return (steps + ZERO).astype(np.uint8)


def values(indices: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
    """What indices stand for: (index - 128) / 127 * scale, float64."""
    return (indices.astype(np.float64) - ZERO) / STEPS * scale
