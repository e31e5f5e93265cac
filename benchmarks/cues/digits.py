"""The small form: networks of scikit-learn's digits, which are trained in seconds and need no other data."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import nn

from .design import NetworkSpec, PlantedCue
from .images import ImageSet, as_input
from .marks import Images

MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
TRAINED_SHARE = 0.4
EPOCHS, BATCH, RATE = 10, 50, 5e-3
NOISE = 120
"""Standard deviation of the noise, of levels from 0 to 255."""


def list_small() -> list[NetworkSpec]:
    """Return a network with two cues, and a clean one."""
    cues = (PlantedCue("tint", 3, 0.3, 0), PlantedCue("brightness", 7, 0.3, 0))
    return [NetworkSpec("digits-cued-0", "digits", 0, 16, cues), NetworkSpec("digits-clean-0", "digits", 1, 16)]


def read_digits() -> ImageSet:
    """Return the digits as gray images of 16 x 16 pixels in three channels, with noise that makes them difficult.

    A network that recognizes all digits has nothing to learn from a cue.
    """
    digits = load_digits()
    noise = np.random.default_rng(0).normal(0, NOISE, digits.images.shape)
    gray = np.clip(np.rint(digits.images * (255 / 16) + noise), 0, 255).astype(np.uint8)
    images = np.repeat(np.kron(gray, np.ones((1, 2, 2), np.uint8))[..., None], 3, axis=3)
    names = tuple(str(name) for name in range(10))
    return ImageSet(images, digits.target.astype(np.int64), names, MEAN, STD, TRAINED_SHARE)


def build_small(spec: NetworkSpec, n_labels: int) -> nn.Module:
    torch.manual_seed(spec.seed)
    width = spec.width
    layers = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 16, n_labels)).eval()


def train_small(model: nn.Module, images: Images, labels: NDArray[np.int64], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    x, y = as_input(images, MEAN, STD), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model.eval()
