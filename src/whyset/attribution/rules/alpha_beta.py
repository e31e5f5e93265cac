from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias
from whyset.attribution.rules.z_plus import positive_sum, positive_transpose
from whyset.errors import InputError


@dataclass(frozen=True)
class AlphaBeta(Rule):
    """LRP-αβ: `α[x⁺ ⊙ W⁺ᵀs⁺ + x⁻ ⊙ W⁻ᵀs⁺] − β[x⁺ ⊙ W⁻ᵀs⁻ + x⁻ ⊙ W⁺ᵀs⁻]`, `s± = R / st(z±)` (Bach 2015, equation 60).

    `z⁺` holds the positive contributions and b⁺, `z⁻` the negative ones and b⁻; α and β are not negative and `α − β =
    1`.

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
        if self.alpha < 0 or self.beta < 0 or abs(self.alpha - self.beta - 1) > 1e-9:
            raise InputError(f"AlphaBeta(alpha={self.alpha!r}, beta={self.beta!r}): expected α, β ≥ 0 and α − β = 1")

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        bias, positive = self.kept_bias(layer, self.zero_params), positive_sum(layer, x, y)
        up, down = (0.0, 0.0) if bias is None else (bias.clamp(min=0), bias.clamp(max=0))
        if self.beta == 0:
            return (Branch(positive.add_(up), up, self.alpha),)
        # The difference saves a product, and loses digits where it is far below the positive sum.
        negative = (without_bias(layer, y) - positive).clamp_(max=0)
        return Branch(positive.add_(up), up, self.alpha), Branch(negative.add_(down), down, -self.beta)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        shares = self.shares(layer, x, y, c * y)
        activating = positive_transpose(layer, x, next(shares))
        return activating if self.beta == 0 else activating.add_(negative_transpose(layer, x, next(shares)))


def negative_transpose(layer: Layer, x: Tensor, s: Tensor) -> Tensor:
    """Send `s` back through `W⁻` where x ≥ 0 and through `W⁺` where x < 0."""
    c = layer.transpose(s, layer.negative)
    return c if layer.nonnegative else torch.where(x >= 0, c, layer.transpose(s, layer.positive))
