"""Metrics of the complexity of an explanation: on how many positions the relevance is."""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide, pool_relevance


@dataclass(frozen=True)
class Complexity(Metric):
    """Entropy of the relevance over positions, in nats (Bhatt 2020).

    With the shares p_i = |R_i| / sum_j |R_j| of the positions, `-sum_i p_i log p_i`: 0 if one position has all the
    relevance, and log N if N positions have the same. It is NaN for a map of zeros. R_i is summed over the channels.

    Examples
    --------
    >>> from torch import nn, ones
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 4), ones(1).long(), ones(1, 4), np.arange(1))
    >>> float(np.exp(Complexity().measure(batch).values[0]))
    4.0
    """

    name = "complexity"
    title = "complexity"
    better = "lower"

    def measure(self, batch: ExplainedSamples) -> Measured:
        absolute = pool_relevance(batch, "absolute")
        return Measured(entr(divide(absolute, absolute.sum(1, keepdims=True))).sum(1))


@dataclass(frozen=True)
class Sparseness(Metric):
    """Gini index of the relevance over positions (Chalasani 2020).

    With the absolute relevance sorted in ascending order, |R_(1)| <= ... <= |R_(N)|,
    `sum_i (2i - N - 1) |R_(i)| / (N sum_i |R_(i)|)`: 0 if all positions have the same, and 1 - 1/N if one has all. It
    is NaN for a map of zeros. R_i is summed over the channels.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance = tensor([[0.0, 0.0, 0.0, -2.0]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 4), ones(1).long(), relevance, np.arange(1))
    >>> float(Sparseness().measure(batch).values[0])
    0.75
    """

    name = "sparseness"
    title = "sparseness"
    better = "higher"

    def measure(self, batch: ExplainedSamples) -> Measured:
        ascending = np.sort(pool_relevance(batch, "absolute"), axis=1)
        n = ascending.shape[1]
        weighted = ascending @ (2.0 * np.arange(1, n + 1) - n - 1)
        return Measured(divide(weighted, n * ascending.sum(1)))


@dataclass(frozen=True)
class SupportSize(Metric):
    """Number of positions whose relevance is not negligible.

    `#{i: |R_i| > tolerance max_j |R_j|}`. Quantus has it under the name of effective complexity, with a threshold
    relative to the largest relevance of the data set; for the effective complexity of Nguyen 2020, which needs the
    model, see `EffectiveComplexity`. It is 0 for a map of zeros. R_i is summed over the channels.

    Parameters
    ----------
    tolerance : float, default 1e-5
        The share of the largest absolute relevance up to which relevance is negligible, from 0 to less than 1.

    Raises
    ------
    InputError
        `tolerance` is not in this range.

    Examples
    --------
    >>> from torch import nn, ones, tensor
    >>> relevance = tensor([[0.0, 1e-9, 1.0, -2.0]])
    >>> batch = ExplainedSamples(nn.Identity(), ones(1, 4), ones(1).long(), relevance, np.arange(1))
    >>> float(SupportSize().measure(batch).values[0])
    2.0
    """

    name = "support_size"
    title = "positions with relevance"
    better = "lower"
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.tolerance < 1:
            raise InputError(f"SupportSize(tolerance={self.tolerance!r}): expected a number from 0 to less than 1")

    def measure(self, batch: ExplainedSamples) -> Measured:
        absolute = pool_relevance(batch, "absolute")
        return Measured((absolute > self.tolerance * absolute.max(1, keepdims=True)).sum(1).astype(np.float64))
