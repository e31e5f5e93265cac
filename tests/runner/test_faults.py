"""A full disk stops a job at once and loses nothing; what hangs is named, and replaced where it can be."""

import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.engines import Engine, Local, Serial, Static, TaskResult, Work
from whyset.errors import JobStoppedError
from whyset.progress import Silent
from whyset.runner import DatasetSource, ModelSource, Preprocessing
from whyset.store import open_run
from whyset.testing.tasks import until

COUNT, ROWS = 160, 16
STATED = Preprocessing(size=(32, 32))
"""With it no sample is read to measure the range of all."""


class Said(Silent):
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        for name, value in {"lines": [], "advanced": []}.items():
            object.__setattr__(self, name, value)

    def info(self, line: str) -> None:
        self.lines.append(line)  # type: ignore[attr-defined]

    def advance(self, n: int) -> None:
        self.advanced.append(n)  # type: ignore[attr-defined]


class Images(torch.utils.data.Dataset[Any]):
    """Images of 3x32x32; reading sample `hanging` waits until the file `release` is there."""

    def __init__(self, release: Path | None = None, hanging: int = -1) -> None:
        self.release, self.hanging = release, hanging
        self.targets = [index % 2 for index in range(COUNT)]
        self.read: list[int] = []

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.read.append(index)
        while index == self.hanging and self.release is not None and not self.release.exists():
            time.sleep(0.02)
        return torch.full((3, 32, 32), index / COUNT), self.targets[index]


class HangingOnce(Images):
    """Reading sample `hanging` never ends where the file `release` is not there yet, and makes it."""

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == self.hanging and self.release is not None and not self.release.exists():
            self.release.touch()
            threading.Event().wait()
        return torch.full((3, 32, 32), index / COUNT), self.targets[index]


MODEL = """
import torch
from torch import nn

def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
"""


def net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2)).eval()


