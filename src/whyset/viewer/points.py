"""Places of an embedding as the scatter draws them: two axes as uint16, which is finer than any screen."""

import numpy as np
from numpy.typing import NDArray

STEPS = 65534
"""The largest place; places that are not finite are `MISSING`."""
MISSING = 65535


def quantised(embedding: NDArray[np.floating], axes: tuple[int, int]) -> NDArray[np.uint16]:
    """Two axes of an embedding (n, d) between 0 and `STEPS`, around their middle and with one scale for both.

    An axis that the embedding does not have lies at its middle. The browser's `quantise` does the same.
    """
    places = np.zeros((len(embedding), 2))
    for side, axis in enumerate(axes):
        if axis < embedding.shape[1]:
            places[:, side] = embedding[:, axis]
    finite = np.isfinite(places).all(axis=1)
    if not finite.any():
        return np.full(places.shape, MISSING, np.uint16)
    low, high = places[finite].min(axis=0), places[finite].max(axis=0)
    size = float((high - low).max()) or 1.0
    places -= (low + high) / 2
    places /= size
    np.rint(np.clip(places + 0.5, 0, 1) * STEPS, out=places)
    places[~finite] = MISSING
    return places.astype(np.uint16)
