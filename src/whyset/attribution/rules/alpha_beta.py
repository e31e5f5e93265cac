from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias
from whyset.attribution.rules.z_plus import clamp_bias, positive_sum, positive_transpose
from whyset.errors import InputError


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ: `α[x⁺ ⊙ W⁺ᵀs⁺ + x⁻ ⊙ W⁻ᵀs⁺] − β[x⁺ ⊙ W⁻ᵀs⁻ + x⁻ ⊙ W⁺ᵀs⁻]`, `s± = R / st(z±)` (Bach 2015, equation 60).

    `z⁺` is the sum of the positive contributions and b⁺, `z⁻` that of the negative ones and b⁻.

    Parameters
    ----------
    alpha : float, default 2.0
        Factor of the positive contributions; `alpha − beta` is 1.
    beta : float, default 1.0
        Factor of the negative contributions, at least 0.
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero.

    Raises
    ------
    InputError
        `alpha` or `beta` is negative, or `alpha − beta` is not 1.

    Examples
    --------
    >>> AlphaBeta(alpha=1, beta=0)
    AlphaBeta(alpha=1, beta=0, stabilizer=1e-06, zero_params=None)
    """

    alpha: float = 2.0
    beta: float = 1.0
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    formula: ClassVar[str] = "α[x⁺ ⊙ W⁺ᵀs⁺ + x⁻ ⊙ W⁻ᵀs⁺] − β[x⁺ ⊙ W⁻ᵀs⁻ + x⁻ ⊙ W⁺ᵀs⁻],  s± = R / st(z±)"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.alpha >= 0 and self.beta >= 0 and abs(self.alpha - self.beta - 1) <= 1e-9):
            raise InputError(f"AlphaBeta(alpha={self.alpha!r}, beta={self.beta!r}): expected α, β ≥ 0 and α − β = 1")

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        bias = self.select_bias(layer, self.zero_params)
        up, down = clamp_bias(bias, min=0), clamp_bias(bias, max=0)
        positive = positive_sum(layer, x, y, up)
        activating = Branch(positive, 0.0 if up is None else up, self.alpha, sign=1)
        if self.beta == 0:
            return (activating,)
        # The difference saves a product, and loses digits where it is much smaller than the positive sum.
        negative = ((without_bias(layer, y) if bias is None else y) - positive).clamp_(max=0)
        return activating, Branch(negative, 0.0 if down is None else down, -self.beta, sign=-1)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        shares = self.shares(layer, x, y, y, times=c)
        activating = positive_transpose(layer, x, next(shares))
        return activating if self.beta == 0 else activating.add_(negative_transpose(layer, x, next(shares)))


def negative_transpose(layer: Layer, x: Tensor, s: Tensor) -> Tensor:
    """Send `s` back through `W⁻` where x ≥ 0 and through `W⁺` where x < 0."""
    if layer.nonnegative:
        return layer.transpose(s, layer.negative)
    where_positive, where_negative = layer.transpose_each(s, layer.negative, layer.positive)
    return torch.where(x >= 0, where_positive, where_negative)
