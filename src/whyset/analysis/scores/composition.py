"""The composition of a group of samples."""

import numpy as np
from numpy.typing import NDArray


def purity(values: NDArray[np.integer]) -> float | None:
    """Return the share of the most frequent value; negative values are unknown and do not count.

    >>> purity(np.array([3, 3, 5, -1]))
    0.6666666666666666
    """
    known = values[values >= 0]
    return float(np.unique(known, return_counts=True)[1].max() / len(known)) if len(known) else None


def accuracy(labels: NDArray[np.integer], predictions: NDArray[np.integer]) -> float | None:
    """Return the share of correct predictions among samples with a known label."""
    known = labels >= 0
    return float(np.mean(labels[known] == predictions[known])) if known.any() else None


def finite_mean(values: NDArray[np.floating]) -> float | None:
    """Return the mean of the finite values; None without finite values."""
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None
