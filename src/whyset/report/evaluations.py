"""The evaluations of a run in the report: each metric with its interval, and the mean curves."""

from collections.abc import Mapping
from dataclasses import dataclass

from whyset.errors import BrokenRunError, InputError
from whyset.report.curves import CurveChart, draw_curves
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.evaluations import Evaluation, MetricValues, StoredMetric
from whyset.store.evaluations.records import Better

NOTE = (
    "Means over the samples, with intervals of 95 % (bootstrap). No single metric decides: each measures one property, "
    "and metrics disagree."
)
HEADINGS = ("metric", "better", "mean", "samples")


@dataclass(frozen=True)
class ReportedMetric:
    """A metric of an evaluation.

    `better` states which values are those of better explanations; `mean` is that of the samples for which it is
    defined, `n_undefined` counts the others. `fractions` and `curve` are the mean curve, if the metric has curves.
    `problem` states why the metric is not known.
    """

    text: str
    better: Better | None = None
    mean: Estimate | None = None
    n_undefined: int = 0
    fractions: tuple[float, ...] | None = None
    curve: tuple[float, ...] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class ReportedEvaluation:
    """An evaluation of a run by metrics; `notices` are sentences, such as that it is outdated."""

    name: str
    n_samples: int = 0
    metrics: tuple[ReportedMetric, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """The heading of its section."""
        name = "Evaluation" if self.name == "evaluation" else f"Evaluation {self.name}"
        return f"{name}: metrics of the explanations of {self.n_samples:,} samples"

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of each metric that was measured."""
        return [_list_cells(one) for one in self.metrics if one.problem is None]

    @property
    def notes(self) -> list[str]:
        """Sentences on the numbers, the notices, and what was not measured."""
        reasons: dict[str, list[str]] = {}
        for one in self.metrics:
            if one.problem is not None:
                reasons.setdefault(one.problem, []).append(one.text)
        missing = [f"Not measured: {', '.join(names)} ({reason.rstrip('.')})." for reason, names in reasons.items()]
        return [*self.notices, *([NOTE] if self.rows else []), *missing]

    @property
    def charts(self) -> list[CurveChart]:
        """The charts of the mean curves."""
        return [
            draw_curves(one.text, {"mean": (one.fractions, one.curve)})
            for one in self.metrics
            if one.fractions is not None and one.curve is not None
        ]


def read_evaluations(run: Run) -> tuple[ReportedEvaluation, ...]:
    """Read all evaluations of a run; damaged ones become a notice, so that the rest of the report can be read."""
    return tuple(_read(run, name) for name in run.evaluation_names)


def _read(run: Run, name: str) -> ReportedEvaluation:
    try:
        stored = run.evaluation(name)
    except (BrokenRunError, InputError) as error:
        return ReportedEvaluation(name, notices=(f"The evaluation cannot be read: {error}.",))
    return ReportedEvaluation(
        name,
        len(stored.samples.rows),
        tuple(_summarize(one) for one in stored.metrics),
        tuple(_list_notices(stored)),
    )


def _list_notices(stored: Evaluation) -> list[str]:
    if not stored.outdated:
        return []
    return ["The evaluation was measured on other commits than the run has now; evaluate again."]


def _summarize(metric: StoredMetric) -> ReportedMetric:
    values = metric.values
    if values is None:
        return ReportedMetric(metric.text, problem=metric.problem)
    curve = values.mean_curve
    return ReportedMetric(
        metric.text,
        values.better,
        values.mean,
        values.n_undefined,
        values.fractions,
        None if curve is None else tuple(map(float, curve)),
        metric.problem,
    )


def _list_cells(metric: ReportedMetric) -> tuple[str, ...]:
    mean = metric.mean
    count = f"{0 if mean is None else mean.n_samples:,}"
    undefined = f" ({metric.n_undefined:,} undefined)" if metric.n_undefined else ""
    return metric.text, metric.better or "-", format_estimate(mean), f"{count}{undefined}"


def describe_missing(methods: Mapping[str, Mapping[str, MetricValues]]) -> list[str]:
    """Describe the metrics that were not measured, with the reasons, each reason once for each method."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, found in methods.items():
        for text, values in found.items():
            if values.problem is not None:
                reasons.setdefault((name, values.problem), []).append(text)
    return [
        f"{name}: not measured: {', '.join(texts)} ({reason.rstrip('.')})." for (name, reason), texts in reasons.items()
    ]


def format_estimate(mean: Estimate | None) -> str:
    """Format a mean with its interval in three significant digits.

    >>> format_estimate(Estimate(0.34321, (0.3212, 0.36), 100)), format_estimate(Estimate(191.97, None, 1))
    ('0.343 [0.321, 0.360]', '192')
    """
    if mean is None:
        return "not defined"
    if mean.interval is None:
        return format_number(mean.value)
    low, high = mean.interval
    return f"{format_number(mean.value)} [{format_number(low)}, {format_number(high)}]"


def format_number(value: float) -> str:
    """Format a number of any scale: three decimals below 10, otherwise three significant digits.

    >>> format_number(0.5), format_number(12.345), format_number(0.0000123), format_number(123456.0)
    ('0.500', '12.3', '1.23e-05', '123,456')
    """
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.01 or value == 0 else f"{value:.3g}"
