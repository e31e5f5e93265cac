"""The recorder of a ledger: relevance in and out of every operation, and the cause of every difference."""

import math
from dataclasses import dataclass, field, replace

from torch import Tensor

from whyset.attribution.intercept.flow import Flow, measure, measure_product, total
from whyset.attribution.intercept.losses import Amounts, AtBias
from whyset.attribution.ledger import BiasMap, Cause, LedgerRow
from whyset.attribution.rules import Rule


@dataclass
class Entry:
    """The recorded relevance of one operation."""

    module: str
    operation: str
    rule: str
    arrived: Flow = field(default_factory=Flow)
    left: Flow = field(default_factory=Flow)
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
    """The entries of one forward pass, filled in by its backward pass; `bias_maps` is None if they are not recorded.

    Without `sizes` only sums are recorded: neither largest elements nor errors of rounding.
    """

    entries: dict[int, Entry] = field(default_factory=dict)
    bias_maps: dict[int, AtBias] | None = None
    sizes: bool = True

    def measure(self, relevance: Tensor) -> Flow:
        """Return the flow of a tensor of relevance."""
        return measure(relevance) if self.sizes else Flow(float(relevance.double().sum()))

    def measure_product(self, a: Tensor, b: Tensor) -> Flow:
        """Return the flow of the relevance `a · b`."""
        return measure_product(a, b) if self.sizes else Flow(total(a, b))

    def open(self, index: int, module: str, operation: str, rule: Rule | None) -> None:
        self.entries[index] = Entry(module, operation, "-" if rule is None else type(rule).__name__)

    def add_arrived(self, index: int, flow: Flow) -> None:
        """Record relevance that came in."""
        self.entries[index].arrived += flow

    def leaving(self, index: int, flow: Flow) -> None:
        """Record relevance that went out along one edge."""
        self.entries[index].left += flow

    def passing(self, index: int, flow: Flow, causes: dict[Cause, float]) -> None:
        """Record relevance that came in, and went out except for its losses by cause."""
        self.add_arrived(index, flow)
        self.leaving(index, replace(flow, total=flow.total - sum(causes.values())))
        self.losing(index, causes)

    def add_gradient(self, index: int, largest: float) -> None:
        """Record the largest magnitude of output times gradient, with which relevance is compared."""
        self.entries[index].largest_gradient = max(self.entries[index].largest_gradient, largest)

    def rounding(self, index: int, error: float) -> None:
        """Record an error of rounding inside an operation, independent of those at its output and inputs."""
        entry = self.entries[index]
        entry.rounding = math.hypot(entry.rounding, error)

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
            (index, entry) for index, entry in sorted(self.entries.items()) if entry.arrived.total or entry.left.total
        )
        return tuple(entry.row(index) for index, entry in reached)

    def list_bias_maps(self) -> tuple[BiasMap, ...]:
        """Return the relevance that biases keep, in order of execution."""
        entries = self.entries
        return tuple(
            BiasMap(index, entries[index].module, entries[index].operation, kept.relevance, kept.channel_dim)
            for index, kept in sorted((self.bias_maps or {}).items())
        )
