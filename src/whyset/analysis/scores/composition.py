"""What a group of samples is made of."""

import numpy as np
from numpy.typing import NDArray


def purity(values: NDArray[np.integer]) -> float | None:
    """Give the share of the most frequent value; negative values are unknown and do not count.

    >>> purity(np.array([3, 3, 5, -1]))
    0.6666666666666666
    """
    known = values[values >= 0]
    return float(np.unique(known, return_counts=True)[1].max() / len(known)) if len(known) else None


def accuracy(labels: NDArray[np.integer], predictions: NDArray[np.integer]) -> float | None:
    """Give the share of samples predicted right among those whose label is known."""
    known = labels >= 0
    return float(np.mean(labels[known] == predictions[known])) if known.any() else None


def finite_mean(values: NDArray[np.floating]) -> float | None:
    """Give the mean of the finite values, or None where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None
