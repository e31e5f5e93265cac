"""Rows of a run: their metadata, the search for them, and columns of values as binary data."""

import math
from typing import Annotated

from fastapi import Query, Request, Response

from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import not_found
from whyset.viewer.known_values import describe_prediction, describe_truth, get_box
from whyset.viewer.parameters import (
    CategoryRows,
    ColumnName,
    Kept,
    Limit,
    OneRun,
    OtherRun,
    Samples,
    Text,
    get_analysis,
)
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import Match, Matches, SampleDetail
from whyset.viewer.search import find, find_all

InAnalysis = Annotated[
    str | None, Query(min_length=1, max_length=128, description="analysis whose categories are listed for each match")
]


def list_samples(opened: OneRun, indices: Samples) -> list[SampleDetail]:
    """List the requested rows in the requested order, explained or not."""
    rows = indices.tolist()
    ids = opened.samples["id"].take(indices).to_pylist()
    return [_sample(opened, row, id) for row, id in zip(rows, ids, strict=True)]


def _sample(opened: LoadedRun, row: int, id: str) -> SampleDetail:
    label, prediction, target = (_get_known(opened, name, row) for name in ("label", "prediction", "target"))
    confidence = float(opened.column("confidence")[row])
    return SampleDetail(
        index=row,
        id=id,
        label=label,
        label_name=describe_truth(opened, row, label, target),
        prediction=prediction,
        prediction_name=describe_prediction(opened, row, prediction, target),
        target=target,
        target_name=opened.class_name(target),
        confidence=confidence if math.isfinite(confidence) else None,
        box=get_box(opened, row),
        status=int(opened.status[row]),
        error=opened.errors.get(row),
    )


def _get_known(opened: LoadedRun, column: str, row: int) -> int | None:
    value = int(opened.column(column)[row])
    return value if value >= 0 else None


def find_samples(opened: OneRun, text: Text, analysis: InAnalysis = None, limit: Limit = 50) -> Matches:
    """Find the row with this id, then the row with this number, then all whose id, texts or label contain the text."""
    found = find(opened, text, limit)
    rows = found.rows.tolist()
    if analysis is None:
        categories: list[list[str]] = [[] for _ in rows]
    else:
        categories = opened.members.get_categories(get_analysis(analysis, opened), found.rows)
    ids = opened.run.samples["id"].take(found.rows).to_pylist()
    matches = [_match(opened, *each) for each in zip(rows, ids, categories, strict=True)]
    return Matches(matches=matches, total=found.total, truncated=found.total > len(matches))


def find_rows(request: Request, opened: OneRun, text: Text) -> Response:
    """Find the indices of all matching rows: int32, rising."""
    return answer(request, encode(find_all(opened, text)), immutable=False)


def _match(opened: LoadedRun, row: int, id: str, categories: list[str]) -> Match:
    label, prediction = (opened.class_name(int(opened.column(name)[row])) for name in ("label", "prediction"))
    return Match(index=row, id=id, label_name=label, prediction_name=prediction, categories=categories)


def get_run_column(request: Request, opened: OneRun, rows: CategoryRows, column: ColumnName, keep: Kept) -> Response:
    """Get one value per row; unknown or uncommitted values are -1 (integers), NaN (float32) or 0 (status).

    The description of the run lists the columns. Texts are sent as codes; their `values` are in the description. With
    `analysis` and `category`, only the values of that category's rows are sent, in its order.
    """
    if column not in opened.columns:
        raise not_found("column", column, f"/api/runs/{opened.id}")
    numbers = opened.columns[column].numbers
    if rows is None:
        return answer(request, encode(numbers), immutable=keep and opened.complete)  # damage is found by reading
    return answer(request, encode(numbers[rows]), immutable=False)


def get_correspondence(request: Request, opened: OneRun, other: OtherRun) -> Response:
    """Get, for each row of the run, the row of the same sample id in the other run, or -1: int32."""
    return answer(request, encode(opened.rows_in(other)), immutable=False)
