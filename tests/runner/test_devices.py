"""Which engine a device asks for; the devices themselves are counted by torch."""

from pathlib import Path

import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution.methods import GradientMethod
from whyset.engines import Local, Serial, Static
from whyset.runner import ArraySource
from whyset.runner.devices import one_worker_per_gpu
from whyset.runner.job import Job, set_up
from whyset.runner.output_spec import OutputSpec
from whyset.runner.targets import Targets


def test_local_has_one_worker_for_each_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert one_worker_per_gpu(Local(), "cuda") == Local(workers=4)
    assert one_worker_per_gpu(Static(1, 2, inner=Local(threads=3)), "cuda") == Static(1, 2, Local(workers=4, threads=3))


def test_what_was_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert one_worker_per_gpu(Local(workers=2), "cuda") == Local(workers=2)
    assert one_worker_per_gpu(Local(), "cpu") == Local()
    assert one_worker_per_gpu(Local(), "cuda:1") == Local()
    assert one_worker_per_gpu(Serial(), "cuda") == Serial()


def test_a_worker_computes_in_evaluation_mode_also_if_the_caller_trains_the_model_elsewhere(tmp_path: Path) -> None:
    """The model is copied to the device and the copy is evaluated, but workers are sent the caller's own."""
    model, images = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(3 * 8 * 6, 2)), torch.rand(2, 3, 8, 6)
    run = ws.explain(model, images, tmp_path / "run")
    wanted = OutputSpec(GradientMethod(), Targets.of("prediction"))
    job = Job(run, model.train(), ArraySource(images), wanted, (3, 8, 6), batch_size=2, device="cpu", seed=0)
    assert not any(part.training for part in set_up(job).model.modules())
