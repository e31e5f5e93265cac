"""The same finding in several epochs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from whyset.analysis.finding_tracks import track_findings
from whyset.store.effects import Estimate
from whyset.store.findings import Finding


@pytest.fixture
def make(sample_run: ModuleType, found: ModuleType, tmp_path: Path) -> Callable[..., Finding]:
    """`make(rows, effect=0.5, kind="suspicion", class_id="a")`: a finding."""
    like = found.make_findings(sample_run.make_sample_run(tmp_path / "run"))[2]

    def make(rows: range, effect: float = 0.5, kind: str = "suspicion", class_id: str = "a") -> Finding:
        measured = replace(like.effect, difference=Estimate(effect, None, 10))
        return replace(like, rows=tuple(rows), effect=measured, kind=kind, class_id=class_id)

    return make


def test_a_finding_continues_if_most_of_the_smaller_group_is_shared(make) -> None:
    found = {0: [make(range(10))], 2: [make(range(5, 40))], 3: [make(range(100, 110))]}
    tracks = track_findings(found)
    assert [one.epochs for one in tracks] == [(0, 2), (3,)]
    assert tracks[0].last.rows == tuple(range(5, 40))


def test_findings_of_other_classes_are_others(make) -> None:
    tracks = track_findings({0: [make(range(10))], 1: [make(range(10), class_id="b")]})
    assert [one.epochs for one in tracks] == [(0,), (1,)]


def test_the_largest_overlap_continues_and_each_only_once(make) -> None:
    wide, narrow = make(range(100)), make(range(200, 210))
    found = {0: [wide, narrow], 1: [make(range(90)), make(range(80, 100)), make(range(200, 209))]}
    tracks = track_findings(found)
    assert [(one.epochs, len(one.last.rows)) for one in tracks] == [((0, 1), 90), ((0, 1), 9), ((1,), 20)]


def test_an_epoch_without_it_does_not_end_a_track(make) -> None:
    tracks = track_findings({0: [make(range(10))], 1: [], 2: [make(range(10))]})
    assert [one.epochs for one in tracks] == [(0, 2)]


def test_the_onset_is_the_first_suspicion_with_the_effect(make) -> None:
    rows = range(10)
    found = {0: [make(rows, 0.9, "strategy")], 1: [make(rows, 0.1)], 2: [make(rows, 0.3)], 3: [make(rows, 0.8)]}
    (track,) = track_findings(found)
    assert (track.find_onset(0.3), track.find_onset(0.5), track.find_onset(0.9)) == (2, 3, None)


def test_no_epochs_have_no_tracks() -> None:
    assert track_findings({}) == []
