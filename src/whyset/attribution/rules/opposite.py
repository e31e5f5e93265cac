from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer
from whyset.attribution.rules.wrapped import WrappedRule


@dataclass(frozen=True)
class Opposite(WrappedRule):
    """Another rule for the operation with negated weights, the dual unit of a contrast (Zhang 2016; Gu 2018).

    The relevance of the output stays as it is: by `Opposite(ZPlus())`, it goes to the inputs that inhibit the output.

    Parameters
    ----------
    rule : Rule
        The other rule. For one that does not depend on the sign of the weights, such as Epsilon, nothing changes.

    Raises
    ------
    InputError
        `rule` is not a rule.

    Examples
    --------
    >>> from whyset.attribution.rules import ZPlus
    >>> Opposite(ZPlus()).rule
    ZPlus(stabilizer=1e-06, zero_params=None)
    """

    formula: ClassVar[str] = "the other rule, of −W and −b"

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        return self.rule.branches(_Negated(layer), x, -y)

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        return self.rule.coefficient(_Negated(layer), x, -y, -c)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        return self.rule.relevance(_Negated(layer), x, -y, r)


class _Negated:
    """A linear operation with the weight −W and the bias −b."""

    rectified = False

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.forward, self.transpose, self.transpose_each = layer.forward, layer.transpose, layer.transpose_each
        self.forward_ones, self.transpose_ones = layer.forward_ones, layer.transpose_ones
        self.reshape_bias = layer.reshape_bias

    @property
    def nonnegative(self) -> bool:
        return self._layer.nonnegative

    @property
    def weight(self) -> Tensor:
        return -self._layer.weight

    @property
    def bias(self) -> Tensor | None:
        return None if self._layer.bias is None else -self._layer.bias

    @property
    def positive(self) -> Tensor:
        return -self._layer.negative

    @property
    def negative(self) -> Tensor:
        return -self._layer.positive

    @property
    def absolute(self) -> Tensor:
        return self._layer.absolute

    def strengthen(self, gamma: float) -> Tensor:
        return -(self._layer.weight + gamma * self._layer.negative)
