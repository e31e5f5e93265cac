"""Batch norm in eval mode: merged into the linear operation directly before it, otherwise an affine operation."""

from dataclasses import replace
from typing import Any

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.rule_edge import is_plain, switch_edge
from whyset.attribution.intercept.layers import BatchNorm, LinearOutput
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient
from whyset.errors import InputError

_PARAMETERS = ("input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps", "cudnn_enabled")


def batch_norm(session: Session, call: Call) -> Any:
    """Run a batch norm; the weights of the model are not changed."""
    given = call.arguments(_PARAMETERS)
    x = given["input"]
    if given["training"]:
        raise InputError(
            f"{session.where(call)}: batch norm uses the statistics of the batch, so the explanation of one sample "
            "would depend on the others. Call model.eval() first (and keep track_running_stats=True)"
        )
    produced = call.records[id(x)].produced
    if produced is None or not _fits(x, produced) or is_plain(produced.rule):
        session.note(
            call,
            "affine: plain gradient"
            if produced is None
            else "plain gradient: its channels are not the outputs of the layer",
        )
        y = session.run(call)
        if carries_gradient(y):
            # The backward kernel of CPUs misreads a gradient with the strides of a transposed tensor if the batch is 1.
            y.register_hook(_make_contiguous)
        return session.finish(call, y, twin=call.records[id(x)].twin)
    y = call.run()
    if not carries_gradient(y):
        return y
    session.note(call, "merged into the linear operation before it", merged=produced.rule)
    affine = BatchNorm(given["running_mean"], given["running_var"], given["weight"], given["bias"], given["eps"])
    layer = replace(produced.layer, affines=(*produced.layer.affines, affine))
    return switch_edge(session, y, replace(produced, layer=layer))


def _make_contiguous(gradient: Tensor | None) -> Tensor | None:
    """Return a gradient in the usual order; there is none where a rule passes relevance to the input directly."""
    return None if gradient is None else gradient.contiguous()


def _fits(x: Tensor, produced: LinearOutput) -> bool:
    """Check if dimension 1, the channels of a batch norm, holds the outputs of the linear operation."""
    return produced.layer.geometry is not None or x.dim() == 2
