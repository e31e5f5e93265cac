"""Constants after a linear operation, one for each of its outputs: merged with it, as a batch norm is."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.rule_edge import is_plain, switch_edge
from whyset.attribution.intercept.layers import Constant, LinearOutput
from whyset.attribution.intercept.operations import Arithmetic
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient


def merge_constant(session: Session, call: Call) -> Any | None:
    """Merge `y + b`, `y − b`, `y · b`, `y / b` with the linear operation that computed y; None if it does not fit."""
    operation = call.operation.arithmetic
    if operation is None or len(call.args) != 2 or call.kwargs or len(call.dependents) != 1:
        return None
    x = call.dependents[0]
    constant = call.args[1] if call.args[0] is x else call.args[0]
    if not isinstance(constant, Tensor) or (
        operation in (Arithmetic.DIVIDE, Arithmetic.SUBTRACT_FROM) and constant is call.args[0]
    ):
        return None
    if operation is Arithmetic.SUBTRACT and constant is call.args[0]:
        operation = Arithmetic.SUBTRACT_FROM
    constant = _shrink(constant)
    produced = call.records[id(x)].produced
    if produced is None or is_plain(produced.rule) or not _fits(x, constant, produced):
        return None
    y = call.run()
    if not carries_gradient(y):
        return y
    session.note(call, "merged into the linear operation before it", merged=produced.rule)
    affine = Constant(constant, operation)
    layer = replace(produced.layer, affines=(*produced.layer.affines, affine))
    return switch_edge(session, y, replace(produced, layer=layer), lineage=session.descend(call, y))


def _shrink(constant: Tensor) -> Tensor:
    """Return one element of each dimension along which a constant is expanded."""
    expanded = [d for d, size in enumerate(constant.shape) if size > 1 and constant.stride(d) == 0]
    return (
        constant[tuple(slice(1) if d in expanded else slice(None) for d in range(constant.dim()))]
        if expanded
        else constant
    )


def _fits(x: Tensor, constant: Tensor, produced: LinearOutput) -> bool:
    """Check if the constant has one element for each output of the operation, along their dimension."""
    channel = -1 if produced.layer.geometry is None else 1 - x.dim()
    size = x.shape[channel]
    if constant.dim() == 0 or constant.numel() != size or constant.dim() > x.dim() or constant.is_complex():
        return False
    if constant.dim() < -channel or constant.shape[channel] != size:
        return False
    if constant.dim() == x.dim() and not _has_no_batch(x, constant, channel % x.dim()):
        return False
    return bool(torch.isfinite(constant).all())  # a mask of -inf is no bias


def _has_no_batch(x: Tensor, constant: Tensor, channel: int) -> bool:
    """Check that the first dimension of a constant, of size 1, is not that of a batch of one sample.

    The treatment of a constant for each sample, such as an initial state, must not depend on the number of samples.
    """
    source = constant if constant._base is None else constant._base
    spread = any(size > 1 for d, size in enumerate(x.shape) if d not in (0, channel))
    return spread or isinstance(source, nn.Parameter) or source.dim() < x.dim()
