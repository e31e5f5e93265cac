from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias


@dataclass(frozen=True)
class ZPlus(Rule):
    """LRP-z⁺: `R_x = x⁺ ⊙ W⁺ᵀs + x⁻ ⊙ W⁻ᵀs`, `s = R / st(W⁺x⁺ + W⁻x⁻ + b⁺)` (Bach 2015, Montavon 2017).

    It equals AlphaBeta(1, 0).

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero.

    Examples
    --------
    >>> ZPlus(zero_params="bias")
    ZPlus(stabilizer=1e-06, zero_params='bias')
    """

    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    formula: ClassVar[str] = "x⁺ ⊙ W⁺ᵀs + x⁻ ⊙ W⁻ᵀs,  s = R / st(W⁺x⁺ + W⁻x⁻ + b⁺)"

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        bias = clamp_bias(self.select_bias(layer, self.zero_params), min=0)
        return (Branch(positive_sum(layer, x, y, bias), 0.0 if bias is None else bias, sign=1),)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, y, times=c)
        return positive_transpose(layer, x, s)


def clamp_bias(bias: Tensor | None, **limits: float) -> Tensor | None:
    """Clamp a bias; None without a bias."""
    return None if bias is None else bias.clamp(**limits)


def positive_sum(layer: Layer, x: Tensor, y: Tensor, bias: Tensor | None) -> Tensor:
    """Return the sum of positive contributions `P = W⁺x⁺ + W⁻x⁻` of `y = Wx + b`, plus a bias, with one product.

    Without negative x it is `W⁺x`; otherwise `P = (Wx + |W||x|) / 2`, which loses digits where P is much smaller
    than |Wx|.
    """
    if layer.nonnegative:
        return layer.forward(x, layer.positive, bias)
    positive = layer.forward(x.abs(), layer.absolute).add_(without_bias(layer, y)).div_(2).clamp_(min=0)
    return positive if bias is None else positive.add_(bias)


def positive_transpose(layer: Layer, x: Tensor, s: Tensor) -> Tensor:
    """Send `s` back through `W⁺` where x ≥ 0 and through `W⁻` where x < 0.

    It is not computed as `(Wᵀs ± |W|ᵀs) / 2`, which costs the same: s is large where the positive sum is small, and the
    difference of two large numbers is noise.
    """
    if layer.nonnegative:
        return layer.transpose(s, layer.positive)
    where_positive, where_negative = layer.transpose_each(s, layer.positive, layer.negative)
    return torch.where(x >= 0, where_positive, where_negative)
