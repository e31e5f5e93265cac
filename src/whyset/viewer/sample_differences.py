"""The differences of two methods by one metric, sample by sample, and the samples that differ most."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.scores.paired import bootstrap_interval
from whyset.errors import InputError
from whyset.store.evaluations import Evaluation, StoredMetric
from whyset.viewer.errors import ApiError, not_found
from whyset.viewer.evaluated_runs import list_compared, read_candidates
from whyset.viewer.method_schemas import MethodDifferences, SampleDifference
from whyset.viewer.method_table import find_measured, get_seed, rank_metric
from whyset.viewer.run_registry import LoadedRun

MOST_LISTED = 12
CONFIDENCE, N_RESAMPLES = 0.95, 9999
Place = tuple[str, str] | None


def compare_samples(
    first: LoadedRun, other: LoadedRun, runs: Sequence[LoadedRun], name: str, metric: str
) -> MethodDifferences:
    """Compare two runs sample by sample; p-values are corrected for all pairs of the compared `runs`.

    404: one of them was not evaluated, or does not have the metric. 409: fewer than two samples have both values.
    """
    compared = list_compared(read_candidates(first, [run for run in runs if run.id != first.id], name))
    stored = {id: _read_metric(evaluation, metric) for id, (_, evaluation) in compared.items()}
    measured = find_measured(stored, metric)
    for opened in (first, other):
        if opened.id not in measured:
            raise not_found("metric", metric, f"/api/runs/{opened.id}/methods")
    ranking = rank_metric(measured, get_seed(compared))
    pair = None if ranking is None else ranking.get_pair(first.id, other.id)
    if ranking is None or pair is None:
        raise ApiError(
            HTTPStatus.CONFLICT,
            "fewer than two samples have this metric in all compared runs",
            "compare fewer runs, or choose another metric",
        )
    values, others = (measured[opened.id].array[ranking.common] for opened in (first, other))
    with np.errstate(over="ignore"):
        differences = values - others
    if not np.isfinite(differences.sum()):
        raise ApiError(HTTPStatus.CONFLICT, "the differences are too large to be computed", "choose another metric")
    interval = bootstrap_interval(differences, CONFIDENCE, N_RESAMPLES, get_seed(compared))
    rows = [np.array(compared[opened.id][1].samples.rows, np.int64)[ranking.common] for opened in (first, other)]
    largest = _find_largest(differences)
    return MethodDifferences(
        metric=metric,
        text=next(iter(stored[first.id].values())).text,
        better=measured[first.id].better,
        mean=float(differences.mean()),
        interval=interval,
        p=pair.p_value,
        p_corrected=pair.p_corrected,
        differences=differences.tolist(),
        largest=_describe_samples(first, other, [each[largest] for each in (*rows, values, others)]),
    )


def _read_metric(evaluation: Evaluation, metric: str) -> dict[str, StoredMetric]:
    """Read one metric by its id; nothing if the evaluation does not have it."""
    try:
        return {metric: evaluation.get_metric(metric)}
    except InputError:
        return {}


def _find_largest(differences: NDArray[Any]) -> NDArray[np.int64]:
    """Return the places of the largest differences of either sign, the largest positive one first."""
    chosen = np.argsort(-np.abs(differences), kind="stable")[:MOST_LISTED]
    return chosen[np.argsort(-differences[chosen], kind="stable")]


def _describe_samples(first: LoadedRun, other: LoadedRun, columns: Sequence[NDArray[Any]]) -> list[SampleDifference]:
    """Describe samples by their rows in both runs and the values of both."""
    rows, other_rows, values, other_values = columns
    ids = first.samples["id"].take(rows).to_pylist()
    labels = first.column("label")[rows].tolist()
    places, other_places = _find_places(first, rows), _find_places(other, other_rows)
    return [
        SampleDifference(
            row=int(rows[at]),
            other_row=int(other_rows[at]),
            id=ids[at],
            label=first.class_name(labels[at]),
            first=float(values[at]),
            second=float(other_values[at]),
            place=places[at],
            other_place=other_places[at],
        )
        for at in range(len(rows))
    ]


def _find_places(opened: LoadedRun, rows: NDArray[Any]) -> list[Place]:
    """Find for each row an analysis and a class that contain it, so that the page can open it there."""
    places: list[Place] = [None] * len(rows)
    for name in opened.run.analyses:
        found = opened.members.get_categories(opened.run.analysis(name), rows)
        places = [place or ((name, ids[0]) if ids else None) for place, ids in zip(places, found, strict=True)]
    return places
