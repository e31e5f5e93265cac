"""Prediction and confidence from the outputs of a model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

SUMS_TO_ONE = 1e-3
"""Tolerance of the sum of probabilities in float16 or float32."""


@dataclass(frozen=True)
class Predictions:
    """The largest of the outputs (M, classes) of each row: its index, its value and its softmax, (M,) each.

    `probabilities`: no output is negative, and every row sums to one. `bad` rows hold NaN or infinity.
    """

    prediction: npt.NDArray[np.int64]
    largest: npt.NDArray[np.float32]
    softmax: npt.NDArray[np.float32]
    probabilities: bool
    bad: int

    @classmethod
    def of(cls, blocks: Iterable[npt.NDArray[np.floating]]) -> "Predictions":
        """Read outputs some rows at a time.

        >>> Predictions.of([np.array([[0.25, 0.75], [1.0, 0.0]])]).probabilities
        True
        """
        parts = [_of_block(block.astype(np.float64)) for block in blocks]
        return cls(
            prediction=np.concatenate([part.prediction for part in parts]),
            largest=np.concatenate([part.largest for part in parts]),
            softmax=np.concatenate([part.softmax for part in parts]),
            probabilities=all(part.probabilities for part in parts),
            bad=sum(part.bad for part in parts),
        )


def _of_block(values: npt.NDArray[np.float64]) -> Predictions:
    finite = np.asarray(np.isfinite(values).all(axis=1, keepdims=True))
    values = np.where(finite, values, 0)
    largest = values.max(axis=1)
    given = bool((values >= 0).all() and (np.abs(values.sum(axis=1) - 1) <= SUMS_TO_ONE).all())
    softmax = np.exp(largest - logsumexp(values, axis=1))
    best = values.argmax(axis=1).astype(np.int64)
    return Predictions(best, largest.astype(np.float32), softmax.astype(np.float32), given, int((~finite).sum()))


def confidence_is(parts: Sequence[Predictions]) -> str:
    """Return the origin of confidences: "as given" if all rows are probabilities, otherwise "softmax"."""
    return "as given" if all(part.probabilities for part in parts) else "softmax"
