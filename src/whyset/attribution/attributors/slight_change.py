"""Changes of probabilities at the end of a model: casts, views, clamps and label smoothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

_SAME = frozenset(
    "clone contiguous to type type_as float double half bfloat16 cpu cuda reshape view view_as reshape_as flatten "
    "unflatten ravel squeeze unsqueeze alias detach nan_to_num".split()
)
_CLAMPS = frozenset("clamp clip clamp_min clamp_max hardtanh maximum minimum fmax fmin max min".split())
_OF_TENSORS = frozenset(["max", "min"])
"""Functions that clamp if they get a second tensor, and reduce otherwise."""
_SUM_TOLERANCE = 0.02
"""Tolerance of the sum 1 of smoothed probabilities: models may add a small constant to avoid log(0)."""


@dataclass(frozen=True)
class SlightChange:
    """y = scale · p + shift of a probability p, up to a clamp; the order of the values is kept.

    >>> SlightChange(0.9, 0.01).keeps_probabilities(10), SlightChange(100.0, 0.0).keeps_probabilities(2)
    (True, False)
    """

    scale: float = 1.0
    shift: float = 0.0

    def keeps_probabilities(self, count: int) -> bool:
        """Check if `count` probabilities that sum to 1 have a positive scale and still sum to 1."""
        return self.scale > 0 and abs(self.scale + count * self.shift - 1) <= _SUM_TOLERANCE


UNCHANGED = SlightChange()


def change_slightly(
    name: str, source: Tensor, before: SlightChange, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> SlightChange | None:
    """Return the change of a tensor, `before` so far, after a torch function; None if it is not of this kind."""
    first = args[0] if args else kwargs.get("input")
    others = [value for value in (*args, *kwargs.values()) if value is not first]
    if name in _SAME:
        return before if first is source else None
    if name in _CLAMPS:
        reduces = name in _OF_TENSORS and not any(isinstance(value, Tensor) for value in others)
        return before if not reduces and all(_is_bound(value, source) for value in (first, *others)) else None
    if name in ("where", "masked_fill"):
        return before if len(args) == 3 and not kwargs and _is_clamp(name, source, args) else None
    if len(others) != 1 or len(args) + len(kwargs) != 2:  # alpha=, rounding_mode= and out= change what is computed
        return None
    number = _as_number(others[0] if first is source else first)
    return None if number is None else _change_linearly(name, before, number, is_left=first is source)


def _change_linearly(name: str, before: SlightChange, number: float, is_left: bool) -> SlightChange | None:
    if name in ("mul", "multiply"):
        return SlightChange(before.scale * number, before.shift * number)
    if name in ("div", "divide", "true_divide", "truediv") and is_left and number:
        return SlightChange(before.scale / number, before.shift / number)
    if name == "add":
        return replace(before, shift=before.shift + number)
    if name in ("sub", "subtract") and is_left:
        return replace(before, shift=before.shift - number)
    if (name in ("rsub",) and is_left) or (name in ("sub", "subtract") and not is_left):
        return SlightChange(-before.scale, number - before.shift)
    return None


def _is_bound(value: object, source: Tensor) -> bool:
    """Check if a value is the source, or a bound for all of its elements."""
    return value is source or value is None or _as_number(value) is not None


def _is_clamp(name: str, source: Tensor, args: Sequence[Any]) -> bool:
    """Check if `where` or `masked_fill` replaces all values below a number, or all above it, by the number."""
    if args[0] is source:
        replaced, other = (args[1], args[2]) if name == "masked_fill" else (~args[1], args[2])
    else:
        replaced, other = (args[0], args[1]) if args[2] is source else (~args[0], args[2])
    number = _as_number(other)
    if number is None or replaced.shape != source.shape:
        return False
    below, above = source.detach() <= number, source.detach() >= number
    return any(bool(torch.where(replaced, out, kept).all()) for out, kept in ((below, above), (above, below)))


def _as_number(value: object) -> float | None:
    """Return a number, also from a constant tensor without a gradient; None for other values."""
    if isinstance(value, Tensor):
        flat = value.detach().reshape(-1)
        known = value.grad_fn is None and flat.numel() and not value.is_complex()
        return float(flat[0]) if known and bool((flat == flat[0]).all()) else None
    return float(value) if isinstance(value, int | float) else None
