"""Linear operations and convolutions: their backward edge is the rule that the composite chooses."""

from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.product import share_equally
from whyset.attribution.intercept.handlers.rule_edge import apply_rule
from whyset.attribution.intercept.layers import Geometry
from whyset.attribution.intercept.session import Session

_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_CONV_TRANSPOSE = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")


def linear(session: Session, call: Call) -> Any:
    """Run `y = Wx + b` with the rule's backward edge."""
    if call.name == "linear":
        return _linear(
            session, call, call.argument(0, "input"), call.argument(1, "weight"), call.argument(2, "bias"), None
        )
    names = _CONV_TRANSPOSE if call.name.startswith("conv_transpose") else _CONV
    given: dict[str, Any] = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1, "output_padding": 0}
    given |= call.arguments(names)
    x, weight = given["input"], given["weight"]
    if x.dim() < weight.dim():  # one sample without a batch dimension
        with session:
            return call.func(x.unsqueeze(0), **{k: v for k, v in given.items() if k in names and k != "input"}).squeeze(
                0
            )
    spatial = weight.dim() - 2
    if isinstance(given["padding"], str):
        before, after = _string_padding(given["padding"], weight.shape[2:], _tuple(given["dilation"], spatial))
        if before != after:
            # Pad both sides alike and crop the output, so that the padding stays a part of the operation.
            rest = {k: v for k, v in given.items() if k in names and k != "input"} | {"padding": after}
            with session:
                return call.func(x, **rest)[(..., *(slice(a - b, None) for a, b in zip(after, before, strict=True)))]
        given["padding"] = before
    geometry = Geometry(
        _tuple(given["stride"], spatial),
        _tuple(given["padding"], spatial),
        _tuple(given["dilation"], spatial),
        call.name.startswith("conv_transpose"),
        _tuple(given["output_padding"], spatial),
        given["groups"],
    )
    return _linear(session, call, x, weight, given["bias"], geometry)


def _linear(
    session: Session, call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry | None
) -> Any:
    if call.depends(weight) or not call.depends(x):
        if geometry is None and not call.depends(x):
            return _map_of_weight(session, call, x, weight, bias)
        session.note(call, "no rule: the weight depends on the input; equal shares to all factors")
        return session.finish(call, share_equally(session, call, (x, weight)), behind_linear=True)
    return apply_rule(session, call, x, weight, bias, geometry)


def _map_of_weight(session: Session, call: Call, x: Tensor, weight: Tensor, bias: Tensor | None) -> Any:
    """Run a linear operation whose weight depends on the input, and its input does not: a linear map of the weight."""
    with session:
        y = torch.matmul(x, weight.mT if weight.dim() > 1 else weight)
        return y if bias is None else y + bias


def _tuple(value: Any, length: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * length
    return tuple(value) * length if len(value) == 1 else tuple(value)


def _string_padding(
    padding: str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the padding before and after each side for "valid" and "same"."""
    total = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation, strict=True)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
