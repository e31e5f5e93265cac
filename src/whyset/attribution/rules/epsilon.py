from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing, without_bias


@dataclass(frozen=True)
class Epsilon(Rule):
    """LRP-ε: `R_x = x ⊙ Wᵀ(R / st(Wx + b))` (Bach 2015, equation 58); `epsilon=0` is LRP-0. The bias takes its share.

    Parameters
    ----------
    epsilon : float or callable, default 1e-6
        Moves denominators away from zero: the ε of a `Stabilizer`, or a callable that returns z stabilized; 0 is LRP-0.
    zero_params : str or tuple of str, optional
        With "bias" the bias counts as zero.

    Raises
    ------
    InputError
        `epsilon` is neither a number of at least 0 nor a callable, or `zero_params` names something else.

    Examples
    --------
    >>> Epsilon(epsilon=0.1)
    Epsilon(epsilon=0.1, zero_params=None)
    """

    epsilon: Stabilizing = 1e-6
    zero_params: str | tuple[str, ...] | None = None

    formula: ClassVar[str] = "x ⊙ Wᵀ(R / st(z))"

    @property
    def stabilizing(self) -> Stabilizing:
        return self.epsilon

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        bias = self.select_bias(layer, self.zero_params)
        if bias is None and layer.bias is not None:
            return (Branch(without_bias(layer, y)),)
        return (Branch(y, 0.0 if bias is None else bias, sign=int(layer.rectified), keep=True),)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        (s,) = self.shares(layer, x, y, y, times=c)
        return layer.transpose(s, layer.weight)
