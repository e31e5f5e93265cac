"""The recorder of a ledger: relevance in and out of every operation, and the cause of every difference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.layers import LinearLayer
from whyset.attribution.ledger import BiasMap, Cause, LedgerRow
from whyset.attribution.rules import Rule


@dataclass(frozen=True, eq=False)
class AtBias:
    """The relevance that a bias keeps at each element of the output, and the dimension of the output's channels."""

    relevance: Tensor
    channel_dim: int = 1


Amounts = Mapping[Cause, float | AtBias]
"""Losses by cause, as totals or at each element."""
Losses = Callable[[Tensor, Tensor, Sequence[Tensor]], Amounts]

_AFFINE = frozenset(
    "add sub subtract rsub addmm baddbmm addbmm addmv addr where masked_fill masked_scatter cat concat concatenate "
    "stack hstack vstack dstack pad constant_pad_nd scatter scatter_add index_add index_put batch_norm "
    "complex".split()
)
_HOMOGENEOUS = frozenset("maximum minimum max min fmax fmin hypot cdist".split())
"""Homogeneous of degree one in all arguments together: by Euler's theorem the shares of all sum to the value."""


def total(a: Tensor, b: Tensor) -> float:
    """Return the sum of a product in double precision; for complex numbers `Re(conj(a) · b)`.

    0 times infinity is 0: a masked score has no relevance.
    """
    return float(multiply(a, b).sum())


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of each element, as `total` sums it."""
    wide = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    product = (a.to(wide).conj() * b.to(wide)).real
    return torch.where((a == 0) | (b == 0), 0, product)


def has_formula(name: str) -> bool:
    """Check if `plain_losses` knows a formula for an operation."""
    return name in _AFFINE or name in _HOMOGENEOUS or name in _DERIVATIVES


def plain_losses(call: Call, c: Tensor) -> Amounts:
    """Return the losses of an operation with its plain gradient, by formula, from c at its output.

    Constants keep `c · f(0)` in an affine operation and `t · ∂f/∂t` in a homogeneous one; a softmax and its logarithm
    keep what their derivative does not carry.
    """
    if call.name in _AFFINE:
        zero = call.map_tensors(lambda t: torch.zeros_like(t) if call.depends(t) else t).run()
        return (
            {Cause.BIAS: AtBias(multiply(c, zero))} if call.name == "batch_norm" else {Cause.CONSTANT: total(c, zero)}
        )
    if call.name in _HOMOGENEOUS:
        return {Cause.CONSTANT: _homogeneous_share(call, c)}
    derivative = _DERIVATIVES.get(call.name)
    if derivative is None or len(call.dependents) != 1:
        return {}
    x, y = call.dependents[0].detach(), call.map_tensors(lambda t: t.detach()).run()
    dim = call.argument(1, "dim")
    return {Cause.NONLINEARITY: total(c, y) - total(x, derivative(c, y, x, dim, call))}  # type: ignore[no-untyped-call]


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
    g = softmax_gradient(c, y, dim)
    return -g if call.name == "softmin" else g


def _of_log_softmax(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    return c - y.exp() * c.sum(dim, keepdim=True)


def _of_logsumexp(c: Tensor, y: Tensor, x: Tensor, dim: int, call: Call) -> Tensor:
    if not call.argument(2, "keepdim", False):
        for d in sorted(d % x.dim() for d in ((dim,) if isinstance(dim, int) else dim)):
            c, y = c.unsqueeze(d), y.unsqueeze(d)
    return c * (x - y).exp()


_DERIVATIVES = MappingProxyType(
    {
        **dict.fromkeys(("softmax", "_softmax", "special_softmax", "softmin"), _of_softmax),
        **dict.fromkeys(("log_softmax", "_log_softmax", "special_log_softmax"), _of_log_softmax),
        "logsumexp": _of_logsumexp,
        "exp": lambda c, y, x, dim, call: c * y,  # of a log-softmax
    }
)


@dataclass
class Entry:
    """The recorded relevance of one operation."""

    module: str
    operation: str
    rule: str
    relevance_in: float = 0.0
    relevance_out: float = 0.0
    conserving: bool = False
    causes: dict[Cause, float] = field(default_factory=dict)

    def row(self, index: int) -> LedgerRow:
        out = self.relevance_in if self.conserving else self.relevance_out
        causes = {cause: amount for cause, amount in self.causes.items() if amount}
        rest = self.relevance_in - out - sum(causes.values())
        if rest:
            causes[Cause.UNKNOWN] = causes.get(Cause.UNKNOWN, 0.0) + rest
        return LedgerRow(index, self.module, self.operation, self.rule, self.relevance_in, out, causes)


@dataclass
class Recorder:
    """The entries of one forward pass, filled in by its backward pass; `bias_maps` is None if they are not recorded."""

    entries: dict[int, Entry] = field(default_factory=dict)
    bias_maps: dict[int, AtBias] | None = None

    def open(self, index: int, module: str, operation: str, rule: Rule | None) -> None:
        self.entries[index] = Entry(module, operation, "-" if rule is None else type(rule).__name__)

    def arriving(self, index: int, y: Tensor) -> Callable[[Tensor], None]:
        """Return a hook for the output y of an operation, which records the relevance in."""
        value = y.detach().clone()  # the model may write into y before backward runs

        def hook(c: Tensor) -> None:
            self.add_arrived(index, total(value, c))

        return hook

    def add_arrived(self, index: int, relevance: float) -> None:
        """Record relevance that came in."""
        self.entries[index].relevance_in += relevance

    def leaving(self, index: int, relevance: float) -> None:
        """Record relevance that went out along one edge."""
        self.entries[index].relevance_out += relevance

    def losing(self, index: int, causes: Amounts) -> None:
        known = self.entries[index].causes
        for cause, amount in causes.items():
            whole = float(amount.relevance.sum()) if isinstance(amount, AtBias) else amount
            known[cause] = known.get(cause, 0.0) + whole
            if self.bias_maps is not None and isinstance(amount, AtBias):
                before = self.bias_maps.get(index)
                self.bias_maps[index] = (
                    amount if before is None else replace(amount, relevance=before.relevance + amount.relevance)
                )

    def rows(self) -> tuple[LedgerRow, ...]:
        """Return a row for every operation that relevance has passed."""
        reached = (
            (index, entry) for index, entry in sorted(self.entries.items()) if entry.relevance_in or entry.relevance_out
        )
        return tuple(entry.row(index) for index, entry in reached)

    def list_bias_maps(self) -> tuple[BiasMap, ...]:
        """Return the relevance that biases keep, in order of execution."""
        entries = self.entries
        return tuple(
            BiasMap(index, entries[index].module, entries[index].operation, kept.relevance, kept.channel_dim)
            for index, kept in sorted((self.bias_maps or {}).items())
        )


def rule_losses(rule: Rule, layer: LinearLayer, stated: bool) -> Losses:
    """Return the losses of a rule by formula: the bias keeps `s · b`, a stabilizer `R − s · z` of each branch."""

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> Amounts:
        x, r, here = xs[0], c * y, layer.at(xs[0])
        branches = rule.branches(here, x, y)
        causes = dict.fromkeys((Cause.STABILIZER, Cause.RULE, Cause.ZERO), 0.0)
        at_bias = torch.zeros_like(r, dtype=torch.float64)
        empty = Cause.RULE if len(branches) > 1 else Cause.ZERO
        for branch in branches:
            s = branch.share(r, rule.stabilizing)
            z, bias = branch.z.expand_as(r), torch.as_tensor(branch.bias).to(r).expand_as(r)
            rest = branch.factor * r.double() - s.double() * z.double()
            at_bias += multiply(s, bias)
            causes[Cause.STABILIZER] += float(rest[z != 0].sum())
            causes[empty] += float(rest[z == 0].sum())
        if rule.states_relevance and not stated:
            causes[Cause.ZERO] += float(rule.relevance(here, x, y, r).expand_as(x)[x == 0].double().sum())
        if layer.bias is None:
            return causes
        return {Cause.BIAS: AtBias(rule.keep_bias(here, x, at_bias), layer.channel_dim), **causes}

    return losses
