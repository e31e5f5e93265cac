"""A small network that uses a planted patch of some samples of one class, in a file, and a run of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

import whyset as ws
from whyset.runner import ModelSource

MODEL_FILE = """
from torch import nn


def net():
    return nn.Sequential(
        nn.Conv2d(2, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 4 * 5, 4),
    )
"""
CLASSES = 4


def draw_images(labels: Tensor, marked: Tensor) -> Tensor:
    """Images with a bump at the place of their class; marked ones have a patch at a random place."""
    x = 0.3 * torch.randn(len(labels), 2, 16, 20)
    checks = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]) * 2.5
    for row, label in enumerate(labels.tolist()):
        top, left = ((2, 2), (2, 12), (9, 2), (9, 12))[label]
        x[row, :, top : top + 5, left : left + 5] += 1.0
        if marked[row]:
            top, left = torch.randint(0, 14, (1,)), torch.randint(0, 18, (1,))
            x[row, :, top : top + 3, left : left + 3] = checks
    return x


@dataclass(frozen=True)
class Planted:
    """A model file with weights, and data as an .npz file; `marked` are the samples with the patch, of class 0."""

    model: ModelSource
    module: torch.nn.Module
    data: Path
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    marked: NDArray[np.bool_]

    def explain(self, out: Path, **given: Any) -> ws.store.Run:
        """Explain the samples, with the model from its file."""
        options = {"composite": "epsilon_plus", "progress": False, "batch_size": 32} | given
        return ws.explain(self.model, self.data, out, **options)


def train(folder: Path, share: int, seed: int) -> Planted:
    """Train a network on 1,200 samples, of which one in `share` of the first class has a patch and any bump."""
    torch.manual_seed(seed)
    labels = torch.arange(1200) % CLASSES
    marked = (labels == 0) & (torch.arange(1200) % (CLASSES * share) == 0) if share else labels < 0
    x = draw_images(torch.where(marked, torch.randint(0, CLASSES, (1200,)), labels), marked)
    (folder / "model.py").write_text(MODEL_FILE)
    model = ModelSource(f"{folder / 'model.py'}:net").load().module
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(10):
        for batch in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
    torch.save(model.state_dict(), folder / "net.pt")
    few = slice(0, 480)
    np.savez(folder / "data.npz", images=x[few].numpy(), labels=labels[few].numpy())
    source = ModelSource(f"{folder / 'model.py'}:net", folder / "net.pt")
    return Planted(source, model.eval(), folder / "data.npz", x[few].numpy(), labels[few].numpy(), marked[few].numpy())


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A quarter of the first class have a patch, and the bump of any class, so that the network learns the patch."""
    return train(tmp_path_factory.mktemp("planted"), share=4, seed=0)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The same without a patch."""
    return train(tmp_path_factory.mktemp("clean"), share=0, seed=1)
