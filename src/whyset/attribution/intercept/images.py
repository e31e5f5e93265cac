"""Values of an element-wise operation at one number: the image of an offset, with its slope."""

from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.containers import tensors_in
from whyset.attribution.intercept.lineage import GUARDED, is_finite

Number = float | Tensor


def image(call: Call, at: Number, known: dict[Any, Any]) -> tuple[Number, Number]:
    """Return f and f' where every tensor that depends on the input is `at`; 0 where they are not finite.

    A coefficient times a difference of 0 carries no relevance, so an infinite slope counts as 0. `known` keeps the
    values of calls whose other arguments are numbers.
    """
    return start(call, at, known)[1:]


def start(call: Call, at: Number, known: dict[Any, Any]) -> tuple[Number, Number, Number]:
    """Return the number that an element-wise function is measured from, with f and f' there.

    It is `at`, or 0 if `at` only keeps f from being infinite there. f(at) is then no value that a network computes:
    the share of `1 / (x + 1e-5)` at x = 0 would be a multiple of 10⁵.
    """
    key = _key(call, at)
    if key is None:
        return _start(call, at)
    if key not in known:
        known[key] = _start(call, at)
    found: tuple[Number, Number, Number] = known[key]
    return found


def move(call: Call, index: int) -> Number:
    """Return an output of a call where every tensor that depends on the input is its offset, element by element.

    This is the offset of a linear map, of a selection, and of a reduction.
    """

    def offset(t: Tensor) -> Tensor:
        lineage = call.records[id(t)].lineage
        if not call.depends(t) or lineage is None:
            return t.detach().double() if t.is_floating_point() else t.detach()
        return torch.as_tensor(lineage.offset, dtype=torch.float64, device=t.device).expand(t.shape)

    with torch.no_grad():
        y = tensors_in(call.map_tensors(offset).run())[index]
    return _number(y) if is_finite(y) else 0.0


def _start(call: Call, at: Number) -> tuple[Number, Number, Number]:
    y, slope = _compute(call, at)
    guarded = not isinstance(y, Tensor) and not isinstance(at, Tensor) and at != 0 and abs(y) > GUARDED
    if guarded and not is_finite(
        _evaluate(call, torch.zeros((), dtype=torch.float64, device=call.dependents[0].device))
    ):
        return 0.0, 0.0, 0.0
    return at, y, slope


def _evaluate(call: Call, z: Tensor) -> Tensor:
    result: Tensor = call.map_tensors(
        lambda t: z if call.depends(t) else t.double() if t.is_floating_point() else t
    ).run()
    return result


def _key(call: Call, at: Number) -> tuple[Any, ...] | None:
    """Return what the values of a call at a number depend on; None if this is a tensor, or cannot be compared."""
    if isinstance(at, Tensor) or len(call.tensors) > len(call.dependents):
        return None
    parts = ["x" if isinstance(part, Tensor) else part for part in (*call.args, *call.kwargs.items())]
    key = (call.func, at, *parts)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _compute(call: Call, at: Number) -> tuple[Number, Number]:
    like = call.dependents[0]
    z = torch.as_tensor(at, dtype=torch.float64, device=like.device).detach()
    if call.operation.per_channel:
        z = z.expand(like.shape)
    z = z.clone().requires_grad_()
    with torch.enable_grad():
        y = _evaluate(call, z)
        if y.numel() > 1 and z.numel() == 1:
            z = z.detach().expand(y.shape).clone().requires_grad_()
            y = _evaluate(call, z)
        (slope,) = torch.autograd.grad(y.sum(), z, allow_unused=True) if y.requires_grad else (None,)
    y = y.detach()
    if not is_finite(y):
        return 0.0, 0.0
    slope = torch.zeros_like(y) if slope is None else torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
    return _number(y), _number(slope)


def _number(value: Tensor) -> Number:
    same = value.numel() > 0 and (value.numel() == 1 or bool((value == value.flatten()[0]).all()))
    return float(value.flatten()[0]) if same else value
