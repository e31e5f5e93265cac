"""The findings of a run, and the changed hosts of their examples."""

import math
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request, Response
from numpy.typing import NDArray

from whyset.errors import BrokenRunError
from whyset.modality import MODALITIES
from whyset.report.finding_cards import (
    describe_example,
    find_outline,
    mark_inserted,
    read_changed_hosts,
    read_words,
)
from whyset.report.findings import (
    KINDS,
    ReportedFindings,
    capital,
    describe_numbers,
    get_unstated_reason,
    read_findings,
)
from whyset.store import Run
from whyset.store.findings import Finding, FoundExample
from whyset.viewer import maps
from whyset.viewer.columns import answer, encode
from whyset.viewer.errors import ApiError, not_found, unreadable
from whyset.viewer.parameters import MOST_PICTURES, OneRun, Size
from whyset.viewer.schemas import ExampleCard, FindingCard, FindingList

MOST_SHOWN = 500
"""Findings of one answer; the report lists all of them."""

Places = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{1,9}(,[0-9]{1,9})*$",
        max_length=10 * MOST_PICTURES,
        description="places in the array of examples, separated by commas",
    ),
]


def list_findings(opened: OneRun) -> FindingList:
    """Get the findings of a run: suspicions, strategies, and those not confirmed; and notices about the search."""
    reported = read_findings(opened.run)
    shown = reported.findings[:MOST_SHOWN]
    left = len(reported.findings) - len(shown)
    more = [f"{left:,} further findings are in the report: whyset report RUN."] if left else []
    changed, problem = _read_changed_texts(opened.run, reported)
    more += [problem] if problem else []
    return FindingList(
        name=reported.name if reported.findings else None,
        notices=[*reported.notices, *more],
        findings=[_make_card(opened.run, one, changed) for one in shown],
    )


def _read_changed_texts(run: Run, reported: ReportedFindings) -> tuple[NDArray[Any] | None, str]:
    """Read the changed hosts of a run of texts, whose words are in the cards; other ones are sent by `get_examples`."""
    is_text = MODALITIES[run.modality].inputs == "ids"
    return read_changed_hosts(run, reported) if is_text else (None, "")


def get_examples(request: Request, opened: OneRun, indices: Places, size: Size = None) -> Response:
    """Get changed hosts of examples by their places, as the model saw them: uint8 [n, H, W, C]; only of images."""
    kind = MODALITIES[opened.run.modality]
    try:
        stored = opened.run.findings(read_findings(opened.run).name).examples() if opened.run.finding_names else None
    except BrokenRunError as error:
        raise unreadable(str(error)) from error
    if stored is None or kind.thumbnail != "plane":
        raise not_found("array", "examples", f"/api/runs/{opened.id}/findings")
    chosen = np.array([int(place) for place in indices.split(",")])
    if len(chosen) > MOST_PICTURES or chosen.max() >= len(stored):
        message = f"indices: expected at most {MOST_PICTURES}, each less than {len(stored)}, got {indices[:80]}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "use places of the listed examples")
    sides = maps.input_sides(stored.shape, size)
    if len(chosen) * math.prod(sides) > maps.MOST_BYTES:
        message = f"expected an answer of at most {maps.MOST_BYTES} bytes"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "request fewer places or a smaller size")
    pictures = np.empty((len(chosen), *sides), np.uint8)
    for position, place in enumerate(chosen.tolist()):
        for channel, plane in enumerate(stored[place]):
            pictures[position, ..., channel] = maps.resample(np.asarray(plane), kind, sides[:-1])
    return answer(request, encode(pictures), immutable=False)


def _make_card(run: Run, finding: Finding, changed: NDArray[Any] | None) -> FindingCard:
    return FindingCard(
        class_id=finding.class_id,
        class_name=finding.class_name,
        kind=finding.kind,
        kind_name=KINDS[finding.kind],
        sentence=capital(finding.sentence),
        reason=get_unstated_reason(finding),
        evidence=finding.text,
        numbers=describe_numbers(finding),
        rows=sorted(finding.rows),
        examples=[_make_example(run, finding, one, changed) for one in finding.examples],
    )


def _make_example(run: Run, finding: Finding, example: FoundExample, changed: NDArray[Any] | None) -> ExampleCard:
    shape = None if run.inputs is None else run.inputs.shape
    outline = None if shape is None or run.modality != "image" else find_outline(example.region, shape[2:])
    is_text = MODALITIES[run.modality].inputs == "ids"
    source, before, after = describe_example(run, finding, example)
    return ExampleCard(
        row=example.row,
        host_row=example.host_row,
        place=example.index if example.index >= 0 and run.modality == "image" else None,
        outline=None if outline is None else (outline.x, outline.y, outline.width, outline.height),
        source=source,
        before=before,
        after=after,
        words=list(read_words(run, example.row, example.region)) if is_text else None,
        host_words=[word for word, _ in read_words(run, example.host_row, None)] if is_text else None,
        changed_words=list(mark_inserted(run, example, changed)) or None,
    )
