"""Effects of the regions of masks: how much of the score they give, and how much they take away."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.errors import InputError
from whyset.evaluation.imputation import as_imputer
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import pool_masks
from whyset.evaluation.scores import score_targets


@dataclass(frozen=True)
class RegionEffect(Metric):
    """Base of the effects of regions; the masks are those of findings, or of what is known to be decisive.

    The values depend on the masks and the model, not on the relevance: they compare regions. They are NaN for a mask
    without any position.
    """

    better = None
    needs = frozenset({"model", "masks"})

    imputer: str = "constant"
    score: Literal["probability", "output", "correct"] = "probability"

    def __post_init__(self) -> None:
        super().__post_init__()
        as_imputer(self.imputer)
        if self.score not in ("probability", "output", "correct"):
            raise InputError(
                f"{type(self).__name__}(score={self.score!r}): expected 'probability', 'output' or 'correct'"
            )

    def score_imputed(self, batch: ExplainedSamples, *masks: Tensor) -> list[NDArray[np.float64]]:
        """Return the scores (n,) of the inputs with the elements of each mask imputed."""
        impute = as_imputer(self.imputer).prepare(batch.x, batch.make_generators())
        return [score_targets(batch.model, impute(mask), batch.target, self.score) for mask in masks]


def _shape_masks(batch: ExplainedSamples) -> Tensor:
    shape = batch.x.shape if batch.x.dim() == 2 else (len(batch.x), 1, *batch.x.shape[2:])
    return torch.from_numpy(pool_masks(batch)).reshape(shape).to(batch.x.device)


@dataclass(frozen=True)
class Sufficiency(RegionEffect):
    """Score that the region gives alone: that of the region, minus that of nothing.

    `f(x with all outside of the mask imputed) - f(x with all imputed)` for the score f of the target.

    Parameters
    ----------
    imputer : str, default "constant"
        Values of imputed elements: a name of `IMPUTERS`, with parameters as in "blur(sigma=4)".
    score : {"probability", "output", "correct"}, default "probability"
        The score of the target.

    Examples
    --------
    >>> from torch import nn, ones, tensor, zeros
    >>> model, masks = nn.Linear(2, 2).eval().requires_grad_(False), tensor([[True, False]])
    >>> batch = ExplainedSamples(model, ones(1, 2), zeros(1).long(), ones(1, 2), np.arange(1), masks=masks)
    >>> float(Sufficiency(score="output").measure(batch).values[0] - model.weight[0, 0]) < 1e-6
    True
    """

    name = "sufficiency"
    title = "sufficiency of the region"

    def measure(self, batch: ExplainedSamples) -> Measured:
        masks = _shape_masks(batch)
        alone, nothing = self.score_imputed(batch, ~masks, torch.ones_like(masks))
        return Measured(np.where(pool_masks(batch).any(1), alone - nothing, np.nan))


@dataclass(frozen=True)
class Necessity(RegionEffect):
    """Score that is lost without the region.

    `f(x) - f(x with the mask imputed)` for the score f of the target.

    Parameters
    ----------
    imputer : str, default "constant"
        Values of imputed elements: a name of `IMPUTERS`, with parameters as in "blur(sigma=4)".
    score : {"probability", "output", "correct"}, default "probability"
        The score of the target.
    """

    name = "necessity"
    title = "necessity of the region"

    def measure(self, batch: ExplainedSamples) -> Measured:
        masks = _shape_masks(batch)
        before, without = self.score_imputed(batch, torch.zeros_like(masks), masks)
        return Measured(np.where(pool_masks(batch).any(1), before - without, np.nan))
