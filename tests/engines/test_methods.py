"""Methods by workers: serial, worker processes, ranks and a Dask cluster write the same bytes, also after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whyset as ws
from whyset.attribution.methods import CaptumMethod, IntegratedGradientsMethod, OcclusionMethod, SmoothGradMethod
from whyset.engines import Dask, Local
from whyset.runner import ModelSource

MODEL = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Linear(2 * 8, 2)

    def forward(self, x):
        return self.head(self.relu(self.conv(x)).flatten(1)).softmax(1)


def net():
    torch.manual_seed(0)
    return Net()
"""

METHODS: dict[str, Any] = {
    "smooth_grad": SmoothGradMethod("epsilon_plus", n_iter=3),
    "integrated_gradients": IntegratedGradientsMethod(3),
    "occlusion": OcclusionMethod((2, 3)),
    "drawn by captum": CaptumMethod("KernelShap", {"n_samples": 6}, patch=3),
}
SAMPLES = 30

KILLED = """
import os, signal, sys
import whyset.runner.plan
from whyset.runner import shard as module
from whyset.cli import main

whyset.runner.plan.shard_rows_for = lambda *_: 8
write, written = module.write_shard, []

def write_two(*given, **named):
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(write(*given, **named))

module.write_shard = write_two
sys.exit(main())
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelSource, Path]:
    monkeypatch.setattr("whyset.runner.plan.shard_rows_for", lambda *_: 8)
    (tmp_path / "model.py").write_text(MODEL)
    np.save(tmp_path / "images.npy", np.random.default_rng(0).random((SAMPLES, 3, 4, 6), dtype=np.float32))
    return ModelSource(f"{tmp_path / 'model.py'}:net"), tmp_path / "images.npy"


def require_same(one: ws.store.Run, other: ws.store.Run) -> None:
    assert one.committed.all()
    assert other.committed.all()
    for spec in one.arrays:
        assert np.asarray(one.array(spec.name)).tobytes() == np.asarray(other.array(spec.name)).tobytes(), spec.name


@pytest.mark.parametrize("name", METHODS)
def test_every_engine_writes_the_same_bytes(
    name: str, job: tuple[ModelSource, Path], scheduler: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"method": METHODS[name], "batch_size": 3, "seed": 4}
    serial = ws.explain(*job, tmp_path / "serial", **given)
    assert serial.shard_count == 4
    require_same(serial, ws.explain(*job, tmp_path / "local", engine=Local(2), **given))
    require_same(serial, ws.explain(*job, tmp_path / "dask", engine=Dask(scheduler), **given))


def test_a_killed_run_of_noise_is_continued_with_the_same_bytes(job: tuple[ModelSource, Path], tmp_path: Path) -> None:
    method = SmoothGradMethod(n_iter=3, statistic="variance")
    given: dict[str, Any] = {"method": method, "batch_size": 3, "seed": 4}
    whole = ws.explain(*job, tmp_path / "whole", **given)
    options = {"model": job[0].spec, "data": str(job[1]), "out": str(tmp_path / "run"), "method": "smooth_grad"}
    command = [sys.executable, "-c", KILLED, "explain", *(f"--{name}={value}" for name, value in options.items())]
    command += ["--method-option=n_iter=3", "--method-option=statistic=variance", "--batch-size=3", "--seed=4"]
    ended = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=300)
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr
    assert 0 < len(ws.open_run(tmp_path / "run").pending_shards()) < 4
    require_same(whole, ws.explain(*job, tmp_path / "run", **given))
