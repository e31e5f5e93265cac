"""The ledger: the path of relevance, operation by operation, and the causes of losses."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.tables import align, data_frame
from whyset.errors import InputError

_DEVIATIONS = 8
"""Standard deviations of rounding that a loss without a cause may have: more are practically impossible by chance."""
_AMPLIFIED = 3.0
"""Relevance more than so many times larger than input times gradient is worth a look."""


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
    largest_in : float, default 0.0
        The largest magnitude of an element of the relevance that arrived.
    largest_out : float, default 0.0
        The largest magnitude of an element of the relevance along one edge to an input.
    largest_gradient : float, default 0.0
        The largest magnitude of the output times its plain gradient.
    rounding : float, default 0.0
        The standard deviation that rounding gives to the unknown loss, from the dtypes of the operation's tensors.
    """

    index: int
    module: str
    operation: str
    rule: str
    relevance_in: float
    relevance_out: float
    causes: dict[Cause, float] = field(default_factory=dict)
    largest_in: float = 0.0
    largest_out: float = 0.0
    largest_gradient: float = 0.0
    rounding: float = 0.0

    @property
    def lost(self) -> float:
        return self.relevance_in - self.relevance_out


@dataclass(frozen=True, eq=False)
class BiasMap:
    """The relevance that the bias of one operation keeps, at each place of its output.

    For a plain gradient these are the bias gradients of Srinivas 2019 times the biases.

    Parameters
    ----------
    index : int
        The position of the operation in order of execution, as in `LedgerRow`.
    module : str
        The path of the module that runs it: that of the batch norm if it is merged with the operation before it.
    operation : str
        The name of the torch function.
    relevance : Tensor
        The relevance in double precision, shaped like the output of the operation, such as (n, channels, height,
        width); over several targets it is summed.
    channel_dim : int, default 1
        The dimension of the channels; -1 for linear layers, whose output can be (n, tokens, features).
    """

    index: int
    module: str
    operation: str
    relevance: Tensor
    channel_dim: int = 1

    def resize(self, size: Sequence[int]) -> Tensor:
        """Return the relevance summed over channels, at another size, with the same sum for each sample.

        The relevance of an element is spread evenly over its area; that of an output without places, (n, features),
        over everything.

        Parameters
        ----------
        size : sequence of int
            The sides, such as the height and width of the input.

        Returns
        -------
        Tensor
            The relevance (n, *size).

        Raises
        ------
        InputError
            The output of the operation has another number of dimensions.
        """
        summed = self.relevance.sum(self.channel_dim)
        places = summed.shape[1:]
        if places and len(places) != len(size):
            raise InputError(
                f"{self.module or 'model'}, {self.operation}: expected {len(places)} sides for relevance of shape "
                f"{tuple(self.relevance.shape)}, got {tuple(size)}"
            )
        resized = summed.reshape(-1, *(places or [1] * len(size)))
        for axis, side in enumerate(size, start=1):
            spread = _overlap(resized.shape[axis], side).to(resized)
            resized = torch.tensordot(resized, spread, ([axis], [0])).movedim(-1, axis)
        return resized


