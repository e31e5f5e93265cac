"""A full disk stops a job at once and loses nothing; what hangs is named, and replaced where it can be."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.engines import Local
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

    def say(self, line: str) -> None:
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
    until(lambda: any("sample 21 (21) has been read for" in line for line in said.lines))  # type: ignore[attr-defined]
    (tmp_path / "release").touch()
    job.join()
    assert runs[0].committed.all()
    (line,) = (line for line in said.lines if "sample 21 (21)" in line)  # type: ignore[attr-defined]
    assert advice in line


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
