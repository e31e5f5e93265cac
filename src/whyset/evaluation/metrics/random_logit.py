"""Comparison of the relevance of the target with that of another class (Sixt 2020)."""

from dataclasses import dataclass

import numpy as np
import torch

from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.explaining import explain_again
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import Sign, divide, get_position_shape, pool
from whyset.evaluation.metrics.similarity import SimilarityName, compare_maps, require_similarity
from whyset.evaluation.scores import run_model


@dataclass(frozen=True)
class RandomLogit(Metric):
    """Similarity of the relevance of the target to that of another class, drawn at random (Sixt 2020).

    `s(R, R')` for the relevance R' of another class of the model, each divided by its largest absolute value: small if
    the relevance depends on the class. It is NaN where s is not defined, and if the model has a single output.

    Parameters
    ----------
    similarity : {"spearman", "pearson", "cosine", "ssim"}, default "ssim"
        The similarity s of two maps, of the relevance summed over the channels: by default the structural similarity,
        as in Sixt 2020.
    absolute : bool, default False
        Compare absolute values.

    Raises
    ------
    InputError
        The similarity is unknown.
    """

    name = "random_logit"
    title = "random logit"
    better = "lower"
    needs = frozenset({"model", "explain"})

    similarity: SimilarityName = "ssim"
    absolute: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_similarity("RandomLogit", self.similarity)

    def measure(self, batch: ExplainedSamples) -> Measured:
        n_classes = run_model(batch.model, batch.x[:1]).shape[1]
        if n_classes < 2:
            return Measured(np.full(len(batch.x), np.nan))
        steps = [int(generator.integers(1, n_classes)) for generator in batch.make_generators()]
        other = (batch.target + torch.tensor(steps, device=batch.target.device)) % n_classes
        sign: Sign = "absolute" if self.absolute else "signed"
        maps = [pool(found, batch.x, sign) for found in (batch.relevance, explain_again(batch, target=other))]
        first, second = (divide(found, np.abs(found).max(1, keepdims=True)) for found in maps)
        shape = get_position_shape(batch.x)
        return Measured(compare_maps(first, second, shape, self.similarity))
