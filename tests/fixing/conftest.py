"""A network without training that uses a patch, and a task with it: the effect of each fix is known."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.fixing.fix_task import FixTask
from whyset.interventions import Window
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding

CLASSES, SIDES = 3, (8, 10)
N_CARRIERS, N_EACH = 12, 40


class PatchUser(nn.Module):
    """The class is the channel with the largest mean; a patch in the last channel adds to the first class.

    The convolution copies the channels, and adds the patch to a fifth one, so that a layer has noise as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CLASSES + 1, CLASSES + 2, 1, bias=False)
        self.relu = nn.ReLU()
        self.second = nn.Conv2d(CLASSES + 2, CLASSES + 1, 1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(CLASSES + 1, CLASSES, bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.eye(CLASSES + 2, CLASSES + 1)[..., None, None])
            self.first.weight[-1, :, 0, 0] = torch.tensor([0.5, 0.5, 0.5, 0.0])
            self.second.weight.copy_(torch.eye(CLASSES + 1, CLASSES + 2)[..., None, None])
            self.head.weight.copy_(torch.eye(CLASSES, CLASSES + 1))
            self.head.weight[0, -1] = 30.0  # the patch decides

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.flatten(self.pool(self.second(self.relu(self.first(x))))))


def draw_samples(seed: int = 0) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Return samples (n, 4, 8, 10) with labels, and the samples of the first class that have the patch."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), N_EACH)
    x = 0.2 * random.random((len(labels), CLASSES + 1, *SIDES))
    x[:, -1] *= 0.1
    x[np.arange(len(labels)), labels] += 0.5
    carriers = np.arange(N_CARRIERS)
    for row in carriers:
        top, left = random.integers(0, 6), random.integers(0, 8)
        x[row, -1, top : top + 3, left : left + 3] = 1.0
    return torch.from_numpy(x).float(), labels, carriers


@pytest.fixture
def patch_user() -> nn.Module:
    return PatchUser().eval()


@pytest.fixture
def patched() -> tuple[Tensor, np.ndarray, np.ndarray]:
    return draw_samples()


@pytest.fixture
def patch_finding() -> Finding:
    """The finding that says which samples have the patch."""
    share = Estimate(0.9, (0.8, 1.0), 12)
    return Finding(
        "00000", "0", "suspicion", "It is rare.", Window(side=3).to_dict(), "window of 3", "another window",
        tuple(range(4)), tuple(range(N_CARRIERS)), N_EACH, (3.0,) * N_CARRIERS, None, None,
        EffectSummary(share, share, share, share), share, 0.9, None,
    )  # fmt: skip


@pytest.fixture
def task(patch_user: nn.Module, patched: Any) -> FixTask:
    """The task of the patch; inserting copies the last channel."""
    x, labels, carriers = patched

    def insert(sources: Any, hosts: Any, host: Tensor) -> Tensor:
        changed = host.clone()
        changed[:, -1] = x[sources, -1]
        return changed

    return FixTask(
        model=patch_user,
        read=lambda rows: x[rows].clone(),
        labels=labels,
        label=0,
        carriers=carriers,
        seeds=carriers[:4],
        insert=insert,
    )


@pytest.fixture
def draw() -> Any:
    """The function that draws samples with the patch."""
    return draw_samples
