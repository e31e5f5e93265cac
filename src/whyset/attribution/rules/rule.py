"""What every rule for linear operations is: a map from the coefficient behind the operation to the one in front of "
"it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from whyset.attribution.rules.stabilizer import ratio, stabilizer
from whyset.errors import InputError

Stabilizing = float | Callable[[Tensor], Tensor]


class Layer(Protocol):
    """A linear operation `y = Wx + b` (linear, convolution, transposed convolution) as a rule sees it.

    `weight` and `bias` are the merged ones where a batch norm follows. `positive` is W⁺, `negative` W⁻, `absolute` |W|,
    each made once per context. `forward(x, weight, bias)` is the operation itself, `transpose(s, weight)` its
    vector-Jacobian product.
    """

    @property
    def weight(self) -> Tensor: ...
    @property
    def bias(self) -> Tensor | None: ...
    @property
    def positive(self) -> Tensor: ...
    @property
    def negative(self) -> Tensor: ...
    @property
    def absolute(self) -> Tensor: ...

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
    def transpose(self, s: Tensor, weight: Tensor) -> Tensor: ...
    def forward_ones(self, like: Tensor) -> Tensor: ...
    def transpose_ones(self, s: Tensor) -> Tensor: ...
    def bias_like(self, bias: Tensor | None) -> Tensor | float: ...


@dataclass(frozen=True)
class Rule:
    """A propagation rule. A subclass defines `coefficient` or, if that is how its formula reads, `relevance`.

    Relevance is `R = x ⊙ c`. A rule that states relevance (`states_relevance`) connects straight to the marked input
    when it is the first linear operation, so that black pixels get their share; elsewhere its relevance is divided by
    x, and what falls on `x = 0` is lost.
    """

    states_relevance: ClassVar[bool] = False
    formula: ClassVar[str] = ""

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        """Give the coefficient in front of the operation, shaped like `x`, from the coefficient `c` behind it, shaped
        like `y`.
        """
        return ratio(self.relevance(layer, x, y, y * c), x)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        """Give the relevance of `x` from the relevance `r` of `y`."""
        return x * self.coefficient(layer, x, y, ratio(r, y))

    def bias(self, layer: Layer, zero_params: str | tuple[str, ...] | None) -> Tensor | None:
        """Give the layer's bias, or None where `zero_params` takes it as zero."""
        return None if zero_params is not None and "bias" in zero_params else layer.bias


def check_stabilizing(rule: object, name: str, value: Any) -> None:
    """Refuse a stabiliser argument that is neither a number nor a callable."""
    if isinstance(value, bool) or not (callable(value) or isinstance(value, (int, float))):
        raise InputError(
            f"{type(rule).__name__}({name}={value!r}): expected a number or a callable that stabilises a tensor"
        )
    stabilizer(value)


def check_zero_params(rule: object, value: str | tuple[str, ...] | None) -> None:
    """Refuse names of parameters that no linear operation has."""
    names = () if value is None else (value,) if isinstance(value, str) else value
    if any(name not in ("weight", "bias") for name in names):
        raise InputError(
            f"{type(rule).__name__}(zero_params={value!r}): expected 'weight', 'bias', a tuple of these, or None"
        )
