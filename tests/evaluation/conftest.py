"""A small network in a file, with data whose decisive region is known, and runs of it by several methods."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whyset as ws
from whyset.runner import ModelSource

MODEL_FILE = """
from torch import nn


def net():
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 6 * 8, 3)
    )
"""
SAMPLES = 48


@dataclass(frozen=True)
class Bars:
    """Images (48, 2, 12, 16) with a bright patch at the place of their class, and a network that finds it."""

    model: ModelSource
    module: nn.Module
    data: Path
    x: torch.Tensor
    y: torch.Tensor
    masks: np.ndarray

    def explain(self, out: Path, **given: Any) -> ws.store.Run:
        """Explain all images by the model in its file."""
        return ws.explain(self.model, self.data, out, **{"progress": False, "batch_size": 16} | given)


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Bars:
    folder = tmp_path_factory.mktemp("bars")
    torch.manual_seed(0)
    y = torch.arange(SAMPLES) % 3
    x, masks = torch.rand(SAMPLES, 2, 12, 16), np.zeros((SAMPLES, 12, 16), bool)
    for row, label in enumerate(y.tolist()):
        place = (slice(3 * label + 2, 3 * label + 5), slice(4, 9))
        x[row][:, *place] += 1.5
        masks[row][place] = True
    (folder / "model.py").write_text(MODEL_FILE)
    module = ModelSource(f"{folder / 'model.py'}:net").load().module
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimizer.step()
    torch.save(module.state_dict(), folder / "net.pt")
    np.savez(folder / "data.npz", images=x.numpy(), labels=y.numpy())
    source = ModelSource(f"{folder / 'model.py'}:net", folder / "net.pt")
    return Bars(source, module.eval(), folder / "data.npz", x, y, masks)


@pytest.fixture(scope="session")
def stored_runs(bars: Bars, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of runs by two methods; tests evaluate copies of them."""
    folder = tmp_path_factory.mktemp("runs")
    bars.explain(folder / "lrp", composite="epsilon_plus")
    bars.explain(folder / "smooth", method="smooth_grad")
    return {"lrp": folder / "lrp", "smooth": folder / "smooth"}


@pytest.fixture
def copy_run(stored_runs: dict[str, Path], tmp_path: Path) -> Callable[..., ws.store.Run]:
    """Copy a stored run."""

    def copy(name: str, to: str | None = None) -> ws.store.Run:
        return ws.open_run(shutil.copytree(stored_runs[name], tmp_path / (to or name)))

    return copy
