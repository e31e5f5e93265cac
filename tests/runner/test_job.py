"""Workers load the model by path: one that is not the model of the run explains nothing, and the run can continue."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.engines import Engine, Local, Static, TaskResult, Work
from whyset.errors import JobStoppedError, RunMismatchError
from whyset.runner import DatasetSource, ModelSource
from whyset.runner.rerun import rerun
from whyset.store import open_run
from whyset.store.layout import is_run
from whyset.testing.tasks import until

COUNT, ROWS, FATAL = 64, 16, 40
"""Four shards; the sample that ends its worker is in the third."""

MODEL = """
from pathlib import Path

import torch
from torch import nn

Path({trace!r}).open("a").write("{name} ")

def net():
    torch.manual_seed({seed})
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 2))
"""


@dataclass(frozen=True)
class Overwrite:
    """Copies `new` over `old`, once: the run that is tried again finds what was put there in the meantime."""

    new: Path
    old: Path

    @property
    def done(self) -> bool:
        return not self.new.exists()

    def __call__(self) -> None:
        self.new.replace(self.old)


class Images(torch.utils.data.Dataset[Any]):
    """Images of 3x4x5; once two shards are committed, reading sample `FATAL` overwrites a file and kills the worker."""

    def __init__(self, run: Path, overwrite: Overwrite) -> None:
        self.run, self.overwrite = run, overwrite
        self.targets = [index % 2 for index in range(COUNT)]

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        if index == FATAL and multiprocessing.parent_process() is not None and not self.overwrite.done:
            until(lambda: is_run(self.run) and int(open_run(self.run).committed.sum()) == 2 * ROWS)
            self.overwrite()
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.sin(torch.arange(60.0) + index).reshape(3, 4, 5), self.targets[index]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: ROWS)


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """Write a model file that notes its name when it is executed; the seed decides on the weights."""

    def write(name: str, seed: int) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(MODEL.format(trace=str(tmp_path / "executed"), name=name, seed=seed))
        return path

    return write


@pytest.fixture
def changing(
    request: pytest.FixtureRequest, tmp_path: Path, write_model: Callable[..., Path]
) -> tuple[ModelSource, Overwrite]:
    """A model with a checkpoint, and what overwrites the file with this suffix by that of another model."""
    model, other = write_model("model", seed=1), write_model("other", seed=2)
    for path in (model, other):
        torch.save(ModelSource(f"{path}:net").load().module.state_dict(), path.with_suffix(".pt"))
    (tmp_path / "executed").unlink()
    overwrite = Overwrite(other.with_suffix(request.param), model.with_suffix(request.param))
    return ModelSource(f"{model}:net", model.with_suffix(".pt")), overwrite


@dataclass(frozen=True)
class Late(Local):
    """Workers that start after a file was overwritten."""

    overwrite: Callable[[], None] = print

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        self.overwrite()
        yield from super().run(work, tasks, retries)


@pytest.mark.parametrize(
    ("changing", "engine"),
    [(".pt", Local(workers=1)), (".py", Static(0, 1, Local(workers=1)))],
    indirect=["changing"],
    ids=["checkpoint", "file"],
)
def test_a_model_that_is_overwritten_between_two_workers_explains_nothing(
    changing: tuple[ModelSource, Overwrite], engine: Engine, tmp_path: Path
) -> None:
    model, overwrite = changing
    source, out = DatasetSource(Images(tmp_path / "run", overwrite)), tmp_path / "run"
    before = overwrite.old.read_bytes()
    with pytest.raises(JobStoppedError, match=r"stopped with 32 of 64 samples explained.*expected SHA-256") as raised:
        ws.explain(model, source, out, engine=engine)
    assert overwrite.done
    assert str(overwrite.old) in str(raised.value)
    assert open_run(out).committed.tolist() == [True] * 2 * ROWS + [False] * 2 * ROWS
    assert "other" not in (tmp_path / "executed").read_text()
    with pytest.raises(RunMismatchError, match="weights_hash" if overwrite.old.suffix == ".pt" else "model"):
        ws.explain(model, source, out)

    overwrite.old.write_bytes(before)
    run = ws.explain(model, source, out)
    assert run.committed.all()
    assert not list(run.verify())
    whole = ws.explain(model, source, tmp_path / "whole")
    np.testing.assert_array_equal(run.relevance[:], whole.relevance[:])


@pytest.mark.parametrize("changing", [".pt", ".py"], indirect=True, ids=["checkpoint", "file"])
def test_the_workers_of_a_repeated_run_compare_as_well(changing: tuple[ModelSource, Overwrite], tmp_path: Path) -> None:
    model, overwrite = changing
    np.save(tmp_path / "images.npy", np.random.default_rng(0).standard_normal((COUNT, 3, 4, 5)).astype(np.float32))
    ws.explain(model, tmp_path / "images.npy", tmp_path / "run")
    with pytest.raises(JobStoppedError, match="stopped with 0 of 64 samples explained"):
        rerun(tmp_path / "run", tmp_path / "new", engine=Late(workers=1, overwrite=overwrite))
    assert overwrite.done
    assert not open_run(tmp_path / "new").committed.any()
    assert "other" not in (tmp_path / "executed").read_text()


def test_a_model_with_other_weights_each_time_it_is_made_needs_one_process(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "from torch import nn\n\nnet = lambda: nn.Sequential(nn.Flatten(), nn.Linear(60, 2))\n"
    )
    model, images = ModelSource(f"{tmp_path / 'model.py'}:net"), np.ones((4, 3, 4, 5), np.float32)
    with pytest.raises(JobStoppedError, match=r"random weights need a file .*or the engine 'serial'"):
        ws.explain(model, images, tmp_path / "run", engine=Local(workers=1))
    assert not open_run(tmp_path / "run").committed.any()
    assert ws.explain(model, images, tmp_path / "serial").committed.all()