@pytest.fixture(autouse=True)
def many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: ROWS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 768 kB; a shard takes 150 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=768k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here (it needs root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_full_disk_stops_the_job_and_the_same_call_continues(
    engine: str, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whyset.runner.plan.require_free_space", lambda *_: 0)  # others fill the disk while we work
    (tmp_path / "model.py").write_text(MODEL)
    model, said = ModelSource(f"{tmp_path / 'model.py'}:net"), Said()
    images = np.random.default_rng(0).standard_normal((COUNT, 3, 32, 32)).astype(np.float32)
    given: dict[str, Any] = {"engine": Local(workers=1) if engine == "local" else "serial", "progress": said}
    with pytest.raises(JobStoppedError, match=r"stopped with (\d+) of 160 samples explained: .*the disk is full"):
        ws.explain(model, images, small_disk / "run", **given)
    kept = int(open_run(small_disk / "run").committed.sum())
    assert 0 < kept < COUNT / 2
    assert sum(said.advanced) == kept  # type: ignore[attr-defined]
    assert not [problem for problem in open_run(small_disk / "run").verify() if not problem.harmless]
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    run = ws.explain(model, images, small_disk / "run", **given)
    assert run.committed.all()
    assert sum(said.advanced) == COUNT  # type: ignore[attr-defined]


def test_after_a_full_disk_nothing_more_is_computed(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.require_free_space", lambda *_: 0)
    images = Images()
    with pytest.raises(JobStoppedError):
        ws.explain(net(), DatasetSource(images, STATED), small_disk / "run")
    kept = int(open_run(small_disk / "run").committed.sum())
    assert max(images.read[images.read.index(kept) :]) < COUNT - ROWS  # of ten shards, the one in flight at most


def test_the_command_ends_with_the_code_of_what_can_be_continued(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from whyset.cli.app import run as program

    monkeypatch.setattr("whyset.runner.plan.require_free_space", lambda *_: 0)
    (tmp_path / "model.py").write_text(MODEL)
    np.save(tmp_path / "images.npy", np.random.default_rng(0).standard_normal((COUNT, 3, 32, 32)).astype(np.float32))
    out = small_disk / "run"
    model, data = f"{tmp_path / 'model.py'}:net", str(tmp_path / "images.npy")
    code = program(["explain", "--model", model, "--data", data, "--out", str(out), "--composite", "gradient"])
    printed = capsys.readouterr()
    assert code == 3
    assert "the disk is full" in printed.err
    assert "then run the same command again" in printed.err
    assert "160 of 160" not in printed.out


@pytest.mark.parametrize(
    ("stated", "advice"), [(STATED, "use the engine 'local'"), (None, r"state the preprocessing (preprocessing=)")]
)
def test_a_sample_that_hangs_is_named_in_this_process(
    stated: Preprocessing | None, advice: str, tmp_path: Path
) -> None:
    """While it is explained, and while the range of all samples is measured before that."""
    images, said = Images(tmp_path / "release", hanging=21), Said()
    runs: list[Any] = []

    def explain() -> None:
        runs.append(
            ws.explain(net(), DatasetSource(images, stated), tmp_path / "run", stall_timeout=0.2, progress=said)
        )

    job = threading.Thread(target=explain)
    job.start()
    until(lambda: any("reading sample 21 (21) has taken" in line for line in said.lines))  # type: ignore[attr-defined]
    (tmp_path / "release").touch()
    job.join()
    assert runs[0].committed.all()
    (line,) = (line for line in said.lines if "sample 21 (21)" in line)  # type: ignore[attr-defined]
    assert advice in line


class HangingEarly(Images):
    """Waits until the file `release` is there when sample `hanging` is read for the `times`-th time."""

    def __init__(self, release: Path, hanging: int, times: int, labeled: bool) -> None:
        super().__init__(release, hanging)
        self.times = times
        if not labeled:
            del self.targets

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.read.append(index)
        assert self.release is not None
        while index == self.hanging and self.read.count(index) == self.times and not self.release.exists():
            time.sleep(0.02)
        return torch.full((3, 32, 32), index / COUNT), index % 2


class Unwatched(Engine):
    """Does the tasks here, but as an engine that sends them elsewhere."""

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        yield from Serial().run(work, tasks, retries)


STAGES = {
    "opening": (0, 1, True, "opening the data set has taken "),
    "labels": (21, 1, False, "reading labels, fingerprint and a few samples of the data set has taken "),
    "probe": (20, 3, True, "reading labels, fingerprint and a few samples of the data set has taken "),
    "measurement": (1, 1, True, "reading sample 1 (1) has taken "),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("engine", ["serial", Local(workers=1, stall_timeout=0)], ids=["serial", "local"])
def test_what_hangs_before_the_first_shard_is_reported(
    stage: str, engine: str | Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the engine is: this process does all of it."""
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 4 * ROWS)  # so that the speed is measured
    monkeypatch.setattr("whyset.runner.shard_duration._ONE_OF", 1)  # on a whole batch, as in a long run
    (tmp_path / "model.py").write_text(MODEL)
    hanging, times, labeled, line = STAGES[stage]
    images, said, runs = HangingEarly(tmp_path / "release", hanging, times, labeled), Said(), []

    def explain() -> None:
        model = ModelSource(f"{tmp_path / 'model.py'}:net")
        given = {"stall_timeout": 0.2, "progress": said, "preprocessing": STATED}  # or the range is measured before
        runs.append(ws.explain(model, images, tmp_path / "run", engine=engine, **given))  # type: ignore[arg-type]

    job = threading.Thread(target=explain)
    job.start()
    until(lambda: any(told.startswith(line) for told in said.lines))  # type: ignore[attr-defined]
    assert "stop it (committed shards are kept)" in said.lines[-1]  # type: ignore[attr-defined]
    (tmp_path / "release").touch()
    job.join()
    assert runs[0].committed.all()


@pytest.mark.parametrize(("timeout", "count"), [(600.0, 1), (0, 0)])
def test_an_engine_that_does_not_watch_its_workers_says_so(timeout: float, count: int, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    said, model = Said(), ModelSource(f"{tmp_path / 'model.py'}:net")
    given: dict[str, Any] = {"engine": Static(0, 1, Unwatched()), "stall_timeout": timeout, "progress": said}
    for _ in range(2):  # the second time there is nothing to do
        assert ws.explain(model, Images(), tmp_path / "run", **given).committed.all()
    lines = [line for line in said.lines if "the engine Unwatched does not notice" in line]  # type: ignore[attr-defined]
    assert len(lines) == count


def test_a_worker_that_hangs_is_replaced_and_its_sample_named(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    said, source = Said(), DatasetSource(Images(tmp_path / "never", hanging=21), STATED)
    run = ws.explain(
        ModelSource(f"{tmp_path / 'model.py'}:net"),
        source,
        tmp_path / "run",
        engine=Local(workers=1),
        stall_timeout=5,
        progress=said,
    )
    assert np.flatnonzero(~run.committed).tolist() == list(range(16, 32))
    (line,) = (line for line in said.lines if line.startswith("shard 1 "))  # type: ignore[attr-defined]
    assert "it ended 3 workers (the last was ended after 5 s without progress" in line
    assert "while it waited for sample 21 (21)), and was given up" in line


def test_a_worker_that_hung_once_does_its_shard_when_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    said, source = Said(), DatasetSource(HangingOnce(tmp_path / "hung", hanging=21), STATED)
    model, engine = ModelSource(f"{tmp_path / 'model.py'}:net"), Local(workers=1, stall_timeout=5)
    run = ws.explain(model, source, tmp_path / "run", engine=engine, progress=said)
    assert (tmp_path / "hung").exists()
    assert run.committed.all()
    assert sum(said.advanced) == COUNT  # type: ignore[attr-defined]
