"""Exact distances of chosen pairs of rows, and the nearest among them."""

import numpy as np
from numpy.typing import NDArray

_VALUES = 2_000_000  # differences in memory at once: 16 MB in float64

Rows = NDArray[np.floating]


def sum_squared_differences(rows: Rows, some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return Σ(x - y)² of pairs of rows in float64; unlike products, differences do not cancel."""
    low, high = np.minimum(some, others), np.maximum(some, others)
    pairs, inverse = np.unique(low * len(rows) + high, return_inverse=True)
    low, high = pairs // len(rows), pairs % len(rows)
    squared = np.empty(len(pairs))
    step = max(1, _VALUES // rows.shape[1])
    for start in range(0, len(pairs), step):
        part = slice(start, start + step)
        difference = np.subtract(rows[low[part]], rows[high[part]], dtype=np.float64)
        squared[part] = np.einsum("pd,pd->p", difference, difference)
    exact: NDArray[np.float64] = squared[inverse]
    return exact


def nearest_of_pairs(
    some: NDArray[np.int64], others: NDArray[np.int64], squared: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k nearest `others` of each row in `some`, in ascending order; for ties the lower index first.

    Each row must have at least k pairs.
    """
    order = np.lexsort((others, squared, some))
    _, first = np.unique(some[order], return_index=True)
    chosen = order[first[:, None] + np.arange(k)]
    return others[chosen], squared[chosen]
