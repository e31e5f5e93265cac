"""Methods compared by metrics, as one HTML page; the template is `evaluation.html.jinja`."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from whyset.printable import printable
from whyset.report.curves import Curve, CurveChart, draw_curves
from whyset.report.evaluations import NOTE, describe_missing, format_estimate
from whyset.report.numbers import small

if TYPE_CHECKING:
    from whyset.evaluation import EvaluationResult

CORRECTION = (
    "The best mean of each metric is bold. p is that of a permutation test of the paired differences between the best "
    "method and the next, on the samples for which both are defined, corrected for the pairs of methods by this metric "
    "(Holm 1979), not for the number of metrics. Intervals are not corrected."
)


def write_evaluation_page(result: "EvaluationResult") -> str:
    """Write metrics of several methods as a self-contained page: a table, paired differences, and curves.

    Parameters
    ----------
    result : EvaluationResult
        The result of `whyset.evaluate`.

    Returns
    -------
    str
        The page, in HTML.
    """
    environment = Environment(
        loader=PackageLoader("whyset.report", "."), autoescape=True, undefined=StrictUndefined, finalize=_show_controls
    )
    return environment.get_template("evaluation.html.jinja").render(
        title="Comparison of explanations" if len(result.methods) > 1 else "Evaluation of explanations",
        style=files("whyset.report").joinpath("page.css").read_text(encoding="utf-8"),
        summary=f"{result.n_samples:,} samples, the same for each method",
        names=list(enumerate(result.methods)),
        rows=[_make_row(result, metric) for metric in result.metrics if _is_measured(result, metric)],
        charts=list(_draw_charts(result)),
        differences=list(_list_differences(result)),
        notes=[*result.notices, NOTE, *([CORRECTION] if result.comparisons else []), *describe_missing(result.methods)],
    )


def _show_controls(value: Any) -> Any:
    """Escape control characters in texts; the markup of the page has none."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _is_measured(result: "EvaluationResult", metric: str) -> bool:
    return any(metric in found and found[metric].problem is None for found in result.methods.values())


def _make_row(result: "EvaluationResult", metric: str) -> tuple[str, str, list[tuple[str, bool]], str]:
    """Return the metric, which values are better, the cells with whether each is the best, and the comparison."""
    comparison = result.comparisons.get(metric)
    best = None if comparison is None else comparison.best
    cells, better = [], "-"
    for name, found in result.methods.items():
        values = found.get(metric)
        if values is None or values.problem is not None:
            cells.append(("not measured", False))
            continue
        better = values.better or "-"
        cells.append((format_estimate(values.mean), name == best))
    return metric, better, cells, "" if comparison is None else comparison.describe()


def _draw_charts(result: "EvaluationResult") -> list[CurveChart]:
    charts = []
    for metric in result.metrics:
        curves: dict[str, Curve] = {}
        for name, found in result.methods.items():
            values = found.get(metric)
            if values is not None and values.fractions is not None and values.mean_curve is not None:
                curves[name] = (values.fractions, values.mean_curve.tolist())
        if curves:
            charts.append(draw_curves(metric, curves, tuple(result.methods)))
    return charts


def _list_differences(result: "EvaluationResult") -> list[tuple[str, ...]]:
    """Return the cells of each pair of methods by each metric."""
    return [
        (
            metric,
            f"{one.first} − {one.second}",
            f"{one.difference.mean:+.3g} [{one.difference.low:+.3g}, {one.difference.high:+.3g}]",
            f"{one.difference.n_samples:,}",
            small(one.p_value),
            small(one.p_corrected),
        )
        for metric, comparison in result.comparisons.items()
        for one in comparison.differences
    ]
