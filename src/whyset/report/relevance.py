"""Relevance that arrives at the input over a run: distributions, counts beyond limits, and mean losses by cause."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.store import Run
from whyset.store.checks import LEAST_SHARE, MOST_TIMES, find_beyond_limits
from whyset.store.commits import read_commits
from whyset.store.layout import ARRIVED, DONE, LARGEST, STATUS
from whyset.store.losses import Losses, average_losses


@dataclass(frozen=True)
class Distribution:
    """Five numbers of a column, over its finite values."""

    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float

    @classmethod
    def from_values(cls, values: NDArray[Any]) -> "Distribution | None":
        """Summarize values; None if no value is finite.

        >>> Distribution.from_values(np.array([0.0, 1.0, np.nan])).median
        0.5
        """
        finite = values[np.isfinite(values)].astype(np.float64)
        return cls(*map(float, np.quantile(finite, [0, 0.25, 0.5, 0.75, 1]))) if finite.size else None


@dataclass(frozen=True)
class RelevanceSummary:
    """Relevance that arrives at the input, over all explanations of a run that are done.

    `arrived` is the sum of an explanation's relevance divided by the explained output, None for gradients; `largest`
    its largest absolute value divided by the absolute output. Of `explanations`, `too_large` exceed `most_times` the
    output, and in `lost` less than `least_share` of it arrives. `losses` are mean shares of the output by cause.
    """

    explanations: int
    arrived: Distribution | None
    largest: Distribution | None
    too_large: int
    lost: int
    losses: Losses | None
    most_times: float = MOST_TIMES
    least_share: float = LEAST_SHARE


def summarize_relevance(run: Run) -> RelevanceSummary | None:
    """Summarize the columns of a run; None if it does not have them, as before version 1.3 of the format."""
    if not run.states_relevance:
        return None
    done = run.column(STATUS) == DONE
    losses = (commit.losses for commit in read_commits(run.path, run.committed_shards()))
    parts = [part for part in losses if part is not None]
    return summarize_columns(run.column(ARRIVED)[done], run.column(LARGEST)[done], average_losses(parts))


def summarize_columns(arrived: NDArray[Any], largest: NDArray[Any], losses: Losses | None) -> RelevanceSummary:
    """Summarize the two columns of the explanations that are done."""
    beyond = find_beyond_limits(arrived, largest)
    return RelevanceSummary(
        explanations=len(arrived),
        arrived=Distribution.from_values(arrived),
        largest=Distribution.from_values(largest),
        too_large=len(beyond.too_large),
        lost=len(beyond.lost),
        losses=losses,
    )


def describe_relevance(summary: RelevanceSummary) -> tuple[tuple[str, str], ...]:
    """Return names and values of a summary as text, for every format of the report."""
    rows = []
    if summary.arrived is not None:
        rows.append(("share of the output that arrives at the input", _describe(summary.arrived)))
        beyond = f"{summary.too_large:,} exceed {summary.most_times:.0f} times the output, "
        beyond += f"{summary.lost:,} receive less than {summary.least_share:.0%} of it, of {summary.explanations:,}"
        rows.append(("explanations beyond the limits", beyond))
    if summary.largest is not None:
        rows.append(("largest relevance, relative to the output", _describe(summary.largest)))
    if summary.losses is not None:
        rows.append(("losses, as shares of the output", describe_losses(summary.losses)))
    return tuple(rows)


def describe_losses(losses: Losses) -> str:
    """Format mean losses, the largest first, without those below 0.1 %."""
    if losses.reason is not None or not losses.measured:
        return f"not measured: {losses.reason}"
    shares = sorted(losses.shares.items(), key=lambda part: -abs(part[1]))
    parts = [f"{cause} {_number(100 * share)} %" for cause, share in shares if abs(share) >= _SMALL]
    return f"{', '.join(parts) or 'nothing'} (mean of {losses.measured:,} measured)"


_SMALL = 0.001


def _describe(of: Distribution) -> str:
    median, low, high = map(_number, (of.median, of.lower_quartile, of.upper_quartile))
    return f"median {median}, quartiles {low} to {high}, range {_number(of.minimum)} to {_number(of.maximum)}"


def _number(value: float) -> str:
    return f"{value:.3g}"
