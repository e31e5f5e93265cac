from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing


@dataclass(frozen=True)
class WSquare(Rule):
    """LRP-w²: `R_x = (W²)ᵀ(R / st(W²·1 + b²))`, relevance by squared weight, for any input (Montavon 2017).

    Parameters
    ----------
    stabilizer : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero.

    Examples
    --------
    >>> WSquare()
    WSquare(stabilizer=1e-06, zero_params=None)
    """

    stabilizer: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    states_relevance: ClassVar[bool] = True
    formula: ClassVar[str] = "(W²)ᵀ(R / st(W²·1 + b²))"

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        z, bias = (
            layer.forward(torch.ones_like(x[:1]), layer.weight.square()),
            self.select_bias(layer, self.zero_params),
        )
        return (Branch(z) if bias is None else Branch(z + bias.square(), bias.square()),)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, r)
        return layer.transpose(s, layer.weight.square())
