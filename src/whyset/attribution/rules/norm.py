from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias


@dataclass(frozen=True)
class Norm(Rule):
    """LRP in proportion to the contributions: `R_x = x ⊙ Wᵀ(R / st(Wx))`, Epsilon without a bias.

    Sums and average pools, the linear operations without parameters, need no rule: their plain gradient is its limit.

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    """

    stabilizer: Stabilizing = 1e-6

    formula: ClassVar[str] = "x ⊙ Wᵀ(R / st(Wx))"

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        return (Branch(without_bias(layer, y)),)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, y, times=c)
        return layer.transpose(s, layer.weight)
