"""The result of `evaluate`: the metrics of each method, and their comparison on the same samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from whyset.arguments import name_unknown
from whyset.evaluation.comparison import MetricComparison, compare_methods
from whyset.printable import printable
from whyset.store.evaluations import MetricValues
from whyset.store.evaluations.table import COLUMNS, make_line
from whyset.store.summary_table import make_summary_table

_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()
_DIFFERENCE = {
    "metric": _TEXT,
    "first": _TEXT,
    "second": _TEXT,
    "difference": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "n_samples": _COUNT,
    "p_value": _NUMBER,
    "p_corrected": _NUMBER,
}


@dataclass(frozen=True, repr=False)
class EvaluationResult:
    """Metrics of the explanations of one or several methods, on the same samples.

    Parameters
    ----------
    methods : mapping of str to mapping
        The values of each metric by its description, of each method by its name.
    n_samples : int
        The number of samples.
    seed : int
        The seed of random numbers.
    notices : tuple of str
        Sentences on what limits a comparison, such as runs of different models.

    Examples
    --------
    >>> import torch, whyset as ws
    >>> model, x = torch.nn.Linear(6, 3).eval(), torch.rand(20, 6)
    >>> methods = {"gradient": "gradient", "occlusion": "occlusion"}
    >>> result = ws.evaluate(methods, model=model, x=x, metrics=["complexity", "sparseness"], progress=False)
    >>> result
    <evaluation of 2 methods: 2 metrics of 20 samples>
    >>> result.table.num_rows
    4
    """

    methods: Mapping[str, Mapping[str, MetricValues]]
    n_samples: int
    seed: int = 0
    notices: tuple[str, ...] = ()

    def __repr__(self) -> str:
        methods = f"{len(self.methods)} method{'' if len(self.methods) == 1 else 's'}"
        metrics = f"{len(self.metrics)} metric{'' if len(self.metrics) == 1 else 's'}"
        return f"<evaluation of {methods}: {metrics} of {self.n_samples:,} samples>"

    def _repr_html_(self) -> str:
        """The table that notebooks show: the means of each metric, and the best method."""
        facts = [("notice", line) for line in self.notices]
        for metric in self.metrics:
            means = [f"{name} {describe_mean(found[metric])}" for name, found in self.methods.items()]
            best = self.comparisons[metric].describe() if metric in self.comparisons else ""
            facts.append((metric, "; ".join([*means, *([best] if best else [])])))
        return make_summary_table(printable(repr(self).strip("<>"), keep=""), facts)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The descriptions of the metrics, in order."""
        return tuple(dict.fromkeys(metric for found in self.methods.values() for metric in found))

    @property
    def table(self) -> pa.Table:
        """Table with one line for each method and metric; see `whyset.store.evaluations.table`."""
        lines = [
            {"method": name, **make_line(metric, values)}
            for name, found in self.methods.items()
            for metric, values in found.items()
        ]
        return pa.Table.from_pylist(lines, schema=pa.schema([("method", _TEXT), *COLUMNS.items()]))

    @cached_property
    def comparisons(self) -> Mapping[str, MetricComparison]:
        """The comparison by each metric that was measured for two or more methods, by its description."""
        measured = {metric: self._find_measured(metric) for metric in self.metrics}
        return {name: compare_methods(name, found, self.seed) for name, found in measured.items() if len(found) > 1}

    @property
    def differences(self) -> pa.Table:
        """Table with one line for each metric and pair of methods: the mean of the first minus the second.

        `low` and `high` are the ends of its interval of 95 %, which is not corrected; `p_corrected` is corrected for
        the pairs of methods by this metric, not for the number of metrics.
        """
        lines: list[dict[str, Any]] = [
            {
                "metric": metric,
                "first": one.first,
                "second": one.second,
                "difference": one.difference.mean,
                "low": one.difference.low,
                "high": one.difference.high,
                "n_samples": one.difference.n_samples,
                "p_value": one.p_value,
                "p_corrected": one.p_corrected,
            }
            for metric, found in self.comparisons.items()
            for one in found.differences
        ]
        return pa.Table.from_pylist(lines, schema=pa.schema(list(_DIFFERENCE.items())))

    def get_values(self, method: str, metric: str) -> MetricValues:
        """Return a metric, by its description or its name, of a method; InputError: one of them is unknown."""
        if method not in self.methods:
            raise name_unknown("method", method, self.methods)
        found = self.methods[method]
        named = [text for text, values in found.items() if values.metric["name"] == metric]
        if metric not in found and len(named) != 1:
            raise name_unknown("metric", metric, found)
        return found.get(metric) or found[named[0]]

    def _find_measured(self, metric: str) -> dict[str, MetricValues]:
        of_metric = {name: found[metric] for name, found in self.methods.items() if metric in found}
        return {name: found for name, found in of_metric.items() if found.problem is None}


def describe_mean(values: MetricValues) -> str:
    """Return the mean with its interval, or why it is not known."""
    if values.problem is not None:
        return "not measured"
    if values.mean is None:
        return "not defined"
    if values.mean.interval is None:
        return f"{values.mean.value:.3g}"
    low, high = values.mean.interval
    return f"{values.mean.value:.3g} [{low:.3g}, {high:.3g}]"
