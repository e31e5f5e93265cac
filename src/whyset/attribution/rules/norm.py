from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Layer, Rule, Stabilizing, check_stabilizing
from whyset.attribution.rules.stabilizer import ratio, stabilizer


@dataclass(frozen=True)
class Norm(Rule):
    """Relevance in proportion to the contributions: `x ⊙ Wᵀ(R / st(Wx))`, Epsilon without a bias.

    Sums and average pools, the parameter-free linear operations, follow it by themselves: their plain gradient is its
    limit.
    """

    stabilizer: Stabilizing = 1e-6

    formula: ClassVar[str] = "x ⊙ Wᵀ(R / st(Wx))"

    def __post_init__(self) -> None:
        check_stabilizing(self, "stabilizer", self.stabilizer)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        z = y - layer.bias_like(layer.bias)
        return layer.transpose(ratio(c * y, stabilizer(self.stabilizer)(z)), layer.weight)
