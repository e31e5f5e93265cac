"""The recorder of a ledger: relevance in and out of every operation, and the cause of every difference."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.layers import LinearLayer
from whyset.attribution.intercept.operations import Loss
from whyset.attribution.ledger import Cause, LedgerRow
from whyset.attribution.rules import Rule

Losses = Callable[[Tensor, Tensor, Sequence[Tensor]], dict[Cause, float]]
Rounding = Callable[[Tensor, Tensor, Sequence[Tensor]], float]


@dataclass(frozen=True)
class Flow:
    """Relevance that passes one place: its sum, the largest magnitude of an element, and the error of rounding.

    `rounding` is the standard deviation of the sum if each element is off by the precision of its dtype, independently,
    plus the same error of the sum, for what all elements share (Higham and Mary 2019, on rounding as random errors).
    """

    total: float = 0.0
    largest: float = 0.0
    rounding: float = 0.0

    def __add__(self, other: "Flow") -> "Flow":
        largest = max(self.largest, other.largest)
        return Flow(self.total + other.total, largest, math.hypot(self.rounding, other.rounding))


def measure(relevance: Tensor) -> Flow:
    """Return the flow of a tensor of relevance."""
    return _measure(relevance.double(), _get_spacing(relevance), relevance.dtype)


def measure_product(a: Tensor, b: Tensor) -> Flow:
    """Return the flow of the relevance `a · b`."""
    product = _multiply(a, b)
    errors = torch.where(product == 0, 0, a.abs() * _get_spacing(b) + b.abs() * _get_spacing(a))
    return _measure(product, errors, a.dtype, b.dtype)


def _measure(relevance: Tensor, errors: Tensor, *dtypes: torch.dtype) -> Flow:
    if not relevance.numel():
        return Flow()
    total = float(relevance.sum())
    shared = max(torch.finfo(dtype).eps for dtype in dtypes) * abs(total)
    return Flow(total, float(relevance.abs().max()), float(errors.norm()) + shared)


def _get_spacing(t: Tensor) -> Tensor:
    """Return the distance of each number to the next one of its dtype, at most; 0 for integers."""
    if not (t.is_floating_point() or t.is_complex()):
        return torch.zeros_like(t, dtype=torch.float64)
    known = torch.finfo(t.dtype)
    return known.eps * t.abs().double().clamp(min=known.smallest_normal)


def total(a: Tensor, b: Tensor) -> float:
    """Return the sum of a product in double precision; for complex numbers `Re(conj(a) · b)`."""
    return float(_multiply(a, b).sum())


def _multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return a product in double precision, where 0 times infinity is 0: a masked score has no relevance."""
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    product = (a.to(wide).conj() * b.to(wide)).real
    return torch.where((a == 0) | (b == 0), 0, product)


def plain_losses(call: Call, c: Tensor) -> dict[Cause, float]:
    """Return the losses of an operation with its plain gradient, by formula, from c at its output.

    Constants keep `c · f(0)` in an affine operation. In one that is homogeneous of degree one in all arguments together
    they keep `t · ∂f/∂t`: by Euler's theorem the shares of all sum to the value. A softmax and its logarithm keep what
    their derivative does not carry.
    """
    loss = call.operation.loss
    if loss in (Loss.CONSTANT, Loss.BIAS):
        cause = Cause.BIAS if loss is Loss.BIAS else Cause.CONSTANT
        zero = call.map_tensors(lambda t: torch.zeros_like(t) if call.depends(t) else t).run()
        return {cause: total(c, zero)}
    if loss is Loss.HOMOGENEOUS:
        return {Cause.CONSTANT: _homogeneous_share(call, c)}
    derivative = _DERIVATIVES.get(loss)
    if derivative is None or len(call.dependents) != 1:
        return {}
    x, y = call.dependents[0].detach(), call.map_tensors(lambda t: t.detach()).run()
    dim = call.argument(1, "dim")
    return {Cause.NONLINEARITY: total(c, y) - total(x, derivative(c, y, x, dim, call))}


def constant_loss(call: Call, r: Tensor) -> dict[Cause, float]:
    """Return the relevance that a rule states for constants, such as padding, from that of the output of a call.

    `f(1) − f(0)` is 1 where the output is an element of the input and 0 where it is a constant.
    """
    one, zero = call.map_tensors(torch.ones_like).run(), call.map_tensors(torch.zeros_like).run()
    return {Cause.CONSTANT: total(r, 1 - (one - zero))}


def _homogeneous_share(call: Call, c: Tensor) -> float:
    constants = {id(t): t for t in call.tensors if not call.depends(t) and t.is_floating_point()}
    leaves = {key: t.detach().clone().requires_grad_() for key, t in constants.items()}
    if not leaves:
        return 0.0
    with torch.enable_grad():
        y = call.map_tensors(lambda t: leaves.get(id(t), t.detach())).run()
        gradients = torch.autograd.grad(y, list(leaves.values()), c)
    return sum(total(t, g) for t, g in zip(leaves.values(), gradients, strict=True))


def softmax_gradient(c: Tensor, y: Tensor, dim: int | tuple[int, ...]) -> Tensor:
    """Return the gradient at the input of a softmax, from c at its output y."""
    g = c * y
    return g - y * g.sum(dim, keepdim=True)


