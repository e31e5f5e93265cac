"""Relevance as one byte per pixel: 128 is exactly zero, both signs have 127 steps, 0 is missing."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whyset.errors import InputError

MISSING = 0
"""The index of NaN; values have indices 1 to 255."""

ZERO = 128
STEPS = 127
"""Steps on either side of zero, so that value = (index - 128) / 127 * scale."""


def channel_sum(relevance: ArrayLike) -> NDArray[np.float64]:
    """Sum relevance over channels; opposite infinities give NaN.

    Parameters
    ----------
    relevance : array_like
        Relevance maps (..., C, H, W).

    Returns
    -------
    ndarray
        The sums (..., H, W), float64.
    """
    with np.errstate(invalid="ignore"):
        summed: NDArray[np.float64] = np.asarray(relevance).sum(axis=-3, dtype=np.float64)
    return summed


def compute_scale(values: ArrayLike, percentile: float = 100.0) -> float:
    """Return the largest finite magnitude, or a percentile of the magnitudes with linear interpolation.

    Parameters
    ----------
    values : array_like
        Values of any shape, such as relevance maps; infinities and NaN do not count.
    percentile : float, default 100.0
        Percentile of the magnitudes, from 0 to 100; 100 is the largest.

    Returns
    -------
    float
        The scale, 0.0 for maps that are all zero, empty or without finite values.

    Raises
    ------
    InputError
        `percentile` is not between 0 and 100.

    Examples
    --------
    >>> compute_scale([-4.0, 1.0, 2.0]), compute_scale([-4.0, 1.0, 2.0], 50)
    (4.0, 2.0)
    """
    if not 0 <= percentile <= 100:
        raise InputError(f"percentile: expected a number between 0 and 100, got {percentile}")
    magnitudes = np.abs(np.asarray(values, dtype=np.float64))
    if percentile == 100:
        return float(np.max(magnitudes, where=np.isfinite(magnitudes), initial=0.0))
    finite = magnitudes[np.isfinite(magnitudes)]
    return float(np.percentile(finite, percentile)) if finite.size else 0.0


def indices(values: ArrayLike, scale: float | None = None, gamma: float = 1.0) -> NDArray[np.uint8]:
    """Quantize values to the nearest index, uint8 in the shape of `values`: ±round(127 |value / scale| ** gamma) + 128.

    Values beyond ±`scale` (by default the largest finite magnitude) saturate, as do infinities; NaN is `MISSING`.
    With a scale of 0 all nonzero values saturate. A `gamma` below 1 amplifies weak values, one above 1 attenuates them.

    >>> indices([-1.0, 0.0, 0.5, float("inf"), float("nan")], scale=1.0).tolist()
    [1, 128, 192, 255, 0]
    """
    array = np.asarray(values, dtype=np.float64)
    scale = compute_scale(array) if scale is None else float(scale)
    if not (np.isfinite(scale) and scale >= 0):
        raise InputError(f"scale must be finite and not negative, got {scale}")
    if not (np.isfinite(gamma) and gamma > 0):
        raise InputError(f"gamma must be finite and greater than 0, got {gamma}")
    shares = np.sign(array) if scale == 0 else np.clip(array, -scale, scale) / scale
    if gamma != 1:
        shares = np.copysign(np.abs(shares) ** gamma, shares)
    missing = np.isnan(array)
    steps: NDArray[np.float64] = np.rint(np.where(missing, 0.0, shares) * STEPS)
    return np.where(missing, MISSING, steps + ZERO).astype(np.uint8)


def values(indices: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
    """Return the values of indices at a gamma of 1: (index - 128) / 127 * scale, float64; NaN for `MISSING`."""
    restored = (indices.astype(np.float64) - ZERO) / STEPS * scale
    return np.where(indices == MISSING, np.nan, restored)
