"""From the outputs of a model to its prediction and its confidence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

SUMS_TO_ONE = 1e-3
"""How far the sum of probabilities in float16 or float32 may be from one."""


@dataclass(frozen=True)
class Predictions:
    """The largest output of every row, (M,), its probability, and how that came about."""

    prediction: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]
    confidence_is: str


def predictions_of(outputs: npt.NDArray[np.floating]) -> Predictions:
    """Read outputs (M, classes): as probabilities if all are, else their softmax.

    Outputs are probabilities where none is negative and every row sums to one; one row that is not decides for all.

    >>> predictions_of(np.array([[0.25, 0.75], [1.0, 0.0]])).confidence_is
    'as given'
    """
    values = outputs.astype(np.float64)
    given = bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= SUMS_TO_ONE).all())
    probabilities = values if given else softmax(values, axis=1)
    best = values.argmax(axis=1)
    confidence = np.take_along_axis(probabilities, best[:, None], axis=1)[:, 0]
    return Predictions(best.astype(np.int64), confidence.astype(np.float32), "as given" if given else "softmax")
