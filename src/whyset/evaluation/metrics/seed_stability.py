"""Stability of a method that draws random numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.explaining import conform, explain_again
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import get_position_shape, pool
from whyset.evaluation.metrics.similarity import SimilarityName, compare_maps, require_similarity
from whyset.runner.randomness import seeding


@dataclass(frozen=True)
class SeedStability(Metric):
    """Similarity of explanations of a sample that were computed with other random numbers.

    `mean_k s(R_0, R_k)` over explanations R_k of the same input, each with another seed: 1 for a method that draws no
    random numbers. A method with seeds for each sample is given one; for others, the global generators of torch, NumPy
    and Python are seeded, and each sample is explained alone, so that its random numbers do not depend on the batch.
    NaN where no similarity is defined, as for constant maps.

    Parameters
    ----------
    n_repeats : int, default 5
        Number of explanations that are compared with a first one, R_0.
    similarity : {"spearman", "pearson", "cosine", "ssim"}, default "spearman"
        The similarity s of two maps, of the relevance summed over the channels.

    Raises
    ------
    InputError
        `n_repeats` is not positive, or the similarity is unknown.

    Examples
    --------
    >>> from torch import nn, rand, zeros
    >>> def explain(model, x, target):
    ...     return x + 0.01 * torch.randn_like(x)
    >>> x = rand(3, 40)
    >>> batch = ExplainedSamples(nn.Identity(), x, zeros(3).long(), x, np.arange(3), explain=explain)
    >>> bool((SeedStability().measure(batch).values > 0.9).all())
    True
    """

    name = "seed_stability"
    title = "stability across seeds"
    better = "higher"
    needs = frozenset({"explain"})

    n_repeats: int = 5
    similarity: SimilarityName = "spearman"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("n_repeats", self.n_repeats, 1)
        require_similarity("SeedStability", self.similarity)

    def measure(self, batch: ExplainedSamples) -> Measured:
        shape = get_position_shape(batch.x)
        first, *others = (pool(self._explain(batch, stream), batch.x, "signed") for stream in range(self.n_repeats + 1))
        found = np.stack([compare_maps(first, other, shape, self.similarity) for other in others])
        return Measured(found.mean(0))

    def _explain(self, batch: ExplainedSamples, stream: int) -> Tensor:
        """Return the relevance with the random numbers of one repeat."""
        seeds = [int(generator.integers(2**32)) for generator in batch.make_generators(stream)]
        if batch.explain_with_seeds is not None:
            found = batch.explain_with_seeds(batch.model, batch.x.detach().clone(), batch.target, seeds)
            return conform(found, batch)
        if batch.explain is None:
            raise InputError("SeedStability computes explanations: pass explain(model, x, target)")
        return torch.cat([_explain_one(batch, row, seed) for row, seed in enumerate(seeds)])


def _explain_one(batch: ExplainedSamples, row: int, seed: int) -> Tensor:
    one = slice(row, row + 1)
    alone = ExplainedSamples(
        batch.model, batch.x[one], batch.target[one], batch.relevance[one], batch.rows[one], explain=batch.explain
    )
    with seeding(seed, batch.x.device, everywhere=True):
        return explain_again(alone)
