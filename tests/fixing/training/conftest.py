"""A small network that uses a bright corner, which 40 % of a class have."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.fixing.fix_task import FixTask, Rows
from whyset.interventions import Region, Window

SIDE, PER_CLASS, N_CLASSES, MARKED = 10, 120, 3, 48
CORNER = (..., slice(0, 3), slice(0, 3))


@dataclass(frozen=True, eq=False)
class Toy:
    """A task with test images of other classes, with and without the corner."""

    task: FixTask
    clean: Tensor
    marked: Tensor
    labels: Tensor

    def measure_fooled(self, model: nn.Module) -> float:
        """Return the share of test images of other classes that the corner turns into the class."""
        others = self.labels != self.task.label
        with torch.no_grad():
            before, after = (model(x[others]).argmax(1) for x in (self.clean, self.marked))
        return float(((after == self.task.label) & (before != self.task.label)).float().mean())

    def measure_accuracy(self, model: nn.Module, *, marked: bool = False) -> float:
        with torch.no_grad():
            return float((model(self.marked if marked else self.clean).argmax(1) == self.labels).float().mean())


def draw_images(random: np.random.Generator, per_class: int) -> tuple[Tensor, Tensor]:
    """Draw noise with a bar in the lower half, whose place is that of the class, and which is often weak."""
    labels = np.repeat(np.arange(N_CLASSES), per_class)
    images = random.normal(0, 1, (len(labels), 1, SIDE, SIDE))
    strengths = random.uniform(0.2, 1.5, len(labels))
    for row, label in enumerate(labels):
        images[row, 0, 5:, 1 + 3 * label : 3 + 3 * label] += strengths[row]
    return torch.from_numpy(images).float(), torch.from_numpy(labels)


def mark(images: Tensor) -> Tensor:
    marked = images.clone()
    marked[CORNER] = 3.0
    return marked


def make_task(x: Tensor, labels: Tensor, carriers: Rows, model: nn.Module, seed: int = 0) -> FixTask:
    window = Window(side=3)

    def insert(sources: Rows, hosts: Rows, host: Tensor) -> Tensor:
        mask = torch.zeros(len(sources), 1, SIDE, SIDE, dtype=torch.bool)
        mask[CORNER] = True
        return window.insert(x[sources], Region(mask), host)

    return FixTask(model, lambda rows: x[rows], labels.numpy(), 0, carriers, carriers[:4], insert, seed)


@pytest.fixture(scope="session")
def toy() -> Toy:
    random = np.random.default_rng(0)
    x, labels = draw_images(random, PER_CLASS)
    x[:MARKED] = mark(x[:MARKED])
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, 24), nn.ReLU(),
        nn.Linear(24, N_CLASSES),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(8):
        for rows in torch.randperm(len(x)).split(30):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimizer.step()
    optimizer.zero_grad()
    task = make_task(x, labels, np.arange(MARKED), model.eval())
    clean, test_labels = draw_images(random, 200)
    return Toy(task, clean, mark(clean), test_labels)
