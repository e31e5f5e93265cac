"""The table of an evaluation, with one line for each metric."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from whyset.store.evaluations.records import MetricValues

_NUMBER, _COUNT, _TEXT = pa.float64(), pa.int64(), pa.string()
COLUMNS = {
    "metric": _TEXT,
    "title": _TEXT,
    "better": _TEXT,
    "mean": _NUMBER,
    "low": _NUMBER,
    "high": _NUMBER,
    "n_samples": _COUNT,
    "n_undefined": _COUNT,
    "seconds": _NUMBER,
    "problem": _TEXT,
}


def make_table(metrics: Iterable[tuple[str, MetricValues]]) -> pa.Table:
    """Make a table with a line for each metric, given with its description.

    `mean` is that of the defined values, `low` and `high` are the ends of its interval of 95 %, `n_samples` is the
    number of defined values, and `problem` states why a metric was not measured.
    """
    return pa.Table.from_pylist([make_line(*one) for one in metrics], schema=pa.schema(list(COLUMNS.items())))


def make_line(text: str, values: MetricValues) -> dict[str, Any]:
    """Return the line of a metric."""
    mean = values.mean
    low, high = (None, None) if mean is None or mean.interval is None else mean.interval
    return {
        "metric": text,
        "title": values.title,
        "better": values.better,
        "mean": None if mean is None else mean.value,
        "low": low,
        "high": high,
        "n_samples": 0 if mean is None else mean.n_samples,
        "n_undefined": values.n_undefined,
        "seconds": values.seconds,
        "problem": values.problem,
    }
