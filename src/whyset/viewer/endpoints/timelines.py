"""The findings of a watched training over its epochs, as `whyset report` lists them."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import Depends

from whyset.analysis.finding_tracks import FindingTrack
from whyset.errors import WhysetError
from whyset.report.findings import KINDS, capital, get_unstated_reason, list_notices
from whyset.report.timeline import NAME, Timeline, describe_onset, read_timeline
from whyset.store.findings import Finding
from whyset.store.watched import get_epoch, list_epochs, locate_epoch
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import OneRun, get_registry
from whyset.viewer.run_registry import LoadedRun, RunRegistry
from whyset.viewer.timeline_schemas import FindingTrackDetail, TimelineDetail, TimelineEpoch, TrackPoint

MOST_TRACKS = 100


def get_timeline(opened: OneRun, library: Annotated[RunRegistry, Depends(get_registry)]) -> TimelineDetail:
    """Get the findings of the watched training that the run is an epoch of; 404 for other runs."""
    folder, epoch = get_epoch(opened.run.path)
    if folder is None:
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            f"{opened.id} is not an epoch of a watched training, so it has no timeline",
            "open the folder that was given to `Watch`: whyset view FOLDER",
        )
    timeline = read_timeline(folder)
    ids = {handle.path.resolve(): handle.id for handle in library.handles.values() if isinstance(handle.path, Path)}
    tracks = timeline.tracks
    return TimelineDetail(
        folder=timeline.folder,
        threshold=timeline.threshold,
        epoch=epoch,
        epochs=[_make_epoch(timeline, one, library, ids) for one in list_epochs(folder)],
        tracks=[_make_track(timeline, track) for track in tracks[:MOST_TRACKS]],
        n_tracks=len(tracks),
        n_announced=sum(track.find_onset(timeline.threshold) is not None for track in tracks),
        notices=list(timeline.notices),
    )


def _make_epoch(timeline: Timeline, epoch: int, library: RunRegistry, ids: Mapping[Path, str]) -> TimelineEpoch:
    path = locate_epoch(timeline.folder, epoch)
    id = ids.get(path.resolve())
    accuracy, notices = None, []
    try:
        opened = LoadedRun.read(path.name, path) if id is None else library.run(id)
        accuracy = opened.accuracy
        notices = list_notices(opened.run.findings(NAME)) if epoch in timeline.found else []
    except (ApiError, WhysetError, OSError, ValueError) as error:
        notices = [f"The run cannot be read: {error}."] if epoch in timeline.found else []
    return TimelineEpoch(
        epoch=epoch,
        run=id,
        is_known=epoch in timeline.found,
        accuracy=accuracy,
        n_findings=len(timeline.found.get(epoch, ())),
        notices=notices,
    )


def _make_track(timeline: Timeline, track: FindingTrack) -> FindingTrackDetail:
    onset = track.find_onset(timeline.threshold)
    known = dict(zip(track.epochs, track.findings, strict=True))
    return FindingTrackDetail(
        class_id=track.last.class_id,
        class_name=track.last.class_name,
        text=track.last.text,
        onset=onset,
        described=describe_onset(timeline, track),
        announcement=None if onset is None else capital(known[onset].sentence),
        points=[_make_point(epoch, finding) for epoch, finding in known.items()],
    )


def _make_point(epoch: int, finding: Finding) -> TrackPoint:
    difference = None if finding.effect is None else finding.effect.difference
    return TrackPoint(
        epoch=epoch,
        id=finding.id,
        kind=finding.kind,
        kind_name=KINDS[finding.kind],
        effect=None if difference is None else difference.value,
        effect_interval=None if difference is None else difference.interval,
        prevalence=finding.prevalence.value,
        prevalence_interval=finding.prevalence.interval,
        sentence=capital(finding.sentence),
        reason=get_unstated_reason(finding),
        rows=sorted(finding.rows),
    )
