"""The findings of a run, and the changed hosts of their examples."""

import math
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request, Response
from numpy.typing import NDArray

from whyset.errors import BrokenRunError
from whyset.image.shapes import take_slices
from whyset.modality import IMAGE, MODALITIES, SERIES, VOLUME
from whyset.report.changed_series import UNCHANGED, find_interval, read_changed_channels
from whyset.report.finding_cards import (
    describe_example,
    find_depth,
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
from whyset.viewer.columns import answer
from whyset.viewer.errors import ApiError, not_found, unreadable
from whyset.viewer.parameters import MOST_PICTURES, OneRun, Size
from whyset.viewer.schemas import ExampleCard, FindingCard, FindingList

MOST_SHOWN = 500
"""Findings of one answer; the report lists all of them."""

VOLUME_SLICES = 3
"""Slices of an example of volumes: of the sample, of the host, and of the changed host."""

Places = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{1,9}(,[0-9]{1,9})*$",
        max_length=10 * MOST_PICTURES,
        description="places in the array of examples, separated by commas",
    ),
]


SearchName = Annotated[
    str | None,
    Query(min_length=1, max_length=128, description="name of the search; by default the only one, or findings"),
]


def list_findings(opened: OneRun, search: SearchName = None) -> FindingList:
    """Get the findings of a run: suspicions, strategies, and those not confirmed; and notices about the search."""
    reported = read_search(opened, search)
    shown = reported.findings[:MOST_SHOWN]
    left = len(reported.findings) - len(shown)
    more = [f"{left:,} further findings are in the report: whyset report RUN."] if left else []
    changed, problem = read_described(opened.run, reported)
    more += [problem] if problem else []
    return FindingList(
        name=reported.name if reported.findings else None,
        searches=opened.run.finding_names,
        notices=[*reported.notices, *more],
        findings=[make_card(opened.run, one, changed) for one in shown],
    )


def read_search(opened: OneRun, search: str | None) -> ReportedFindings:
    """Read the findings of a search; 404 for an unknown name."""
    if search is not None and search not in opened.run.finding_names:
        raise not_found("search", search, f"/api/runs/{opened.id}/findings")
    return read_findings(opened.run, search)


def read_described(run: Run, reported: ReportedFindings) -> tuple[NDArray[Any] | None, str]:
    """Read the changed hosts of texts, whose words are in the cards, and of series, whose changed channels are."""
    is_described = MODALITIES[run.modality].inputs == "ids" or run.modality == SERIES
    return read_changed_hosts(run, reported) if is_described else (None, "")


def get_examples(
    request: Request, opened: OneRun, indices: Places, size: Size = None, search: SearchName = None
) -> Response:
    """Get changed hosts of examples by their places: images uint8 [n, H, W, C], as the model saw them; series float32
    [n, C, T], of which long ones are shortened like inputs; of volumes uint8 [n, 3, H, W, C], the slice through the
    evidence of the sample, of the host, and of the changed host.
    """
    run = opened.run
    reported, stored = _read_examples(opened, search)
    chosen = np.array([int(place) for place in indices.split(",")])
    if len(chosen) > MOST_PICTURES or chosen.max() >= len(stored):
        message = f"indices: expected at most {MOST_PICTURES}, each less than {len(stored)}, got {indices[:80]}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "use places of the listed examples")
    # Slices are held in full size while they are cut; other inputs are read in pieces.
    each, held = (VOLUME_SLICES, None) if run.modality == VOLUME else (1, size)
    bytes_each = each * math.prod(maps.input_sides(stored.shape, held)) * stored.dtype.itemsize
    if len(chosen) * bytes_each > maps.MOST_BYTES:
        message = f"expected an answer of at most {maps.MOST_BYTES} bytes"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "request fewer places or a smaller size")
    if run.modality == VOLUME:
        slices = _cut_volumes(run, reported, stored, chosen)
        sent = maps.inputs(slices, np.arange(len(slices)), size, run.relevance)
        payload = replace(sent, shape=(len(chosen), each, *sent.shape[1:]))
    else:
        payload = maps.inputs(stored, chosen, size, run.relevance)
    answered = answer(request, payload, immutable=False)
    if run.modality == SERIES:
        answered.headers["X-Length"] = str(stored.shape[-1])
    return answered


def _read_examples(opened: OneRun, search: str | None) -> tuple[ReportedFindings, NDArray[Any]]:
    """Read the findings and their changed hosts; 404 if there are none, or they are texts or rows of tables."""
    run = opened.run
    reported = read_search(opened, search)
    try:
        stored = run.findings(reported.name).examples() if run.finding_names else None
    except BrokenRunError as error:
        raise unreadable(str(error)) from error
    if stored is None or MODALITIES[run.modality].resampling == "none":
        raise not_found("array", "examples", f"/api/runs/{opened.id}/findings")
    return reported, stored


def _cut_volumes(run: Run, reported: ReportedFindings, stored: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
    """Cut sample, host and changed host of each example through its evidence: (3 n, C, H, W)."""
    examples = {one.index: one for finding in reported.findings for one in finding.examples}
    slices = []
    for place in chosen.tolist():
        example = examples.get(place)
        depth = None if example is None else find_depth(run, example, stored.shape[2:])
        if example is None or depth is None or run.inputs is None:
            raise not_found("example", str(place), "the findings")
        volumes = [*np.asarray(run.inputs[[example.row, example.host_row]]), stored[place]]
        slices += [take_slices(np.asarray(volume)[None], depth)[0] for volume in volumes]
    return np.stack(slices)


def make_card(run: Run, finding: Finding, changed: NDArray[Any] | None) -> FindingCard:
    """Make the card of a finding."""
    return FindingCard(
        id=finding.id,
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
    kind = MODALITIES[run.modality]
    shape = None if run.inputs is None else run.inputs.shape
    channels = read_changed_channels(run, example, changed) if run.modality == SERIES else None
    is_sent = example.index >= 0 and kind.resampling != "none" and (run.modality != SERIES or bool(channels))
    is_drawn = run.modality == IMAGE or (run.modality == VOLUME and is_sent)  # other slices may not have the region
    outline = find_outline(example.region, shape[2:]) if shape is not None and is_drawn else None
    is_text = kind.inputs == "ids"
    source, before, after = describe_example(run, finding, example)
    after = f"{after}; {UNCHANGED}" if channels == () else after
    return ExampleCard(
        row=example.row,
        host_row=example.host_row,
        place=example.index if is_sent else None,
        outline=None if outline is None else (outline.x, outline.y, outline.width, outline.height),
        channels=list(channels) if channels else None,
        interval=find_interval(example) if channels else None,
        source=source,
        before=before,
        after=after,
        words=list(read_words(run, example.row, example.region)) if is_text else None,
        host_words=[word for word, _ in read_words(run, example.host_row, None)] if is_text else None,
        changed_words=(list(mark_inserted(run, example, changed)) or None) if is_text else None,
    )
