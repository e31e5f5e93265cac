"""Axioms of explanations: completeness, and no relevance where the output does not change."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.evaluation.imputation import as_imputer
from whyset.evaluation.metrics.explained_samples import ExplainedSamples
from whyset.evaluation.metrics.metric import Measured, Metric
from whyset.evaluation.metrics.pooling import divide, get_position_shape, pool_relevance
from whyset.evaluation.pixel_flipping import assign_patches
from whyset.evaluation.scores import check_relevance, score_targets


@dataclass(frozen=True)
class CompletenessError(Metric):
    """Error of the sum of the relevance (Sundararajan 2017; conservation in LRP, Bach 2015).

    `|sum_i R_i - (f(x) - f(x'))|` for the output f of the target, divided by `|f(x) - f(x')|` if relative. The baseline
    x' is that of integrated gradients; without one, the sum is compared with f(x), which LRP distributes, to biases,
    too. It is NaN if relative, and the output does not differ from that at the baseline.

    Parameters
    ----------
    baseline : float or None, default None
        The value of all elements of x', in the model's units; None compares with f(x) alone.
    relative : bool, default True
        Divide by what is distributed.

    Examples
    --------
    >>> from torch import nn, rand, zeros
    >>> model, x, target = nn.Linear(4, 2).eval(), rand(3, 4), zeros(3).long()
    >>> batch = ExplainedSamples(model, x, target, model.weight[target].detach() * x, np.arange(3))
    >>> bool((CompletenessError(baseline=0.0).measure(batch).values < 1e-5).all())
    True
    """

    name = "completeness"
    title = "error of completeness"
    better = "lower"
    needs = frozenset({"model"})

    baseline: float | None = None
    relative: bool = True

    def measure(self, batch: ExplainedSamples) -> Measured:
        total = check_relevance(batch.relevance, batch.x).flatten(1).sum(1).cpu().numpy()
        distributed = score_targets(batch.model, batch.x, batch.target, "output")
        if self.baseline is not None:
            at_baseline = torch.full_like(batch.x, self.baseline)
            distributed = distributed - score_targets(batch.model, at_baseline, batch.target, "output")
        error = np.abs(total - distributed)
        return Measured(divide(error, np.abs(distributed)) if self.relative else error)


@dataclass(frozen=True)
class NonSensitivity(Metric):
    """Number of patches where relevance and sensitivity of the output disagree (Nguyen 2020).

    The size of the symmetric difference of two sets: the patches without relevance, |R_i| <= tolerance max_j |R_j|, and
    those whose imputation leaves the score of the target as it is, |f(x) - f(x_i)| <= tolerance. Every patch takes one
    evaluation of the model. R_i is the sum of the absolute relevance of the positions of a patch.

    Parameters
    ----------
    patch_size : int, default 8
        Side of a patch in elements; Nguyen takes single features.
    tolerance : float, default 1e-5
        The share of the largest relevance, and the change of the score, that count as none.
    imputer : str, default "constant"
        Values of imputed patches: a name of `IMPUTERS`, with parameters as in "blur(sigma=4)".
    score : {"probability", "output"}, default "probability"
        The score of the target.

    Raises
    ------
    InputError
        A value does not fit.

    Examples
    --------
    >>> from torch import nn, ones, zeros
    >>> model, x, target = nn.Linear(4, 2).eval(), ones(1, 4), zeros(1).long()
    >>> batch = ExplainedSamples(model, x, target, model.weight[target].detach() * x, np.arange(1))
    >>> float(NonSensitivity(patch_size=1).measure(batch).values[0])
    0.0
    """

    name = "non_sensitivity"
    title = "non-sensitivity"
    better = "lower"
    needs = frozenset({"model"})

    patch_size: int = 8
    tolerance: float = 1e-5
    imputer: str = "constant"
    score: Literal["probability", "output"] = "probability"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("patch_size", self.patch_size, 1)
        as_imputer(self.imputer)
        if not 0 <= self.tolerance < 1:
            raise InputError(f"NonSensitivity(tolerance={self.tolerance!r}): expected a number from 0 to less than 1")
        if self.score not in ("probability", "output"):
            raise InputError(f"NonSensitivity(score={self.score!r}): expected 'probability' or 'output'")

    def measure(self, batch: ExplainedSamples) -> Measured:
        shape = get_position_shape(batch.x)
        patches = assign_patches(shape, [self.patch_size] * len(shape))
        n_patches = int(patches.max()) + 1
        sums = np.zeros((len(batch.x), n_patches))
        np.add.at(sums.T, patches.flatten().numpy(), pool_relevance(batch, "absolute").T)
        without_relevance = sums <= self.tolerance * sums.max(1, keepdims=True)
        impute = as_imputer(self.imputer).prepare(batch.x, batch.make_generators())
        before = score_targets(batch.model, batch.x, batch.target, self.score)
        differ = np.zeros(len(batch.x))
        lead = [1] if batch.x.dim() > 2 else []
        for patch in range(n_patches):
            mask = (patches == patch).to(batch.x.device).reshape(1, *lead, *patches.shape)
            imputed = impute(mask.expand(len(batch.x), *mask.shape[1:]))
            after = score_targets(batch.model, imputed, batch.target, self.score)
            differ += without_relevance[:, patch] != (np.abs(after - before) <= self.tolerance)
        return Measured(differ)
