import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias
from whyset.errors import InputError

Bound = float | Tensor


@dataclass(frozen=True)
class ZBox(Rule):
    """LRP-z^B: `R_x = x ⊙ Wᵀs − l ⊙ W⁺ᵀs − h ⊙ W⁻ᵀs`, for the layer that reads the pixels (Montavon 2017, equation 15).

    `s = R / st(z − (W⁺l + b⁺) − (W⁻h + b⁻))`, with the bounds l and h of the input.

    Parameters
    ----------
    low : float or Tensor, default 0.0
        Lower bound l of the input; a tensor broadcasts to one sample of it.
    high : float or Tensor, default 1.0
        Upper bound h of the input, likewise.
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    zero_params : str or tuple of str, optional
        Has no effect: the biases cancel.

    Raises
    ------
    InputError
        A bound is no finite number or tensor, `low` is above `high`, or a bound does not fit the input.

    Examples
    --------
    >>> ZBox(low=-2.1, high=2.6)
    ZBox(low=-2.1, high=2.6, stabilizer=1e-06, zero_params=None)
    """

    low: Bound = 0.0
    high: Bound = 1.0
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    states_relevance: ClassVar[bool] = True
    formula: ClassVar[str] = "x ⊙ Wᵀs − l ⊙ W⁺ᵀs − h ⊙ W⁻ᵀs,  s = R / st(z − (W⁺l + b⁺) − (W⁻h + b⁻))"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds(type(self).__name__, self.low, self.high)

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        low, high = expand_bound(self.low, x), expand_bound(self.high, x)
        edge = layer.forward(low, layer.positive) + layer.forward(high, layer.negative)
        return (Branch(without_bias(layer, y) - edge),)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, r)
        through, above, below = layer.transpose_each(s, layer.weight, layer.positive, layer.negative)
        return x * through - expand_bound(self.low, x) * above - expand_bound(self.high, x) * below


def check_bounds(owner: str, low: Bound, high: Bound) -> None:
    """Refuse bounds that are not finite, or of which the lower is above the upper one."""
    for name, bound in (("low", low), ("high", high)):
        if not _is_finite(bound):
            raise InputError(f"{owner}({name}={bound!r}): expected a finite number or tensor, a bound of the input")
    try:
        above = low > high
    except RuntimeError as error:
        raise InputError(f"{owner}: expected bounds of one shape and device, got {low!r} and {high!r}") from error
    if bool(above.any()) if isinstance(above, Tensor) else above:
        raise InputError(
            f"{owner}(low={low!r}, high={high!r}): expected a low that is nowhere above high, the bounds of the input"
        )


def _is_finite(bound: Bound) -> bool:
    if isinstance(bound, Tensor):
        return bool(bound.isfinite().all())
    return isinstance(bound, Real) and not isinstance(bound, bool) and math.isfinite(bound)


def expand_bound(value: Bound, x: Tensor) -> Tensor:
    """Expand a bound to the shape of one sample; a vector is one sample without a batch dimension."""
    bound, sample = torch.as_tensor(value, dtype=x.dtype, device=x.device), x[:1] if x.dim() > 1 else x
    try:
        return bound.expand_as(sample)
    except RuntimeError as error:
        raise InputError(
            f"a bound of shape {tuple(bound.shape)} does not fit the input {tuple(x.shape)}: expected a number, or a "
            "tensor that broadcasts to one sample, such as (channels, 1, 1) for images"
        ) from error
