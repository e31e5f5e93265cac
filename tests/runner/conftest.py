"""What the runner's tests share: folders of small images, and a model file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODEL_FILE = """
import torch
from torch import nn

PREPROCESSING = {"size": (6, 8), "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}


class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4 * 6 * 8, num_classes)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).flatten(1))


def net(num_classes=2):
    torch.manual_seed(0)
    return Net(num_classes)


def broken():
    raise KeyError("no such thing")


def no_model():
    return 3
"""


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A model file with functions net(num_classes=2), broken() and no_model(); inputs are 3x6x8."""
    path = tmp_path / "model.py"
    path.write_text(MODEL_FILE)
    return path


@pytest.fixture
def image_folder(tmp_path: Path) -> Callable[..., Path]:
    """Make `<class>/<image>` with so many images per class; sides differ, colors are random but the same each time."""

    def make(name: str = "images", size: tuple[int, int] = (6, 8), **classes: int) -> Path:
        random = np.random.default_rng(0)
        for folder, count in (classes or {"cat": 3, "dog": 2}).items():
            (tmp_path / name / folder).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (*size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / folder / f"{number:04d}.png")
        return tmp_path / name

    return make
