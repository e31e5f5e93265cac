"""The page of a finding: how it was confirmed, its fixes, and its samples before and after a fix."""

import math
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from fastapi import Depends, Path, Query

from whyset.errors import BrokenRunError, InputError
from whyset.report.findings import capital
from whyset.report.next_commands import NextCommand, explain_fix, get_note, name_fixed, view_together
from whyset.store import Run
from whyset.store.findings import Finding
from whyset.store.fixes import FixComparison
from whyset.viewer.endpoints.findings import SearchName, make_card, read_described, read_search
from whyset.viewer.errors import not_found, unreadable
from whyset.viewer.finding_parts import make_confirmation, make_fix_table, read_comparison, show_commands
from whyset.viewer.finding_schemas import FindingPage, FixedSample, FixedSamples, PartCount
from whyset.viewer.fixed_runs import PARTS, FixedPairs, find_fixed_runs, pair_samples
from whyset.viewer.parameters import OneRun, OtherRun, get_registry
from whyset.viewer.run_registry import LoadedRun, RunRegistry

MOST_SAMPLES_OF_PAGE = 200

FindingId = Annotated[str, Path(min_length=1, max_length=160, description="id of a finding of the run")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="number of matching samples before the first one listed")]
PageSize = Annotated[int, Query(ge=1, le=MOST_SAMPLES_OF_PAGE, description="maximum number of samples to list")]
Changed = Annotated[int, Query(ge=0, le=1, description="1: only samples whose prediction changed")]


def get_finding(
    finding: FindingId,
    opened: OneRun,
    library: Annotated[RunRegistry, Depends(get_registry)],
    search: SearchName = None,
) -> FindingPage:
    """Get everything about a finding: its card, how it was confirmed, its fixes, and the runs of its fixed models."""
    run = opened.run
    reported = read_search(opened, search)
    found = next((one for one in reported.findings if one.id == finding), None)
    comparison, problems = read_comparison(run, finding)
    if found is None and comparison is None and not problems:
        if reported.notices and not reported.findings and run.finding_names:
            raise unreadable(reported.notices[0])
        raise not_found("finding", finding, f"/api/runs/{opened.id}/findings")
    changed, problem = read_described(run, reported) if found is not None else (None, "")
    described = found or comparison
    return FindingPage(
        id=finding,
        search=reported.name,
        searches=run.finding_names,
        class_name=finding if described is None else described.class_name,
        sentence="" if described is None else capital(described.sentence),
        notices=[problem] if problem else [] if found is not None else list(reported.notices),
        note=get_note(run.config),
        card=None if found is None else make_card(run, found, changed),
        confirmation=None if found is None else make_confirmation(run, run.findings(reported.name), found),
        fixes=make_fix_table(run, reported.name, found, comparison, problems),
        fixed_runs=list(find_fixed_runs(opened, finding, comparison, library.readable())),
        explain=show_commands(_explain(run, comparison)),
        earlier=[] if found is None else list(_find_earlier(run, found)),
    )


def _explain(run: Run, comparison: FixComparison | None) -> Iterator[NextCommand]:
    """Yield what makes the run of the recommended fix, or else of the one that removes most of the effect."""
    made = [] if comparison is None else [one for one in comparison.fixes if one.problem is None]
    if comparison is None or not made:
        return
    best = max(
        made, key=lambda one: (one.id == comparison.recommended, one.reduced.value if one.reduced else -math.inf)
    )
    commands = list(explain_fix(run, comparison.finding, best.id))
    yield from commands
    if commands:
        yield view_together(run, name_fixed(run, comparison.finding, best.id))


def _find_earlier(run: Run, finding: Finding) -> Iterator[str]:
    """Yield the ids of findings of the class that only fixes are left of."""
    known: set[str] = set()
    for name in run.finding_names:
        try:
            known |= {one.id for one in run.findings(name)}
        except (BrokenRunError, InputError):  # the list of findings has a notice
            continue
    yield from (id for id in run.fixes if id not in known and id.rpartition("-")[0] == finding.class_id)


def list_fixed_samples(
    finding: FindingId,
    opened: OneRun,
    other: OtherRun,
    search: SearchName = None,
    changed: Changed = 0,
    offset: Offset = 0,
    limit: PageSize = 20,
) -> FixedSamples:
    """List samples before and after a fix: those with the evidence, the rest of the class, and others that changed.

    `other` is the run that explains the fixed model; samples are matched by their ids.
    """
    reported = read_search(opened, search)
    found = next((one for one in reported.findings if one.id == finding), None)
    comparison, _ = read_comparison(opened.run, finding)
    if found is None and comparison is None:
        raise not_found("finding", finding, f"/api/runs/{opened.id}/findings")
    label = comparison.label if comparison is not None else _get_label(opened, found)
    pairs = pair_samples(opened, other, () if found is None else found.rows, label)
    matching = np.flatnonzero(pairs.changed) if changed else np.arange(len(pairs.rows))
    return FixedSamples(
        samples=list(_describe(opened, other, pairs, matching[offset : offset + limit].tolist())),
        total=len(matching),
        parts=[
            PartCount(
                part=part,
                total=int((pairs.parts == number).sum()),
                changed=int(pairs.changed[pairs.parts == number].sum()),
            )
            for number, part in enumerate(PARTS)
        ],
        left_out=pairs.left_out,
    )


def _get_label(opened: LoadedRun, finding: Finding | None) -> int:
    """Return the output of the class of a finding."""
    if finding is None:
        return -1
    names = list(opened.run.classes)
    if finding.class_id.isascii() and finding.class_id.isdigit():
        return int(finding.class_id)
    return names.index(finding.class_name) if finding.class_name in names else -1


def _describe(opened: LoadedRun, other: LoadedRun, pairs: FixedPairs, places: list[int]) -> Iterator[FixedSample]:
    rows, others = pairs.rows[places], pairs.other_rows[places]
    ids = opened.samples["id"].take(rows).to_pylist()
    for place, row, other_row, id in zip(places, rows.tolist(), others.tolist(), ids, strict=True):
        yield FixedSample(
            row=row,
            other_row=other_row,
            id=id,
            part=PARTS[pairs.parts[place]],
            label_name=opened.class_name(int(opened.column("label")[row])),
            before=opened.class_name(int(opened.column("prediction")[row])),
            before_confidence=_get_confidence(opened, row),
            after=other.class_name(int(other.column("prediction")[other_row])),
            after_confidence=_get_confidence(other, other_row),
            changed=bool(pairs.changed[place]),
        )


def _get_confidence(opened: LoadedRun, row: int) -> float | None:
    confidence = float(opened.column("confidence")[row])
    return confidence if math.isfinite(confidence) else None
