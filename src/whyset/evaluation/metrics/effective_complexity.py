"""Effective complexity: how much of the input the model needs, in the order of relevance."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from whyset.errors import InputError
from whyset.evaluation.flipping_curves import FlippingCurves
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.flipping import FlippingMetric
from whyset.evaluation.metrics.metric import Measured
from whyset.evaluation.metrics.pooling import pool_relevance


@dataclass(frozen=True)
class EffectiveComplexity(FlippingMetric):
    """Smallest share of the input that keeps the score of the target (after Nguyen 2020).

    Patches are ordered by their absolute relevance, and the least relevant of them are imputed: the share of the others
    when `|f(x_k) - f(x)| <= tolerance` for the last time. Nguyen's definition takes the expected loss over the
    distribution of the imputed features, single features, and their number; here the imputer is drawn from once, and
    only the steps are tried. The curve is the deviation of the score.

    Parameters
    ----------
    tolerance : float, default 0.1
        The largest deviation of the score, more than 0.
    patch_size, steps, imputer, score
        As in `FlippingMetric`.

    Raises
    ------
    InputError
        `tolerance` is not positive.

    Examples
    --------
    >>> from torch import nn, tensor, zeros
    >>> model = nn.Linear(4, 1, bias=False).eval()
    >>> model.weight.data = tensor([[3.0, 0.0, 0.0, 0.0]])
    >>> x = tensor([[1.0, 1.0, 1.0, 1.0]])
    >>> batch = ExplainedSamples(model, x, zeros(1).long(), model.weight.detach() * x, np.arange(1))
    >>> float(EffectiveComplexity(patch_size=1, steps=4).measure(batch).values[0])
    0.25
    """

    name = "effective_complexity"
    title = "effective complexity"
    better = "lower"
    order = "least_relevant_first"
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tolerance > 0:
            raise InputError(f"EffectiveComplexity(tolerance={self.tolerance!r}): expected a positive number")

    def measure(self, batch: ExplainedSamples) -> Measured:
        shape = batch.x.shape if batch.x.dim() == 2 else (len(batch.x), 1, *batch.x.shape[2:])
        absolute = torch.from_numpy(pool_relevance(batch, "absolute")).reshape(shape)
        return super().measure(replace(batch, relevance=absolute))

    def summarize(self, curves: FlippingCurves) -> Measured:
        assert curves.least_relevant_first is not None
        deviations = np.abs(curves.least_relevant_first - curves.least_relevant_first[0]).T
        kept = 1 - curves.fractions
        last = deviations.shape[1] - 1 - (deviations <= self.tolerance)[:, ::-1].argmax(1)  # the first always is
        return Measured(kept[last], deviations, curves.fractions)
