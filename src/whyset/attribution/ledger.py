"""The ledger: the path of relevance, operation by operation, and the causes of losses."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from whyset.attribution.tables import align, data_frame


class Cause(StrEnum):
    """Cause of a difference between the relevance that an operation receives and sends on."""

    BIAS = "bias"  # the part of a bias, or of the shift of a batch norm
    STABILIZER = "stabilizer"  # the shift of a denominator away from zero
    CONSTANT = "constant"  # a summand that does not depend on the input
    ZERO = "zero"  # relevance that would go to an input of exactly 0
    NONLINEARITY = "nonlinearity"  # an operation that is not homogeneous, as softmax
    CONDITION = "condition"  # relevance at channels that a condition excludes
    RULE = "rule"  # a branch of the rule without contributions, as in AlphaBeta
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LedgerRow:
    """The relevance that one operation received at its output and sent to its inputs, summed over all elements.

    Parameters
    ----------
    index : int
        The position of the operation in order of execution.
    module : str
        The path of the module that runs it.
    operation : str
        The name of the torch function.
    rule : str
        The name of the rule, "-" for none.
    relevance_in : float
        The relevance that arrived at the output.
    relevance_out : float
        The relevance that went to the inputs.
    causes : dict of Cause to float, default {}
        The lost relevance by cause; the values sum to `lost`.
    """

    index: int
    module: str
    operation: str
    rule: str
    relevance_in: float
    relevance_out: float
    causes: dict[Cause, float] = field(default_factory=dict)

    @property
    def lost(self) -> float:
        return self.relevance_in - self.relevance_out


@dataclass
class Ledger:
    """Accounts for the relevance of the last attribution inside `with attribute.ledger() as ledger:`.

    The rows explain the difference between `output` and `arrived`. `print(ledger)` shows a table.

    Parameters
    ----------
    rows : tuple of LedgerRow, default ()
        The operations that relevance has passed, in order of execution.
    output : float, default 0.0
        The relevance at the output of the model, summed.
    arrived : float, default 0.0
        The relevance at the input, summed.
    scale : float, default 0.0
        The sum of the magnitudes of the relevance at the output: tolerances are relative to it.
    double : bool, default True
        Whether relevance is in double precision.
    """

    rows: tuple[LedgerRow, ...] = ()
    output: float = 0.0
    arrived: float = 0.0
    scale: float = 0.0
    double: bool = True

    def __repr__(self) -> str:
        return f"<ledger of {len(self.rows)} operations: {self.arrived:g} of {self.output:g} arrived at the input>"

    def lost(self) -> dict[Cause, float]:
        """Return the lost relevance by cause, over all operations; losses that no row explains are unknown."""
        totals: dict[Cause, float] = {}
        for row in self.rows:
            for cause, amount in row.causes.items():
                totals[cause] = totals.get(cause, 0.0) + amount
        rest = self.output - self.arrived - sum(totals.values())
        totals[Cause.UNKNOWN] = totals.get(Cause.UNKNOWN, 0.0) + rest
        return totals

    def assert_conserved(self, rtol: float = 1e-6, allow: Iterable[Cause | str] = ()) -> None:
        """Raise an AssertionError if more than `rtol` of the relevance is lost, not counting the causes in `allow`."""
        allowed = {Cause(cause) for cause in allow}
        lost = {cause: amount for cause, amount in self.lost().items() if cause not in allowed}
        total = sum(lost.values())
        if not abs(total) <= rtol * self.scale:
            parts = ", ".join(f"{cause} {amount:.3g}" for cause, amount in lost.items() if amount)
            raise AssertionError(
                f"of relevance {self.output:.6g}, {total:.3g} is lost ({parts}), more than rtol={rtol:g} allows; "
                "print(ledger) shows where"
            )

    def assert_accounted(self, rtol: float | None = None) -> None:
        """Raise an AssertionError if more than `rtol` of the relevance is lost without a known cause.

        The default is 1e-8 for relevance in double precision, and 1e-4 otherwise.
        """
        rtol = (1e-8 if self.double else 1e-4) if rtol is None else rtol
        self.assert_conserved(rtol, allow=[cause for cause in Cause if cause is not Cause.UNKNOWN])

    def table(self) -> list[LedgerRow]:
        """Return the rows as a list of dataclasses."""
        return list(self.rows)

    def to_pandas(self) -> Any:
        """Return the rows as a pandas data frame with one column per cause."""
        return data_frame(_record(row) for row in self.rows)

    def __str__(self) -> str:
        header = ("#", "module", "operation", "rule", "in", "out", "lost", "to")
        share = f" ({self.arrived / self.output:.2%})" if self.output else ""
        lost = "; ".join(f"{cause} {amount:+.4g}" for cause, amount in self.lost().items() if amount) or "nothing"
        summary = f"started {self.output:.6g}, arrived {self.arrived:.6g}{share}; lost: {lost}"
        return "\n".join([*align([header, *map(_line, self.rows)]), summary])


def _record(row: LedgerRow) -> dict[str, Any]:
    fixed = {"index": row.index, "module": row.module, "operation": row.operation, "rule": row.rule}
    flow = {"relevance_in": row.relevance_in, "relevance_out": row.relevance_out, "lost": row.lost}
    return fixed | flow | {cause.value: row.causes.get(cause, 0.0) for cause in Cause}


def _line(row: LedgerRow) -> tuple[str, ...]:
    why = ", ".join(f"{cause} {amount:+.2g}" for cause, amount in row.causes.items() if amount)
    numbers = (f"{row.relevance_in:.5g}", f"{row.relevance_out:.5g}", f"{row.lost:+.2g}" if row.lost else "0")
    return (str(row.index), row.module, row.operation, row.rule, *numbers, why)
