"""Search for rows by id, number, text or class name."""

from typing import Annotated

from fastapi import Query, Request, Response

from whyset.viewer.columns import answer, encode
from whyset.viewer.parameters import Limit, OneRun, Text, get_analysis
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import Match, Matches
from whyset.viewer.search import find, find_all

InAnalysis = Annotated[
    str | None, Query(min_length=1, max_length=128, description="analysis whose categories are listed for each match")
]


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
