"""`whyset explain` by workers: a sample that kills its worker three times, ranks that share a run, a lost cluster."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import whyset as ws
from whyset.cli import main

MODEL = '''
import os
import signal

import torch
from torch import nn

PREPROCESSING = {"size": (4, 5), "mean": (0.0,), "std": (1.0,)}


class Net(nn.Module):
    """A white image kills the process that looks at it, where KILLER is set."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 4 * 5, 2)

    def forward(self, x):
        if "KILLER" in os.environ and bool((x.flatten(1) == 1).all(dim=1).any()):
            os.kill(os.getpid(), signal.SIGKILL)
        return self.head(x.flatten(1))


def net():
    torch.manual_seed(0)
    return Net()
'''

PROGRAM = """
import sys
from whyset.cli import main
from whyset.store import default_arrays

default_arrays._MOST_SHORT_ROWS = 1024
sys.exit(main())
"""
SHARD = 1024
Arguments = Callable[..., list[str]]


@pytest.fixture(scope="module", autouse=True)
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whyset.store.default_arrays._MOST_SHORT_ROWS", SHARD)
        yield


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    """`arguments(out, *more)`: a job of three shards; a white image lies in the second one."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "model.py").write_text(MODEL)
    (folder / "images").mkdir()
    random = np.random.default_rng(0)
    for number in range(2 * SHARD + 100):
        pixels = random.integers(0, 255, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(np.full_like(pixels, 255) if number == SHARD + 7 else pixels).save(
            folder / f"images/{number:05d}.png", compress_level=0
        )
    options = {"model": f"{folder / 'model.py'}:net", "data": folder / "images", "composite": "gradient"}
    given = ["explain", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    return lambda out, *more: [*given, "--out", str(out), *more]


@pytest.fixture(scope="module")
def serial(arguments: Arguments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same job done serially, undisturbed."""
    run = tmp_path_factory.mktemp("serial") / "run"
    assert main(arguments(run)) == 0
    return run


def start(command: Sequence[str], **environment: str) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "RANK", "WORLD_"))}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def require_same(one: Path, other: Path) -> None:
    mine, theirs = ws.open_run(one), ws.open_run(other)
    for spec in theirs.arrays:
        assert np.asarray(mine.array(spec.name)).tobytes() == np.asarray(theirs.array(spec.name)).tobytes(), spec.name
    assert mine.verify() == []


def test_a_shard_that_kills_its_worker_three_times_is_left_out_and_told_with_exit_code_3(
    arguments: Arguments, serial: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = start(arguments(run, "--engine", "local", "--workers", "2"), KILLER="1")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3, out + err
    assert f"shard 1 (samples {SHARD} to {2 * SHARD - 1}) failed: it ended 3 workers" in out
    assert f"1,024 of {2 * SHARD + 100:,} samples are missing; repeat the command to try them again" in out
    assert ws.open_run(run).pending_shards() == [1]
    assert main(arguments(run)) == 0
    require_same(run, serial)


def test_two_ranks_share_a_run_and_each_tells_what_is_left(
    arguments: Arguments,
    serial: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main(arguments(run, "--engine", "static")) == 0
    told = capsys.readouterr().out
    assert f"rank 1 of 2 has finished its part; 1,124 of {2 * SHARD + 100:,} samples are left to rank 0" in told
    monkeypatch.setenv("RANK", "0")
    assert main(arguments(run, "--engine", "static")) == 0
    assert f"{run} is complete" in capsys.readouterr().out
    require_same(run, serial)


def test_a_rank_that_is_killed_leaves_the_other_one_alone_and_does_its_part_later(
    arguments: Arguments, serial: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    ranks = [start(arguments(run, "--engine", "static"), KILLER="1", RANK=str(n), WORLD_SIZE="2") for n in (0, 1)]
    ends = [rank.communicate(timeout=300) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, -signal.SIGKILL], ends
    assert ws.open_run(run).pending_shards() == [1]
    again = start(arguments(run, "--engine", "static"), RANK="1", WORLD_SIZE="2")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, out + err
    require_same(run, serial)


def test_a_dask_cluster_does_the_same_as_a_serial_run(
    arguments: Arguments, serial: Path, scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path / "run", "--engine", "dask", "--scheduler", scheduler)) == 0
    require_same(tmp_path / "run", serial)


def test_a_lost_scheduler_is_one_line_with_exit_code_3(
    arguments: Arguments, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from whyset.engines import Dask
    from whyset.errors import EngineLostError

    def lost(*_: object) -> None:
        raise EngineLostError("the Dask scheduler is gone")

    monkeypatch.setattr(Dask, "run", lost)
    assert main(arguments(tmp_path / "run", "--engine", "dask", "--scheduler", "tcp://10.0.0.7:8786")) == 3
    assert capsys.readouterr().err == "whyset: the Dask scheduler is gone\n"
