"""The recorder of a ledger: relevance in and out of every operation, and the cause of every difference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from whyset.attribution.intercept.layers import LinearLayer
from whyset.attribution.ledger import Cause, LedgerRow
from whyset.attribution.rules import Rule

Losses = Callable[[Tensor, Tensor, Sequence[Tensor]], dict[Cause, float]]

_NONLINEAR = frozenset(
    "softmax _softmax log_softmax special_softmax special_log_softmax softmin logsumexp logcumsumexp "
    "scaled_dot_product_attention".split()
)
_ADDING = frozenset(
    "add sub subtract rsub addmm baddbmm addbmm addmv addr addcmul addcdiv where masked_fill masked_scatter cat "
    "concat concatenate "
    "stack hstack vstack dstack maximum minimum fmax fmin lerp pad constant_pad_nd scatter scatter_add index_add "
    "index_put "
    "copy setitem hypot batch_norm".split()
)


def total(a: Tensor, b: Tensor) -> float:
    """Return the sum of a product in double precision; for complex numbers `Re(conj(a) · b)`."""
    if a.is_complex() or b.is_complex():
        return float((a.to(torch.complex128).conj() * b.to(torch.complex128)).real.sum())
    return float((a.double() * b.double()).sum())


@dataclass
class Entry:
    """The recorded relevance of one operation."""

    module: str
    operation: str
    rule: str
    cause: Cause
    relevance_in: float = 0.0
    relevance_out: float = 0.0
    conserving: bool = False
    causes: dict[Cause, float] = field(default_factory=dict)

    def row(self, index: int) -> LedgerRow:
        out = self.relevance_in if self.conserving else self.relevance_out
        causes = {cause: amount for cause, amount in self.causes.items() if amount}
        rest = self.relevance_in - out - sum(causes.values())
        if rest:
            causes[self.cause] = causes.get(self.cause, 0.0) + rest
        return LedgerRow(index, self.module, self.operation, self.rule, self.relevance_in, out, causes)


@dataclass
class Recorder:
    """The entries of one forward pass, filled in by its backward pass."""

    entries: dict[int, Entry] = field(default_factory=dict)

    def open(self, index: int, module: str, operation: str, rule: Rule | None) -> None:
        cause = (
            Cause.NONLINEARITY if operation in _NONLINEAR else Cause.CONSTANT if operation in _ADDING else Cause.UNKNOWN
        )
        cause = Cause.BIAS if operation == "batch_norm" else cause
        self.entries[index] = Entry(module, operation, "-" if rule is None else type(rule).__name__, cause)

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

    def losing(self, index: int, causes: dict[Cause, float]) -> None:
        known = self.entries[index].causes
        for cause, amount in causes.items():
            known[cause] = known.get(cause, 0.0) + amount

    def rows(self) -> tuple[LedgerRow, ...]:
        """Return a row for every operation that relevance has passed."""
        reached = (
            (index, entry) for index, entry in sorted(self.entries.items()) if entry.relevance_in or entry.relevance_out
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
