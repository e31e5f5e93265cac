from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing


@dataclass(frozen=True)
class Flat(Rule):
    """LRP-flat: `R_x = 1ᵀ(R / st(1·1))`, relevance spread evenly over the receptive field (Lapuschkin 2019).

    All weights count as 1, and the bias as 0.

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.

    Examples
    --------
    >>> Flat()
    Flat(stabilizer=1e-06)
    """

    stabilizer: Stabilizing = 1e-6

    states_relevance: ClassVar[bool] = True
    formula: ClassVar[str] = "1ᵀ(R / st(1·1))"

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        return (Branch(layer.forward_ones(x)),)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, r)
        return layer.transpose_ones(s)
