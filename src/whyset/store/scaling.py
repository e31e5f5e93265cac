"""float16 with one power of two per row: eleven significant bits for maps of any magnitude.

Without a scale, float16 would round values below 6e-8 to zero and values above 65504 to infinity.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.errors import InputError

_TOP = 15
"""Scaled maxima are in [2^14, 2^15]: below float16's 65504, and as far as possible above its smallest numbers."""

_LOWEST, _HIGHEST = -126, 113
"""Exponents of normal float32 scales; a subnormal one would be flushed to zero on some machines."""

_LARGEST = np.float32((2**15 - 2**4) * 2.0**_HIGHEST)
"""The largest number of eleven bits in float32; the few above it would be rounded to infinity."""

_SMALLEST_FACTOR = 2.0**-_HIGHEST
"""Rows with this factor may hold numbers above `_LARGEST`."""

Floats = npt.NDArray[np.float32]


def row_peaks(rows: npt.NDArray[np.floating]) -> Floats:
    """Return max|row| in float32, without a copy of the rows; NaN stays NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        flat = rows.reshape(len(rows), math.prod(rows.shape[1:])).astype(np.float32, copy=False)
    peaks: Floats = np.maximum(flat.max(axis=1), -flat.min(axis=1))
    return peaks


def compute_scales(peaks: Floats) -> Floats:
    """Return the power of two that brings each peak to [2^14, 2^15]; 1 for a row of zeros.

    The scale is `2^k` with `k = exponent(peak) - 15`, so a value keeps a relative precision of 2^-11 down to 2^-29 of
    its row's peak, where plain float16 would lose all below 6e-8. Multiplying by a power of two is exact.

    >>> compute_scales(np.array([3 * 2.0**-40, 0.0], np.float32)).tolist() == [2.0**-53, 1.0]
    True
    """
    # frexp and ldexp are exact; log2 of a peak near a power of two may round to the wrong exponent.
    exponents = np.clip(np.frexp(peaks)[1] - _TOP, _LOWEST, _HIGHEST)
    exponents[peaks == 0] = 0
    scales: Floats = np.ldexp(np.float32(1), exponents)
    return scales


def divide_rows(scale: Floats, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float16]:
    """Return `rows / scale`, in float32, as float16; NumPy casts through a small buffer, so nothing is copied whole."""
    scaled, values = np.empty(rows.shape, np.float16), rows.astype(np.float32, copy=False)
    factors = (1 / scale).reshape(-1, *[1] * (rows.ndim - 1))
    large = factors <= _SMALLEST_FACTOR
    if large.any():
        values = np.where(large, np.clip(values, -_LARGEST, _LARGEST), values)
    np.multiply(values, factors, out=scaled, casting="unsafe")
    return scaled


def unscale_rows(scaled: npt.NDArray[Any], scale: npt.NDArray[Any], out: Floats | None = None) -> Floats:
    """Return `scaled * scale` in float32, row by row, in `out` if it is given."""
    factors = scale.reshape(-1, *[1] * (scaled.ndim - 1))
    rows: Floats = np.multiply(scaled, factors, out=out, dtype=np.float32)
    return rows


def refuse_non_finite(peaks: Floats) -> None:
    """Raise InputError if a peak, and so its row, is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(peaks))
    if bad.size:
        raise InputError(
            f"relevance is not finite in {bad.size} of {len(peaks)} rows (first: rows {bad[:5].tolist()}); "
            "record such samples as failures instead of storing them"
        )
