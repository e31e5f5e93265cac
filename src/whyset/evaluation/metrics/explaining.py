"""Explanations of further inputs, or by changed models, in the form of the relevance of a batch."""

from typing import Any

import torch
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.evaluation.metrics.explained_samples import ExplainedSamples


def explain_again(
    batch: ExplainedSamples, *, model: nn.Module | None = None, x: Tensor | None = None, target: Tensor | None = None
) -> Tensor:
    """Return the relevance by the method of a batch, in double precision and in the form of its relevance.

    What is not given is that of the batch. If the relevance of the batch has one channel, that of the method is summed
    over the channels. Values that are not finite stay, so that metrics are NaN there: relevance on a model with random
    parameters can overflow.

    InputError: the batch has no method, or the method returns another shape.
    """
    if batch.explain is None:
        raise InputError("this metric explains further inputs: pass explain(model, x, target), not only relevance")
    x = batch.x if x is None else x
    found = batch.explain(
        batch.model if model is None else model, x.detach().clone(), batch.target if target is None else target
    )
    return conform(found, batch)


def conform(found: Any, batch: ExplainedSamples) -> Tensor:
    """Return what a method returned in double precision and in the form of the relevance of a batch."""
    relevance = found[-1] if isinstance(found, tuple) and len(found) == 2 else found
    relevance = torch.as_tensor(relevance).detach().double().to(batch.x.device)
    if relevance.dim() == batch.relevance.dim() and batch.relevance.shape[1] == 1 and batch.x.dim() > 2:
        relevance = relevance.sum(1, keepdim=True)
    if relevance.shape != batch.relevance.shape:
        raise InputError(
            f"explain: expected relevance of shape {tuple(batch.relevance.shape)}, as that of the batch, got "
            f"{tuple(relevance.shape)}"
        )
    return relevance
