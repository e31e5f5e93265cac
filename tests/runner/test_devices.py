"""Which engine a device asks for; the devices themselves are counted by torch."""

import pytest
import torch

from whyset.engines import Local, Serial, Static
from whyset.runner.devices import one_worker_per_gpu


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
