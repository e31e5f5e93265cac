"""The base of rules for linear operations, which map the coefficient at the output to that at the input."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from whyset.arguments import TypedFields
from whyset.attribution.rules.stabilizer import Stabilizer, ratio, share_out, share_out_in_place, stabilizer
from whyset.errors import InputError

Stabilizing = float | Callable[[Tensor], Tensor]


class Layer(Protocol):
    """A linear operation `y = Wx + b` (linear, convolution, transposed convolution) as a rule sees it in one backward
    step.

    `weight` and `bias` are the merged ones if a batch norm follows. `positive` is W⁺, `negative` W⁻, `absolute` |W|,
    `strengthen(γ)` W + γW⁺, each computed once per context. `forward(x, weight, bias)` is the operation, by default
    without bias, `transpose(s, weight)` its vector-Jacobian product, `transpose_each` that of one s with several
    weights. `nonnegative` is true if no element of x is negative, as after a ReLU: one product is then enough instead
    of two. `rectified` is true if y has passed a ReLU: y is 0 where the operation returned a negative value, and
    carries no relevance there.
    """

    @property
    def nonnegative(self) -> bool: ...
    @property
    def rectified(self) -> bool: ...
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

    def strengthen(self, gamma: float) -> Tensor: ...
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
    def transpose(self, s: Tensor, weight: Tensor) -> Tensor: ...
    def transpose_each(self, s: Tensor, *weights: Tensor) -> tuple[Tensor, ...]: ...
    def forward_ones(self, like: Tensor) -> Tensor: ...
    def transpose_ones(self, s: Tensor) -> Tensor: ...
    def reshape_bias(self, bias: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Branch:
    """A sum of contributions by which relevance is distributed.

    A rule sends `s = factor · R / st(z)` back to the contributions of the branch, and the bias keeps `s · bias`.

    Parameters
    ----------
    z : Tensor
        The sum, with its part of the bias, shaped like the output of the operation.
    bias : Tensor or float, default 0.0
        The part of the bias in `z`.
    factor : float, default 1.0
        Factor of the branch in the rule.
    sign : int, default 0
        1 if no element of `z` is negative, −1 if none is positive; 0 if neither is known.
    keep : bool, default False
        True if a `z` with a known sign must not be overwritten, as y.
    """

    z: Tensor
    bias: Tensor | float = 0.0
    factor: float = 1.0
    sign: int = 0
    keep: bool = False

    def share(self, r: Tensor, stabilizing: Stabilizing) -> Tensor:
        """Return `s = factor · r / st(z)`."""
        s = share_out(r, self.z, stabilizing)
        return s if self.factor == 1 else s * self.factor


@dataclass(frozen=True)
class Rule(TypedFields):
    """Base of the propagation rules. A subclass defines `coefficient` or, if its formula reads so, `relevance`.

    Relevance is `R = x ⊙ c`. A rule with `states_relevance` returns relevance instead of c. If it is the rule of the
    first linear operation, its relevance goes straight to the marked input, so that black pixels receive their part;
    elsewhere it is divided by x, and relevance at `x = 0` is lost. The ledger accounts by formula for the losses of a
    rule that lists its `branches`.
    """

    states_relevance: ClassVar[bool] = False
    formula: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for name in ("epsilon", "stabilizer"):
            if hasattr(self, name):
                _check_stabilizing(self, name, getattr(self, name))
        _check_zero_params(self, getattr(self, "zero_params", None))

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        """Return the coefficient at the input, shaped like `x`, from `c` at the output, shaped like `y`."""
        return ratio(self.relevance(layer, x, y, y * c), x)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        """Return the relevance of `x` from the relevance `r` of `y`."""
        return x * self.coefficient(layer, x, y, ratio(r, y))

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        """Return the sums of contributions by which this rule distributes relevance."""
        return ()

    def receive(self, r: Tensor) -> Tensor:
        """Return the relevance of the output that the rule distributes, from the relevance that arrives."""
        return r

    def keep_bias(self, layer: Layer, x: Tensor, relevance: Tensor) -> Tensor:
        """Return the part of the relevance of the bias, `s · b` shaped like `y`, that does not go to the inputs."""
        return relevance

    @property
    def stabilizing(self) -> Stabilizing:
        """The stabilizer of the denominators."""
        return getattr(self, "stabilizer", 0.0)

    @cached_property
    def stabilize(self) -> Callable[[Tensor], Tensor]:
        """The stabilizer as a function of the denominators, made once for all layers."""
        return stabilizer(self.stabilizing)

    @property
    def starts_from_relevance(self) -> bool:
        """True if the rule uses c only in the relevance `y ⊙ c`, so that c has no effect where y is 0."""
        return self.states_relevance or type(self).branches is not Rule.branches

    def shares(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor, times: Tensor | None = None) -> Iterator[Tensor]:
        """Yield `s = factor · r / st(z)` of each branch, one at a time, because memory is at its peak here.

        With `times=c` the relevance is `r ⊙ c`; the product is only computed where it is needed.
        """
        branches = list(self.branches(layer, x, y))
        while branches:
            yield _share(r, times, branches.pop(0), self.stabilize)  # a variable would keep the memory of the branch

    def select_bias(self, layer: Layer, zero_params: str | tuple[str, ...] | None) -> Tensor | None:
        """Return the bias of the layer shaped like the output; None without a bias, or if `zero_params` excludes it."""
        if layer.bias is None or (zero_params is not None and "bias" in zero_params):
            return None
        return layer.reshape_bias(layer.bias)


def without_bias(layer: Layer, y: Tensor) -> Tensor:
    """Return `Wx` from `y = Wx + b`."""
    return y if layer.bias is None else y - layer.reshape_bias(layer.bias)


def _share(r: Tensor, times: Tensor | None, branch: Branch, stabilize: Callable[[Tensor], Tensor]) -> Tensor:
    # A subclass of Stabilizer may compute something else, so only Stabilizer itself is replaced by the fast path.
    plain = type(stabilize) is Stabilizer and not stabilize.may_vanish
    if torch.is_grad_enabled() or not isinstance(stabilize, Stabilizer) or not plain or not branch.factor:
        return branch.share(r if times is None else r * times, stabilize)
    s = share_out_in_place(r, branch.z, stabilize, branch.sign, branch.factor, branch.keep)
    return s if times is None else s.mul_(times)


def _check_stabilizing(rule: object, name: str, value: Any) -> None:
    """Check that a stabilizer is a number or a callable."""
    if isinstance(value, bool) or not (callable(value) or isinstance(value, (int, float))):
        raise InputError(
            f"{type(rule).__name__}({name}={value!r}): expected a number or a callable that stabilizes a tensor"
        )
    stabilizer(value)


def _check_zero_params(rule: object, value: str | tuple[str, ...] | None) -> None:
    """Check the names of parameters."""
    names = () if value is None else value if isinstance(value, tuple | list) else (value,)
    if any(not isinstance(name, str) or name != "bias" for name in names):
        raise InputError(
            f"{type(rule).__name__}(zero_params={value!r}): expected 'bias', ('bias',) or None; with weights of zero, "
            "no relevance would be left"
        )
