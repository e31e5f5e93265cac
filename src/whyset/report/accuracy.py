"""The accuracy shown by report and viewer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def compute_accuracy(
    labels: NDArray[Any], prediction: NDArray[Any], explained: NDArray[np.bool_], *, targets_per_sample: int
) -> float | None:
    """Return the share of explained samples whose prediction is their label, both known (0 or more).

    All arrays are (N,), one value for each row; the first row of each sample counts. None: no sample has both.

    >>> compute_accuracy(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 1]), np.ones(4, bool), targets_per_sample=2)
    0.5
    """
    counted = (explained & (labels >= 0) & (prediction >= 0))[::targets_per_sample]
    right = (prediction == labels)[::targets_per_sample][counted]
    return float(np.mean(right)) if counted.any() else None
