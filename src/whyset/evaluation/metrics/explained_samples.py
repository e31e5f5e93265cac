"""The material of a metric: samples with their relevance by one method, the model, and the method itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Explain = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Explains inputs (n, ...) and targets (n,) by a method, on a given model: that of the batch or a changed copy."""
SeededExplain = Callable[[nn.Module, Tensor, Tensor, Sequence[int]], Tensor]
"""Explains as `Explain`, by random numbers that are drawn from the seed of each sample."""


@dataclass(frozen=True, eq=False)
class ExplainedSamples:
    """A batch of samples with their relevance by one method.

    Parameters
    ----------
    model : torch.nn.Module
        Returns the outputs (n, classes); in evaluation mode.
    x : Tensor
        The inputs (n, channels, ...) or (n, features), in the model's units.
    target : Tensor of int64
        The explained class of each sample (n,).
    relevance : Tensor
        The relevance, shaped like `x` or with one channel.
    rows : ndarray of int64
        The numbers of the samples (n,). Random numbers of a sample are drawn from the seed and its number, so that
        results do not depend on the batch.
    seed : int
        The seed of random numbers.
    explain : callable or None
        `explain(model, x, target)` returns the relevance of other inputs, or by a changed model; None if only maps are
        known, as those that were computed elsewhere.
    masks : Tensor of bool or None
        The region of each sample that is known to be decisive (n, 1, ...); None if it is not known.
    explain_with_seeds : callable or None
        `explain_with_seeds(model, x, target, seeds)` explains by a method that draws random numbers, with a seed for
        each sample in place of its own; None if it has no seeds, as methods that draw from the global generators.
    """

    model: nn.Module
    x: Tensor
    target: Tensor
    relevance: Tensor
    rows: NDArray[np.int64]
    seed: int = 0
    explain: Explain | None = None
    masks: Tensor | None = None
    explain_with_seeds: SeededExplain | None = None

    def make_generators(self, stream: int = 0) -> list[np.random.Generator]:
        """Return a source of random numbers for each sample; `stream` tells apart the uses within a metric."""
        return [np.random.default_rng([self.seed, int(row), stream]) for row in self.rows]
