"""The timeline of a watched training: what is announced, in which epoch, and what cannot be read."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from whyset.cli import main
from whyset.errors import InputError
from whyset.report.findings import read_findings
from whyset.report.timeline import list_lines, read_effects, read_timeline
from whyset.store import Run, open_run
from whyset.store.effects import Estimate
from whyset.store.watched import claim_folder, locate_epoch
from whyset.viewer.state_files import sort_arguments


@pytest.fixture
def watched(run: Run, found: ModuleType, tmp_path: Path) -> Path:
    """Three epochs of the sample run; the marked horses have an effect of 0.05, 0.3 and 0.69."""
    folder = tmp_path / "watch"
    claim_folder(folder, 0.2)
    for epoch, effect in zip((0, 2, 4), (0.05, 0.3, 0.69), strict=True):
        copy = locate_epoch(folder, epoch)
        shutil.copytree(run.path, copy)
        opened = open_run(copy)
        strategy, unknown, horse = found.make_findings(opened)
        horse = replace(horse, effect=replace(horse.effect, difference=Estimate(effect, None, 10)))
        found.write_sample_findings(opened, findings=(strategy, unknown, horse) if epoch else (strategy,))
    return folder


def test_what_is_announced_comes_first(watched: Path) -> None:
    timeline = read_timeline(watched)
    assert timeline.epochs == (0, 2, 4)
    first = timeline.tracks[0]
    assert first.last.class_name == "horse"
    assert (first.epochs, first.find_onset(timeline.threshold)) == ((2, 4), 2)
    assert read_effects(timeline, first) == [None, 0.3, 0.69]
    assert [one.epochs for one in timeline.until(2).tracks if one.last.class_name == "horse"] == [(2,)]


def test_the_lines_state_epochs_and_effects(watched: Path) -> None:
    lines = list_lines(read_timeline(watched))
    assert lines[0].endswith("3 epochs, 3 findings, 1 announced (suspicions with an effect of at least 0.2)")
    assert lines[2].startswith("1. announced in epoch 2: class horse: 50 % of its images")
    assert lines[3] == "   effect by epoch: 0: -, 2: 0.30, 4: 0.69"
    assert "not announced, found since epoch 0: class cat" in "\n".join(lines)


def test_the_command_prints_the_timeline(watched: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(watched)]) == 0
    assert "announced in epoch 2: class horse" in capsys.readouterr().out


def test_the_report_of_an_epoch_says_when_it_was_announced(watched: Path) -> None:
    notices = read_findings(open_run(locate_epoch(watched, 4))).notices
    assert notices[-1] == (
        "Epoch 4 of a training: class horse, window of 3 x 3: announced in epoch 2 "
        "(effect by epoch 0: -, 2: 0.30, 4: 0.69)."
    )
    assert len(notices) == 1  # only of suspicions
    assert read_findings(open_run(locate_epoch(watched, 0))).notices == ()


def test_a_run_of_no_training_says_nothing_of_epochs(run: Run, found: ModuleType) -> None:
    found.write_sample_findings(run)
    assert read_findings(run).notices == ()


def test_the_viewer_opens_all_epochs(watched: Path, tmp_path: Path) -> None:
    assert sort_arguments([watched]).runs == tuple(locate_epoch(watched, epoch) for epoch in (0, 2, 4))


def test_an_epoch_that_cannot_be_read_is_named(watched: Path) -> None:
    shutil.rmtree(locate_epoch(watched, 2) / "findings")
    (locate_epoch(watched, 4) / "run.json").write_text("{")
    timeline = read_timeline(watched)
    assert timeline.epochs == (0,)
    assert [notice.partition(":")[0] for notice in timeline.notices] == ["epoch 2 is left out", "epoch 4 is left out"]


def test_an_epoch_of_other_data_is_left_out(
    watched: Path, sample_run: ModuleType, found: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = sample_run._config
    monkeypatch.setattr(sample_run, "_config", lambda *given: replace(make(*given), dataset_fingerprint="another"))
    found.write_sample_findings(sample_run.make_sample_run(locate_epoch(watched, 6)))
    timeline = read_timeline(watched)
    assert timeline.epochs == (0, 2, 4)
    (notice,) = timeline.notices
    assert notice.startswith("epoch 6 is left out: its data are not those of epoch 0")


def test_another_folder_has_no_timeline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a watched training"):
        read_timeline(tmp_path)
