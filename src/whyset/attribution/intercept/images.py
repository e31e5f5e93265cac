"""Values of an element-wise operation at one number: the image of an offset, with its slope."""

from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.lineage import divisor_offset, is_finite

Number = float | Tensor
_POWERS = frozenset("reciprocal rsqrt pow float_power div divide true_divide truediv".split())


def image(call: Call, at: Number, known: dict[Any, Any]) -> tuple[Number, Number]:
    """Return f and f' where every tensor that depends on the input is `at`; 0 where they are not finite.

    A coefficient times a difference of 0 carries no relevance, so an infinite slope counts as 0. `known` keeps the
    values of calls whose other arguments are numbers.
    """
    at = start(call, at)
    key = _key(call, at)
    if key is None:
        return _compute(call, at)
    if key not in known:
        known[key] = _compute(call, at)
    found: tuple[Number, Number] = known[key]
    return found


def start(call: Call, offset: Number) -> Number:
    """Return where a function starts: at the offset, or at 0 if the offset guards a power without a value at 0."""
    guarded = divisor_offset(offset)
    if call.name not in _POWERS or isinstance(guarded, Tensor) or guarded == offset:
        return offset
    like = call.dependents[0]
    at_zero = call.map_tensors(lambda t: t.new_zeros(()) if t is like else t).run()
    return offset if is_finite(at_zero) else guarded


def _key(call: Call, at: Number) -> tuple[Any, ...] | None:
    given = (*call.args, *call.kwargs.items())
    parts = tuple("x" if isinstance(part, Tensor) and call.depends(part) else part for part in given)
    if isinstance(at, Tensor) or any(isinstance(part, Tensor) for part in parts):
        return None
    try:
        hash(key := (call.name, call.func, at, parts))
    except TypeError:
        return None
    return key


def _compute(call: Call, at: Number) -> tuple[Number, Number]:
    like = call.dependents[0]
    z = torch.as_tensor(at, dtype=torch.float64, device=like.device).detach().clone().requires_grad_()
    with torch.enable_grad():
        y = call.map_tensors(lambda t: z if call.depends(t) else t.double() if t.is_floating_point() else t).run()
        if y.numel() > 1 and z.numel() == 1:
            z = z.detach().expand(y.shape).clone().requires_grad_()
            y = call.map_tensors(lambda t: z if call.depends(t) else t.double() if t.is_floating_point() else t).run()
        (slope,) = torch.autograd.grad(y.sum(), z, allow_unused=True) if y.requires_grad else (None,)
    y = y.detach()
    if not is_finite(y):
        return 0.0, 0.0
    slope = torch.zeros_like(y) if slope is None else torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
    return _number(y), _number(slope)


def _number(value: Tensor) -> Number:
    return float(value) if value.numel() == 1 else value
