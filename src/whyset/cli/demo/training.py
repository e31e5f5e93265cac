"""Training of the demo's network on the CPU, reproducible."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional as F

from whyset.cli.demo.digits import Digits, Images
from whyset.cli.demo.model import PREPROCESSING, digits_network
from whyset.cli.demo.recipe import Recipe
from whyset.runner import Preprocessing


def train_network(train: Digits, recipe: Recipe, after_epoch: Callable[[], None]) -> nn.Module:
    """Train with Adam on the cross-entropy; the caller's random state is unchanged."""
    inputs, labels = as_input(train.images), torch.from_numpy(train.labels)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(recipe.seed)
        network = digits_network()
        optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
        for _ in range(recipe.epochs):
            for batch in torch.randperm(len(labels)).split(recipe.batch_size):
                optimizer.zero_grad()
                F.cross_entropy(network(inputs[batch]), labels[batch]).backward()
                optimizer.step()
            after_epoch()
    return network.eval()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread, as sums depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def predict(network: nn.Module, images: Images) -> NDArray[np.int64]:
    """Return the predicted class of each image."""
    classes: NDArray[np.int64] = network(as_input(images)).argmax(dim=1).numpy()
    return classes


def as_input(images: Images) -> torch.Tensor:
    """Preprocess images as `explain` does, with the preprocessing of the model file."""
    preprocessing = Preprocessing.from_mapping(PREPROCESSING, "model.py")
    return torch.stack([preprocessing.forward(Image.fromarray(image)) for image in images])
