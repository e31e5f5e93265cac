import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias
from whyset.errors import InputError


@dataclass(frozen=True)
class Gamma(Rule):
    """LRP-γ: `R_x = x ⊙ (1 + γ/2)Wᵀs + |x| ⊙ (γ/2)|W|ᵀ(s sign z)`, for inputs of any sign (Montavon 2019; Andéol 2021).

    With P the sum of the positive contributions and N that of the negative ones, `s = R / st(z + γP)` where `z > 0` and
    `R / st(z + γN)` where `z < 0`: contributions of z's own sign count `1 + γ` times. Between two ReLUs this is `R_x =
    x ⊙ (W + γW⁺)ᵀs`. `gamma=0` is Epsilon.

    Parameters
    ----------
    gamma : float, default 0.25
        Additional weight of the contributions of z's own sign, at least 0.
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero.

    Raises
    ------
    InputError
        `gamma` is negative or not finite, or another value does not fit.

    Examples
    --------
    >>> Gamma(gamma=0.5)
    Gamma(gamma=0.5, stabilizer=1e-06, zero_params=None)
    """

    gamma: float = 0.25
    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    formula: ClassVar[str] = "x ⊙ (1 + γ/2)Wᵀs + |x| ⊙ (γ/2)|W|ᵀ(s sign z),  s = R / st(z + γ(P or N))"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.gamma < math.inf:
            raise InputError(f"Gamma(gamma={self.gamma!r}): expected a finite number that is not negative")

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        bias = self.select_bias(layer, self.zero_params)
        if self._is_one_product(layer):
            kept = None if bias is None else bias.clamp(min=0).mul_(self.gamma).add_(bias)
            z = layer.forward(x, layer.strengthen(self.gamma), kept).clamp_(min=0)
            return (Branch(z, 0.0 if kept is None else kept, sign=1),)
        strengthened = self._strengthen(layer, x, y)
        if bias is None:
            return (Branch(strengthened),)
        kept = torch.where(y > 0, bias.clamp(min=0), bias.clamp(max=0)).mul_(self.gamma).add_(bias)
        return (Branch(strengthened.add_(kept), kept),)

    def _is_one_product(self, layer: Layer) -> bool:
        """Check if the rule is `R_x = x ⊙ (W + γW⁺)ᵀs`, as between two ReLUs.

        No x is negative, and outputs with z < 0 carry no relevance.
        """
        kept = layer.bias is None or self.select_bias(layer, self.zero_params) is not None
        return layer.rectified and layer.nonnegative and kept

    def _strengthen(self, layer: Layer, x: Tensor, y: Tensor) -> Tensor:
        """Return `z + γP` where the sign is positive and `z + γN` where it is negative, with `z = Wx`."""
        z, magnitude = without_bias(layer, y), x if layer.nonnegative else x.abs()
        own = layer.forward(magnitude, layer.absolute).mul_(self._sign(layer, y)).add_(z).div_(2)  # P or N
        return own.mul_(self.gamma).add_(z)

    def _sign(self, layer: Layer, y: Tensor) -> Tensor:
        """Return the sign of the output that is shared: of y, or of `Wx` if the bias counts as zero.

        With the sign of y, the denominator `Wx + γN` of a positive Wx below a negative bias can be anything near 0.
        """
        return y.sign() if self.select_bias(layer, self.zero_params) is not None else without_bias(layer, y).sign()

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, y, times=c)
        if self._is_one_product(layer):
            return layer.transpose(s, layer.strengthen(self.gamma))
        plain = layer.transpose(s, layer.weight).mul_(1 + self.gamma / 2)
        sign = self._sign(layer, y)
        s = s * sign if torch.is_grad_enabled() else s.mul_(sign)
        absolute = layer.transpose(s, layer.absolute)
        if not layer.nonnegative:
            absolute = torch.where(x >= 0, absolute, -absolute)
        return plain.add_(absolute, alpha=self.gamma / 2)
