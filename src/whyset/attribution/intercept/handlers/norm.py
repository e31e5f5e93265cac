"""Layer, group, RMS and instance norm: `y = (x − mean)/σ · γ + β`, with a constant deviation σ (Ali 2022)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.autograd import at_least_float32
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient
from whyset.attribution.ledger import Cause


def norm(session: Session, call: Call) -> Any:
    """Run a norm whose edge subtracts the mean and divides by the constant deviation."""
    y, x = call.run(), call.argument(0, "input")
    if not carries_gradient(y):
        return y
    if len(call.dependents) > 1 or not call.depends(x):
        return session.unknown(call)
    session.note(call, "the standard deviation is a constant")
    edge = EDGES[call.name](call)
    out = session.switch(y, edge, x, losses=lambda c, y, xs: {Cause.BIAS: _bias_share(call, c)})
    return session.finish(call, out, kept=y)


def _bias_share(call: Call, c: Tensor) -> float:
    bias = call.argument(2 if call.name == "instance_norm" else 3, "bias") if call.name != "rms_norm" else None
    if bias is None:
        return 0.0
    shaped = bias if call.name == "layer_norm" else bias.view(-1, *[1] * (c.dim() - 2))
    return total(c, shaped.expand_as(c))


Edge = Callable[[Tensor, Tensor, Tensor], tuple[Tensor]]


def _layer_norm(call: Call) -> Edge:
    shape, gain, eps = call.argument(1, "normalized_shape"), call.argument(2, "weight"), call.argument(4, "eps", 1e-5)
    dims = tuple(range(-len(shape), 0))
    return lambda c, y, x: (_center(_scale(c, gain), x, dims, eps),)


def _rms_norm(call: Call) -> Edge:
    shape, gain, eps = call.argument(1, "normalized_shape"), call.argument(2, "weight"), call.argument(3, "eps")
    dims = tuple(range(-len(shape), 0))

    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        small = torch.finfo(x.dtype).eps if eps is None else eps
        return (_scale(c, gain) * torch.rsqrt(x.square().mean(dims, keepdim=True) + small),)

    return edge


def _group_norm(call: Call) -> Edge:
    groups, gain, eps = call.argument(1, "num_groups"), call.argument(2, "weight"), call.argument(4, "eps", 1e-5)

    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        split = (x.shape[0], groups, -1)
        scaled = _scale(c, None if gain is None else gain.view(-1, *[1] * (x.dim() - 2)))
        return (_center(scaled.reshape(split), x.reshape(split), (2,), eps).view_as(x),)

    return edge


def _instance_norm(call: Call) -> Edge:
    gain, eps = call.argument(1, "weight"), call.argument(7, "eps", 1e-5)
    mean, variance, own = (
        call.argument(3, "running_mean"),
        call.argument(4, "running_var"),
        call.argument(5, "use_input_stats", True),
    )

    def edge(c: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        channel = (-1, *[1] * (x.dim() - 2))
        scaled = _scale(c, None if gain is None else gain.view(channel))
        if own or mean is None:
            return (_center(scaled, x, tuple(range(2, x.dim())), eps),)
        return (scaled * torch.rsqrt(at_least_float32(variance) + eps).view(channel),)

    return edge


def _scale(c: Tensor, gain: Tensor | None) -> Tensor:
    return c if gain is None else c * at_least_float32(gain)


def _center(c: Tensor, x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    """Send c back through `(x − mean)/σ` with a constant σ."""
    c = c * torch.rsqrt(x.var(dims, correction=0, keepdim=True) + eps)
    return c - c.mean(dims, keepdim=True)


EDGES: Mapping[str, Callable[[Call], Edge]] = MappingProxyType(
    {"layer_norm": _layer_norm, "rms_norm": _rms_norm, "group_norm": _group_norm, "instance_norm": _instance_norm}
)
