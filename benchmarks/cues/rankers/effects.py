"""Effects by whyset: evidence inserted into other images, and its ablations by what chooses the window.

The window of an image is the one with the most positive relevance. For the ablations, other maps take the place of
relevance: the absolute gradient, the local variance of the image, and random numbers, smoothed so that some window
stands out. All of them measure the same number of insertions.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whyset
from whyset.store import Run

from ..observed import Observed
from ..ranking import ClassScores

WINDOW = 3 / 16
"""The side of the window as a share of the image's, as in the default interventions."""
LOG_ODDS = 1e-3
"""Weight of the change of log-odds against the share of turned hosts, which it only orders where shares are equal."""


def rank(observed: Observed) -> list[ClassScores]:
    """Use all interventions and the budget of the default test."""
    return _score(observed, observed.run, whyset.EffectTest())


def rank_windows(observed: Observed, explain: Callable[[Observed], Run]) -> list[ClassScores]:
    """Use the window only, with a run whose maps choose it, and without a limit of time."""
    side = max(1, round(WINDOW * min(observed.cell.images.shape[1:3])))
    return _score(
        observed,
        explain(observed),
        whyset.EffectTest(name="window", interventions=[f"window:side={side}"], budget=None),
    )


def _score(observed: Observed, run: Run, test: whyset.EffectTest) -> list[ClassScores]:
    effects = whyset.measure_effects(run, test, model=observed.cell.model, dataset=observed.source)
    if effects.problem is not None:
        raise RuntimeError(f"effects could not be measured: {effects.problem}")
    found = []
    for tested in effects.classes:
        label = observed.cell.class_names.index(tested.name)
        rows = np.flatnonzero(observed.labels == label)
        best = max(tested.effects.interventions, key=lambda one: one.candidate_effect.turned.value)
        values = np.full(len(run.labels), -np.inf)
        for trials in (best.screening, best.selection):  # the second replaces the first where there are both
            shares = np.asarray(trials.turned) / np.maximum(trials.hosts, 1)
            values[np.asarray(trials.rows, np.int64)] = shares + LOG_ODDS * np.asarray(trials.log_odds)
        finite = np.nan_to_num(values[rows], neginf=-1e6)
        found.append(ClassScores(label, best.candidate_effect.turned.value, rows, finite))
    return found


def absolute_gradient(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    x = x.requires_grad_()
    gradient = torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]
    return gradient.abs().sum(1, keepdim=True)


def local_variance(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    """Return the variance over 3 x 3 pixels, summed over the channels."""
    mean, square = (F.avg_pool2d(F.pad(one, (1, 1, 1, 1), mode="reflect"), 3, 1) for one in (x, x**2))
    return (square - mean**2).clamp(min=0).sum(1, keepdim=True)


def random_maps(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    return F.avg_pool2d(torch.rand(len(x), 1, *x.shape[2:], device=x.device), 3, 1, 1)


def _explain_relevance(observed: Observed) -> Run:
    return observed.run


def _explain_by(observed: Observed, name: str, function: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> Run:
    return observed.explain(name, method=function)


REGIONS: dict[str, Callable[[Observed], Run]] = {
    "relevance": _explain_relevance,
    "gradient": partial(_explain_by, name="gradient", function=absolute_gradient),
    "local variance": partial(_explain_by, name="local-variance", function=local_variance),
    "random": partial(_explain_by, name="random", function=random_maps),
}
