"""Complexity of relevance before and after all parameters of a model become random (Hedström 2024)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from whyset.arguments import whole_number
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.explaining import explain_again
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide, pool
from whyset.evaluation.metrics.random_models import list_layers, randomize


@dataclass(frozen=True)
class EfficientMPRT(Metric):
    """Rise of the complexity of the relevance when all parameters become random (Hedström 2024).

    `(H(R') - H(R)) / H(R)` for the relevance R' of a model with random parameters, and the entropy H of the histogram
    of a map over its range: positive if relevance of the trained model has more structure. It needs one random model,
    and no similarity. It is NaN if all values of R are in one bin, or a map is not finite. The relevance is summed over
    the channels.

    Parameters
    ----------
    n_bins : int, default 100
        Number of bins of the histogram, at least 2.

    Raises
    ------
    InputError
        `n_bins` is less than 2, or the model has no parameters.
    """

    name = "efficient_mprt"
    title = "efficient MPRT"
    better = "higher"
    needs = frozenset({"model", "explain"})

    n_bins: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_bins", self.n_bins, 2)

    def measure(self, batch: ExplainedSamples) -> Measured:
        n_layers = len(list_layers(batch.model))
        [(_, model)] = randomize(batch.model, batch.seed, "bottom_up", [n_layers])
        before, after = (
            np.array([_histogram_entropy(row, self.n_bins) for row in pool(relevance, batch.x, "signed")])
            for relevance in (batch.relevance, explain_again(batch, model=model))
        )
        return Measured(divide(after - before, before))


def _histogram_entropy(values: NDArray[np.float64], n_bins: int) -> float:
    """Return the entropy of the histogram of values over their range, in nats; NaN if one is not finite.

    A range of which the bins cannot be told apart, as of values that differ by rounding, has one bin.
    """
    if not np.isfinite(values).all():
        return float("nan")
    largest = np.abs(values).max()
    scaled = values / largest if largest > 0 else values
    if np.ptp(scaled) <= 4 * np.finfo(np.float64).eps * n_bins:
        return 0.0
    counts, _ = np.histogram(scaled, bins=n_bins)
    return float(entr(counts / counts.sum()).sum())
