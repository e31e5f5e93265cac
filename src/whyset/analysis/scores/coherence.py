"""Coherence: the similarity of the maps of a cluster."""

import numpy as np
from numpy.typing import NDArray


def coherence(features: NDArray[np.floating]) -> float | None:
    """Return the mean cosine over all pairs of different rows; None with fewer than two rows that are not zero.

    With unit vectors u_i it is (|Σu_i|² - n) / (n(n - 1)). It is high if a network uses the same feature at the
    same place in all samples, such as a watermark.

    >>> coherence(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    rows = features[np.any(features != 0, axis=1)].astype(np.float64)
    n = len(rows)
    if n < 2:
        return None
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float((np.square(units.sum(axis=0)).sum() - n) / (n * (n - 1)))
