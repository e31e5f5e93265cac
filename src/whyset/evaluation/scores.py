"""Scores of the target, and checks of what models and attributors return."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.attribution.attributors.inputs import explain_dtypes
from whyset.errors import InputError
from whyset.runner.score_model import ScoreModel

SCORES = ("probability", "output", "correct")


def run_model(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the outputs (n, classes), without gradients; InputError: they are something else."""
    with torch.no_grad(), explain_dtypes(model, (x,)):
        output = model(x)
    if not isinstance(output, Tensor) or output.dim() not in (1, 2) or len(output) != len(x):
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise InputError(f"the model: expected one tensor of outputs ({len(x)}, classes), got {got}")
    return output if output.dim() == 2 else output.unsqueeze(1)


def score_targets(model: Callable[[Tensor], Tensor], x: Tensor, classes: Tensor, score: str) -> NDArray[np.float64]:
    """Return the score of the class of each sample (n,), one of `SCORES`.

    InputError: a class does not exist, the outputs are not finite, or they are probabilities, of which another softmax
    would be taken.
    """
    output = run_model(model, x).double()
    if int(classes.min()) < 0 or int(classes.max()) >= output.shape[1]:
        raise InputError(
            f"target: expected classes from 0 to {output.shape[1] - 1}, the outputs of the model, got "
            f"{int(classes.min())} to {int(classes.max())}"
        )
    if score == "correct":
        return (output.argmax(1) == classes).double().cpu().numpy()
    if score == "probability":
        output = _compute_probabilities(model, output)
    scores = output.gather(1, classes.unsqueeze(1)).squeeze(1)
    if not scores.isfinite().all():
        raise InputError("the outputs of the model are not finite on imputed inputs: choose another imputer")
    return scores.cpu().numpy()


def _compute_probabilities(model: Callable[[Tensor], Tensor], output: Tensor) -> Tensor:
    """Return the probabilities of outputs (n, classes): as the run of a model states, otherwise the softmax."""
    known = model.compute_probabilities(output) if isinstance(model, ScoreModel) else None
    if known is not None:
        return known
    _refuse_probabilities(output)
    return output.softmax(1) if output.shape[1] > 1 else output.sigmoid()


def _refuse_probabilities(output: Tensor) -> None:
    """Refuse outputs whose softmax would be a second one."""
    if output.shape[1] > 1 and bool((output >= 0).all()) and bool(((output.sum(1) - 1).abs() < 1e-4).all()):
        raise InputError(
            "the outputs of the model are probabilities already, as they are positive and sum to 1: pass score='output'"
        )


def check_relevance(found: Any, x: Tensor, start: int = 0) -> Tensor:
    """Return relevance in double precision; InputError: its shape differs from that of x, or it is not finite."""
    relevance = found[-1] if isinstance(found, tuple) and len(found) == 2 else found
    shapes = [x.shape, (len(x), 1, *x.shape[2:])] if x.dim() > 2 else [x.shape]
    if not isinstance(relevance, Tensor) or relevance.shape not in shapes or relevance.is_complex():
        got = type(relevance).__name__
        if isinstance(relevance, Tensor):
            got = f"{tuple(relevance.shape)}{', complex numbers' if relevance.is_complex() else ''}"
        raise InputError(f"explanation: expected relevance of shape {tuple(x.shape)}, got {got}")
    bad = (~relevance.detach().isfinite()).flatten(1).any(1).nonzero().flatten() + start
    if len(bad):
        raise InputError(
            f"explanation: the relevance of {len(bad)} samples is not finite (sample {int(bad[0])} is the first), so "
            "their patches have no order: leave out these samples"
        )
    return relevance.detach().double().to(x.device)