def _overlap(length: int, side: int) -> Tensor:
    """Return the share of each of `length` equal parts of a line that is in each of `side` equal parts of it."""
    own, other = torch.arange(length + 1).double() / length, torch.arange(side + 1).double() / side
    low = torch.maximum(own[:-1, None], other[None, :-1])
    high = torch.minimum(own[1:, None], other[None, 1:])
    return (high - low).clamp(min=0) * length


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
    largest : float, default 0.0
        The largest magnitude of an element of the relevance at the input.
    largest_gradient : float, default 0.0
        The same of input times gradient.
    bias_maps : tuple of BiasMap, default ()
        The relevance that each bias keeps, with `attribute.ledger(bias_maps=True)`.
    """

    rows: tuple[LedgerRow, ...] = ()
    output: float = 0.0
    arrived: float = 0.0
    scale: float = 0.0
    largest: float = 0.0
    largest_gradient: float = 0.0
    bias_maps: tuple[BiasMap, ...] = ()

    def __repr__(self) -> str:
        return f"<ledger of {len(self.rows)} operations: {self.arrived:g} of {self.output:g} arrived at the input>"

    @property
    def rounding(self) -> float:
        """The standard deviation that rounding gives to the sum of unknown losses.

        Each operation adds `ε (‖R‖₂ + |ΣR|)` for the relevance R at its output and at each input, where ε is the
        distance from 1 to the next number of the dtype (Higham and Mary 2019: rounding as independent errors), and the
        error of sums that a rule computes as differences.
        """
        return math.hypot(*(row.rounding for row in self.rows))

    @property
    def amplification(self) -> float:
        """The largest relevance at the input in multiples of that of input times gradient; 0 if that is 0."""
        return self.largest / self.largest_gradient if self.largest_gradient else 0.0

    def find_amplification(self, factor: float = _AMPLIFIED) -> LedgerRow | None:
        """Return the operation from which on, toward the input, relevance exceeds `factor` times gradient times value.

        It is the first one in order of execution behind the last one whose output has more. None if none has more.
        """
        if not isinstance(factor, Real) or not factor > 0:
            raise InputError(f"factor is {factor!r}: expected a number above 0")
        exceeds = [row.largest_in > factor * row.largest_gradient > 0 for row in self.rows]
        last = max((place for place, exceeded in enumerate(exceeds) if exceeded), default=None)
        return None if last is None or last + 1 == len(self.rows) else self.rows[last + 1]

    def lost(self) -> dict[Cause, float]:
        """Return the lost relevance by cause, over all operations; losses that no row explains are unknown."""
        totals: dict[Cause, float] = {}
        for row in self.rows:
            for cause, amount in row.causes.items():
                totals[cause] = totals.get(cause, 0.0) + amount
        rest = self.output - self.arrived - sum(totals.values())
        totals[Cause.UNKNOWN] = totals.get(Cause.UNKNOWN, 0.0) + rest
        return totals

    def shares(self) -> dict[str, float]:
        """Return the share of the output that is at the input, and that each cause keeps; the shares sum to 1.

        >>> row = LedgerRow(0, "", "linear", "-", 2.0, 0.5, {Cause.BIAS: 1.5})
        >>> Ledger(rows=(row,), output=2.0, arrived=0.5).shares()
        {'input': 0.25, 'bias': 0.75, 'unknown': 0.0}
        """
        if not self.output:
            raise InputError("the output is 0, so relevance has no shares of it: read `arrived` and `lost()` instead")
        amounts = {"input": self.arrived} | {cause.value: amount for cause, amount in self.lost().items()}
        return {name: amount / self.output for name, amount in amounts.items()}

    def assert_conserved(self, rtol: float = 1e-6, allow: Iterable[Cause | str] = ()) -> None:
        """Raise an AssertionError if more than `rtol` of the relevance is lost, not counting the causes in `allow`."""
        if not rtol >= 0:
            raise InputError(f"rtol is {rtol!r}: expected a number of at least 0")
        allowed = {_find_cause(cause) for cause in allow}
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

        By default, 1e-8 of the relevance and eight times `rounding` may be lost, which is what the dtypes explain.
        """
        if rtol is None:
            rtol = 1e-8 + _DEVIATIONS * self.rounding / self.scale if self.scale else 1e-8
            rtol = rtol if math.isfinite(rtol) else 0.0  # values that are not finite are no rounding
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
        precision = f"rounding explains an unknown loss of {_DEVIATIONS * self.rounding:.2g}"
        return "\n".join(
            [*align([header, *map(_line, self.rows)]), summary, precision, *self._describe_amplification()]
        )

    def _describe_amplification(self) -> list[str]:
        if self.amplification <= _AMPLIFIED:
            return []
        row = self.find_amplification()
        where = (
            "" if row is None else f"; beyond {_AMPLIFIED:g} times from #{row.index} {row.operation} {row.module} on"
        )
        return [
            f"the largest relevance of an element, {self.largest:.3g}, is {self.amplification:.3g} times "
            f"that of input times gradient{where}"
        ]


def _find_cause(cause: Cause | str) -> Cause:
    if cause not in list(Cause):
        raise InputError(f"allow: {cause!r} is no cause of a loss; expected one of {', '.join(map(str, Cause))}")
    return Cause(cause)


def _record(row: LedgerRow) -> dict[str, Any]:
    fixed = {"index": row.index, "module": row.module, "operation": row.operation, "rule": row.rule}
    flow = {"relevance_in": row.relevance_in, "relevance_out": row.relevance_out, "lost": row.lost}
    sizes = {name: getattr(row, name) for name in ("largest_in", "largest_out", "largest_gradient", "rounding")}
    return fixed | flow | {cause.value: row.causes.get(cause, 0.0) for cause in Cause} | sizes


def _line(row: LedgerRow) -> tuple[str, ...]:
    why = ", ".join(f"{cause} {amount:+.2g}" for cause, amount in row.causes.items() if amount)
    numbers = (f"{row.relevance_in:.5g}", f"{row.relevance_out:.5g}", f"{row.lost:+.2g}" if row.lost else "0")
    return (str(row.index), row.module, row.operation, row.rule, *numbers, why)
