"""Positions of an embedding for the scatter plot: two axes as uint16, which is finer than any screen."""

import numpy as np
from numpy.typing import NDArray

STEPS = 65534
"""Largest coordinate; non-finite coordinates are `MISSING`."""
MISSING = 65535


def quantize(embedding: NDArray[np.floating], axes: tuple[int, int]) -> NDArray[np.uint16]:
    """Quantize two axes of an embedding (n, d) to 0 to `STEPS`, centered and with one scale for both.

    Coordinates of an axis that the embedding does not have are in the middle. The browser's `quantize` does the same.
    """
    sides = [_axis(embedding, axis) for axis in axes]  # separately: NumPy is six times slower on both in one array
    finite = np.logical_and(*map(np.isfinite, sides))
    places = np.full((len(embedding), 2), MISSING, np.uint16)
    if not finite.any():
        return places
    spans = [(side.min(where=finite, initial=np.inf), side.max(where=finite, initial=-np.inf)) for side in sides]
    size = float(max(high - low for low, high in spans)) or 1.0
    for number, (side, (low, high)) in enumerate(zip(sides, spans, strict=True)):
        steps = np.rint(np.clip((side - (low + high) / 2) / size + 0.5, 0, 1) * STEPS)
        places[:, number] = np.where(finite, steps, MISSING)
    return places


def _axis(embedding: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    there = axis < embedding.shape[1]
    return embedding[:, axis].astype(np.float64) if there else np.zeros(len(embedding))
