"""The values of black and white, determined once for a whole data set, not image by image."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whyset.store.virelay.findings import ImportFindings
from whyset.store.virelay.hdf5 import Images

TOLERANCE = 1e-5
"""Tolerance of floats outside a range, as a fraction of its width."""

RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))


@dataclass(frozen=True)
class ValueRange:
    """The values that images show as 0 (`black`) and 255 (`white`)."""

    black: float
    white: float

    @classmethod
    def of(cls, images: Images, source: Any, findings: ImportFindings) -> "ValueRange":
        """Read all images and choose the narrowest known range that holds them, or else their own, with a warning."""
        low, high, bad = _extremes(images, source)
        if images.rows.dtype == np.uint8:
            return cls(0.0, 255.0)
        file, name = images.rows.file, images.rows.name.lstrip("/")
        if bad:
            findings.error(file, f"{name} holds NaN or infinity in {bad} of {len(images.rows)} rows")
        if images.rows.dtype.kind in "iu":
            return _integer_range(low, high, images, findings)
        for black, white in RANGES:
            slack = TOLERANCE * (white - black)
            if black - slack <= low and high <= white + slack:
                return cls(black, white)
        findings.warn(file, f"{name} ranges from {low:.4g} to {high:.4g}; these are shown as black and white")
        return cls(low, high if high > low else low + 1)

    def pictures(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Convert values to bytes, rounded."""
        if values.dtype == np.uint8 and (self.black, self.white) == (0.0, 255.0):
            return values
        scaled = (values.astype(np.float64) - self.black) * (255 / (self.white - self.black))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _integer_range(low: float, high: float, images: Images, findings: ImportFindings) -> ValueRange:
    if low < 0 or high > 255:
        found = f"{images.rows.name.lstrip('/')} holds whole numbers from {low:.0f} to {high:.0f}"
        findings.error(images.rows.file, f"{found}: expected 0 to 255")
    return ValueRange(0.0, 255.0)


def _extremes(images: Images, source: Any) -> tuple[float, float, int]:
    """Return the smallest and the largest finite value, and the number of rows with other values."""
    low, high, bad = math.inf, -math.inf, 0
    for _, block in images.rows.blocks(source):
        for row in block:
            finite = row[np.isfinite(row)]
            bad += len(finite) < row.size
            if len(finite):
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high, bad) if low <= high else (0.0, 0.0, bad)
