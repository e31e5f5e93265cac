"""What the command line's tests share: a model file with weights, folders of images, and the program as a process."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from whyset.cli import main

MODEL_FILE = '''
import os
import time

import torch
from torch import nn

PREPROCESSING = {"size": (4, 5), "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}


class Net(nn.Module):
    """As slow as SECONDS_PER_BATCH says, so that it can be interrupted in the middle."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4 * 4 * 5, num_classes)

    def forward(self, x):
        time.sleep(float(os.environ.get("SECONDS_PER_BATCH", "0")))
        return self.head(torch.relu(self.conv(x)).flatten(1))


def net(num_classes=2):
    torch.manual_seed(0)
    return Net(num_classes)
'''

PROGRAM = """
import sys
from whyset.cli import main
from whyset.store import default_arrays

default_arrays._MOST_SHORT_ROWS = 1024  # jobs are of several shards
sys.exit(main())
"""


@dataclass(frozen=True)
class Outcome:
    """What a person sees of a command: its exit code and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Job:
    """A folder with a model file, its weights and images, and the arguments that explain them."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def arguments(self, *more: str, **changed: str | Path) -> list[str]:
        """The arguments of `whyset explain`; `changed` replaces options by name."""
        options = {
            "model": f"{self.folder / 'model.py'}:net",
            "weights": self.folder / "net.pt",
            "data": self.folder / "images",
            "out": self.run,
        } | changed
        return ["explain", *(part for name, value in options.items() for part in (f"--{name}", str(value))), *more]

    def start(self, *more: str, seconds_per_batch: float = 0.0, **changed: str | Path) -> "subprocess.Popen[str]":
        """Start the program as a process of its own, in a group of its own."""
        environment = os.environ | {"SECONDS_PER_BATCH": str(seconds_per_batch), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", PROGRAM, *self.arguments(*more, **changed)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def make_images(folder: Path, **classes: int) -> None:
    random = np.random.default_rng(0)
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:04d}.png")


def make_model(folder: Path) -> None:
    (folder / "model.py").write_text(MODEL_FILE)
    scope: dict[str, Callable[[], torch.nn.Module]] = {}
    exec(MODEL_FILE, scope)
    torch.save(scope["net"]().state_dict(), folder / "net.pt")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A small job: two classes of six images."""
    make_model(tmp_path)
    make_images(tmp_path / "images", cat=6, dog=6)
    return Job(tmp_path)


@pytest.fixture
def larger_job(tmp_path: Path) -> Job:
    """A job large enough for an analysis: two classes of fifteen images."""
    make_model(tmp_path)
    make_images(tmp_path / "images", cat=15, dog=15)
    return Job(tmp_path)


@pytest.fixture(scope="module")
def long_job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job of three shards."""
    folder = tmp_path_factory.mktemp("long")
    make_model(folder)
    make_images(folder / "images", cat=1300, dog=1100)
    return Job(folder)


@pytest.fixture
def whyset(capsys: pytest.CaptureFixture[str]) -> Callable[[Sequence[str]], Outcome]:
    """Run the program in this process."""

    def run(arguments: Sequence[str]) -> Outcome:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run