def _of_softmax(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    return softmax_gradient(c, y, dim)


def _of_log_softmax(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    return c - y.exp() * c.sum(dim, keepdim=True)


def _of_logsumexp(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    if not call.argument(2, "keepdim", False):
        for d in sorted(d % x.dim() for d in ((dim,) if isinstance(dim, int) else dim)):
            c, y = c.unsqueeze(d), y.unsqueeze(d)
    return c * (x - y).exp()


_DERIVATIVES: Mapping[Loss, Callable[[Tensor, Tensor, Tensor, Any, Call], Tensor]] = MappingProxyType(
    {
        Loss.SOFTMAX: _of_softmax,
        Loss.SOFTMIN: lambda c, y, x, dim, call: -_of_softmax(c, y, x, dim, call),
        Loss.LOG_SOFTMAX: _of_log_softmax,
        Loss.LOGSUMEXP: _of_logsumexp,
        Loss.EXP: lambda c, y, x, dim, call: c * y,
    }
)


@dataclass
class Entry:
    """The recorded relevance of one operation."""

    module: str
    operation: str
    rule: str
    arrived: Flow = Flow()
    left: Flow = Flow()
    conserving: bool = False
    rounding: float = 0.0
    largest_gradient: float = 0.0
    causes: dict[Cause, float] = field(default_factory=dict)

    def row(self, index: int) -> LedgerRow:
        arrived, left = self.arrived, self.arrived if self.conserving else self.left
        causes = {cause: amount for cause, amount in self.causes.items() if amount}
        rest = arrived.total - left.total - sum(causes.values())
        if rest:
            causes[Cause.UNKNOWN] = causes.get(Cause.UNKNOWN, 0.0) + rest
        return LedgerRow(
            index,
            self.module,
            self.operation,
            self.rule,
            arrived.total,
            left.total,
            causes,
            arrived.largest,
            left.largest,
            self.largest_gradient,
            math.hypot(arrived.rounding, left.rounding, self.rounding),
        )


@dataclass
class Recorder:
    """The entries of one forward pass, filled in by its backward pass."""

    entries: dict[int, Entry] = field(default_factory=dict)

    def open(self, index: int, module: str, operation: str, rule: Rule | None) -> None:
        self.entries[index] = Entry(module, operation, "-" if rule is None else type(rule).__name__)

    def add_arrived(self, index: int, flow: Flow) -> None:
        """Record relevance that came in."""
        self.entries[index].arrived += flow

    def leaving(self, index: int, flow: Flow) -> None:
        """Record relevance that went out along one edge."""
        self.entries[index].left += flow

    def add_gradient(self, index: int, largest: float) -> None:
        """Record the largest magnitude of output times gradient, with which relevance is compared."""
        self.entries[index].largest_gradient = max(self.entries[index].largest_gradient, largest)

    def rounding(self, index: int, error: float) -> None:
        """Record an error of rounding inside an operation, independent of those at its output and inputs."""
        entry = self.entries[index]
        entry.rounding = math.hypot(entry.rounding, error)

    def losing(self, index: int, causes: dict[Cause, float]) -> None:
        known = self.entries[index].causes
        for cause, amount in causes.items():
            known[cause] = known.get(cause, 0.0) + amount

    def rows(self) -> tuple[LedgerRow, ...]:
        """Return a row for every operation that relevance has passed."""
        reached = (
            (index, entry) for index, entry in sorted(self.entries.items()) if entry.arrived.total or entry.left.total
        )
        return tuple(entry.row(index) for index, entry in reached)


def rule_losses(rule: Rule, layer: LinearLayer, stated: bool) -> Losses:
    """Return the losses of a rule by formula: the bias keeps `s · b`, a stabilizer `R − s · z` of each branch."""

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        x, r, here = xs[0], c * y, layer.at(xs[0])
        branches = rule.branches(here, x, y)
        causes = dict.fromkeys((Cause.BIAS, Cause.STABILIZER, Cause.RULE, Cause.ZERO), 0.0)
        empty = Cause.RULE if len(branches) > 1 else Cause.ZERO
        for branch in branches:
            s = branch.share(r, rule.stabilizing)
            z, bias = branch.z.expand_as(r), torch.as_tensor(branch.bias).to(r).expand_as(r)
            rest = branch.factor * r.double() - s.double() * z.double()
            causes[Cause.BIAS] += total(s, bias)
            causes[Cause.STABILIZER] += float(rest[z != 0].sum())
            causes[empty] += float(rest[z == 0].sum())
        if rule.states_relevance and not stated:
            causes[Cause.ZERO] += float(rule.relevance(here, x, y, r).expand_as(x)[x == 0].double().sum())
        return causes

    return losses


def rule_rounding(rule: Rule, layer: LinearLayer, dtype: torch.dtype) -> Rounding:
    """Return the error of rounding inside a rule, from the dtype of y.

    The sum z of a branch may be computed as a difference of sums as large as y (see `positive_sum`), so that it is off
    by their precision, and `s · z` with it.
    """
    eps = torch.finfo(dtype).eps

    def rounding(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> float:
        r, branches = c * y, rule.branches(layer.at(xs[0]), xs[0], y)
        errors = [branch.share(r, rule.stabilizing).double() * (branch.z.abs() + y.abs()) for branch in branches]
        return eps * math.hypot(*(float(error.norm()) for error in errors))

    return rounding
