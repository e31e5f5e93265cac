"""The timeline of a watched training over the API is that of the report."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from whyset.report.timeline import describe_onset, read_effects, read_timeline
from whyset.store import Run, open_run
from whyset.store.effects import Estimate
from whyset.store.watched import claim_folder, locate_epoch


@pytest.fixture
def watched(run: Run, found: ModuleType, tmp_path: Path) -> Path:
    """Three epochs; the marked horses have an effect of 0.05, 0.3 and 0.69, cats are there from the first one on."""
    folder = tmp_path / "watch"
    claim_folder(folder, 0.2)
    for epoch, effect in zip((0, 2, 4), (0.05, 0.3, 0.69), strict=True):
        shutil.copytree(run.path, locate_epoch(folder, epoch))
        opened = open_run(locate_epoch(folder, epoch))
        strategy, unknown, horse = found.make_findings(opened)
        horse = replace(
            horse, effect=replace(horse.effect, difference=Estimate(effect, (effect - 0.1, effect + 0.1), 10))
        )
        findings = (strategy, unknown, horse) if epoch else (strategy,)
        found.write_sample_findings(opened, findings=findings, not_searched={} if epoch else {"00002": "no host"})
    return folder


def read(admitted: Callable[..., Any], *runs: Path) -> dict[str, Any]:
    response = admitted(*runs).get(f"/api/runs/{runs[0].name}/timeline")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_the_answer_is_the_timeline_of_the_report(admitted: Any, watched: Path) -> None:
    answer = read(admitted, *(locate_epoch(watched, epoch) for epoch in (4, 0, 2)))
    timeline = read_timeline(watched)
    assert [one["epoch"] for one in answer["epochs"]] == list(timeline.epochs)
    assert (answer["threshold"], answer["epoch"], answer["n_announced"]) == (timeline.threshold, 4, 1)
    assert len(answer["tracks"]) == answer["n_tracks"] == len(timeline.tracks)
    for sent, track in zip(answer["tracks"], timeline.tracks, strict=True):
        effects = {point["epoch"]: point["effect"] for point in sent["points"]}
        assert [effects.get(epoch) for epoch in timeline.epochs] == read_effects(timeline, track)
        assert sent["described"] == describe_onset(timeline, track)
        assert sent["onset"] == track.find_onset(timeline.threshold)
        assert [point["id"] for point in sent["points"]] == [one.id for one in track.findings]
        assert [point["prevalence"] for point in sent["points"]] == [one.prevalence.value for one in track.findings]
    first = answer["tracks"][0]
    assert (first["class_name"], first["onset"]) == ("horse", 2)
    assert first["announcement"].startswith("Class horse: 50 % of its images (10) carry a piece")
    assert first["points"][0]["effect_interval"] == pytest.approx([0.2, 0.4])
    assert [point["kind"] for point in first["points"]] == ["suspicion", "suspicion"]


def test_epochs_name_their_open_runs_accuracy_and_what_was_not_tested(admitted: Any, watched: Path, run: Run) -> None:
    answer = read(admitted, locate_epoch(watched, 2), locate_epoch(watched, 4))
    assert [one["run"] for one in answer["epochs"]] == [None, "epoch-0002", "epoch-0004"]
    accuracy = admitted(run.path).get("/api/runs/sample").json()["accuracy"]
    assert [one["accuracy"] for one in answer["epochs"]] == [accuracy] * 3  # also of the run that is not open
    assert answer["epochs"][0]["notices"] == ["1 class was not searched: no host."]
    assert answer["epochs"][1]["notices"] == []


def test_an_epoch_that_cannot_be_read_is_left_out_and_named(admitted: Any, watched: Path) -> None:
    shutil.rmtree(locate_epoch(watched, 2) / "findings")
    (locate_epoch(watched, 4) / "run.json").write_text("{")
    answer = read(admitted, *(locate_epoch(watched, epoch) for epoch in (0, 2, 4)))
    assert [one["is_known"] for one in answer["epochs"]] == [True, False, False]
    assert [notice.partition(":")[0] for notice in answer["notices"]] == ["epoch 2 is left out", "epoch 4 is left out"]
    assert answer["epochs"][2]["accuracy"] is None


def test_a_run_of_no_training_has_no_timeline(admitted: Any, run: Run, watched: Path) -> None:
    client = admitted(run.path, locate_epoch(watched, 2))
    assert client.get("/api/runs/sample/timeline").status_code == 404
    assert client.get("/api/runs/sample").json()["epoch"] is None
    assert client.get("/api/runs/epoch-0002").json()["epoch"] == 2
