"""Explanation methods compared by the metrics that are stored in the open runs."""

from typing import Annotated

from fastapi import Depends, Query

from whyset.viewer.evaluated_runs import DEFAULT
from whyset.viewer.method_schemas import MethodDifferences, MethodTable
from whyset.viewer.method_table import make_table
from whyset.viewer.parameters import OneRun, OtherRun, get_registry
from whyset.viewer.run_registry import LoadedRun, RunRegistry
from whyset.viewer.sample_differences import compare_samples

OurLibrary = Annotated[RunRegistry, Depends(get_registry)]
EvaluationName = Annotated[
    str | None,
    Query(min_length=1, max_length=128, description="name of the evaluation; by default the only one, or evaluation"),
]
RunIds = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9_-]{1,128}(,[A-Za-z0-9_-]{1,128})*$",
        max_length=8000,
        description="ids of other runs, separated by commas; by default all that are open",
    ),
]
MetricId = Annotated[str, Query(min_length=1, max_length=128, description="id of a metric, from the table of methods")]


def list_methods(
    opened: OneRun, library: OurLibrary, evaluation: EvaluationName = None, runs: RunIds = None
) -> MethodTable:
    """Get the metrics of this run and other open runs on the same samples: means, intervals, best methods, curves."""
    return make_table(opened, _find_others(opened, library, runs), library.handles, evaluation)


def get_differences(
    opened: OneRun,
    other: OtherRun,
    library: OurLibrary,
    metric: MetricId,
    evaluation: EvaluationName = None,
    runs: RunIds = None,
) -> MethodDifferences:
    """Get the differences of two runs by a metric, sample by sample, with the samples that differ most."""
    further = _find_others(opened, library, runs)
    others = further if any(run.id == other.id for run in further) else [*further, other]
    return compare_samples(opened, other, others, evaluation or DEFAULT, metric)


def _find_others(opened: LoadedRun, library: RunRegistry, runs: str | None) -> list[LoadedRun]:
    if runs is None:
        return [run for run in library.readable() if run.id != opened.id]
    return [library.run(id) for id in dict.fromkeys(runs.split(",")) if id != opened.id]
