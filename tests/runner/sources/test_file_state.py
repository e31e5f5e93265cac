"""A data file that is changed while a run is computed: no shard is committed that may hold both, and none is lost."""

import gc
import os
import shutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import whyset as ws
from whyset.engines import Engine, Local, Progress, TaskResult, Work
from whyset.errors import JobStoppedError, RunMismatchError
from whyset.runner import ArrayFileSource, ArraySource, DatasetSource, ModelSource
from whyset.runner.sources.file_state import FileState, opened_files
from whyset.store import open_run

COUNT, ROWS = 64, 16

MODEL = """
import multiprocessing
from pathlib import Path

import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(60, 2))

    def forward(self, x):
        new = Path({new!r})
        if multiprocessing.parent_process() is not None and new.exists():
            with open({old!r}, "r+b") as file:
                file.write(new.read_bytes())
            new.unlink()
        return self.layers(x)
"""


def save(path: Path, images: Any, labels: Any) -> None:
    if path.suffix == ".npy":
        np.save(path, images)
    elif path.suffix == ".npz":
        np.savez(path, images=images, labels=labels)
    else:
        with h5py.File(path, "w") as file:
            file.update(images=images, labels=labels)


@dataclass(frozen=True)
class Files:
    """A data file, and one of the same size with other images."""

    old: Path
    new: Path

    def overwrite(self) -> None:
        """Change the file in place, as a program does that has it open."""
        with self.old.open("r+b") as file:
            file.write(self.new.read_bytes())

    def copy(self) -> None:
        """Put another file with the same content there, as on another machine."""
        copy = self.old.with_name("copy")
        shutil.copyfile(self.old, copy)
        copy.replace(self.old)


@dataclass(frozen=True)
class Late(Local):
    """Workers that start after something was done."""

    before: Callable[[], None] = print

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        self.before()
        yield from super().run(work, tasks, retries)


class After(Progress):
    """Does something once, when the first shard is reported."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do: Callable[[], None] | None = do

    def advance(self, count: int) -> None:
        if self.do is not None:
            self.do()
            self.do = None


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: ROWS)


@pytest.fixture(params=[".npy", ".npz", ".h5"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    found = Files(tmp_path / f"old{request.param}", tmp_path / f"new{request.param}")
    generator, labels = np.random.default_rng(0), np.arange(COUNT) % 2
    for path in (found.old, found.new):
        save(path, generator.standard_normal((COUNT, 3, 4, 5)).astype(np.float32), labels)
    return found


@pytest.fixture
def model(files: Files) -> ModelSource:
    """A model that overwrites the data file when a worker first calls it, if `second` is there by then."""
    path = files.old.with_name("model.py")
    path.write_text(MODEL.format(old=str(files.old), new=str(path.with_name("second"))))
    return ModelSource(f"{path}:Net")


def require_stopped(files: Files, model: ModelSource, out: Path, explain: Callable[[], Any], consequence: str) -> None:
    """What was committed is of the old file, and the run continues once this is there again."""
    before, state = files.old.read_bytes(), FileState.of(files.old)
    with pytest.raises(JobStoppedError, match=consequence) as raised:
        explain()
    assert f"data file {files.old} was changed" in str(raised.value)
    assert f"expected {state}, got {FileState.of(files.old)}: put it back" in str(raised.value)
    assert not open_run(out).committed.all()
    del raised
    gc.collect()  # closes the file: while a process has it open, HDF5 gives what it read before
    with pytest.raises(RunMismatchError, match="dataset_fingerprint"):
        explain()

    files.old.write_bytes(before)
    run = explain()
    assert run.committed.all()
    assert not list(run.verify())
    whole = ws.explain(model, files.old, out.with_name("whole"))
    np.testing.assert_array_equal(run.relevance[:], whole.relevance[:])


def test_a_file_that_is_changed_before_workers_open_it_is_not_explained(
    files: Files, model: ModelSource, tmp_path: Path
) -> None:
    engines = iter([Late(workers=1, before=files.overwrite), "serial", "serial"])
    explain = lambda: ws.explain(model, files.old, tmp_path / "run", engine=next(engines))  # noqa: E731
    require_stopped(files, model, tmp_path / "run", explain, "so a worker explained nothing")
    assert not list(engines)


def test_a_shard_during_which_the_file_was_changed_is_not_committed(
    files: Files, model: ModelSource, tmp_path: Path
) -> None:
    shutil.copyfile(files.new, tmp_path / "second")
    engines = iter([Local(workers=1), "serial", "serial"])
    explain = lambda: ws.explain(model, files.old, tmp_path / "run", engine=next(engines))  # noqa: E731
    require_stopped(files, model, tmp_path / "run", explain, "stopped with 0 of 64.*so shard 0 was not committed")
    assert not list(engines)


def test_the_same_holds_without_workers(files: Files, model: ModelSource, tmp_path: Path) -> None:
    explain = partial(ws.explain, model, files.old, tmp_path / "run", progress=After(files.overwrite))
    require_stopped(files, model, tmp_path / "run", explain, r"so shard \d was not committed")


@pytest.mark.parametrize("engine", ["late", "serial"])
def test_a_copy_of_the_file_is_the_same_data(files: Files, model: ModelSource, engine: str, tmp_path: Path) -> None:
    chosen: Engine | str = Late(workers=1, before=files.copy) if engine == "late" else "serial"
    inode = files.old.stat().st_ino
    assert ws.explain(model, files.old, tmp_path / "run", engine=chosen).committed.all()
    assert (files.old.stat().st_ino != inode) == (engine == "late")


def test_a_limited_source_and_a_saved_data_set_have_the_files_that_they_read(files: Files, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    assert opened_files(ws.runner.sources.SpreadSource(ArrayFileSource(files.old), 8)) == (FileState.of(files.old),)
    datasets.Dataset.from_dict({"x": [[0.0, 1.0]] * 3, "label": [0, 1, 0]}).save_to_disk(tmp_path / "saved")
    source = ws.runner.HuggingFaceSource.load(tmp_path / "saved", None, None)
    (arrow,) = (tmp_path / "saved").glob("*.arrow")
    assert [file.path.resolve() for file in opened_files(source)] == [arrow.resolve()]


def test_sources_without_files_have_none() -> None:
    assert opened_files(ArraySource(np.zeros((2, 1, 8, 6), np.float32))) == ()
    assert opened_files(DatasetSource([(torch.zeros(1, 8, 6), 0)])) == ()


def test_a_file_that_is_gone_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    path.write_bytes(b"1234")
    os.utime(path, ns=(0, 1_700_000_000_000_000_001))
    assert str(FileState.of(path)).startswith("4 bytes, modified 2023-11-14 22:13:20.000000001 UTC, inode ")
    path.unlink()
    assert str(FileState.of(path)) == "no file"
