"""scikit-learn's 1,797 handwritten digits, enlarged and noisy, with a mark in training images of one class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from whyset.cli.demo.recipe import Recipe

Images = NDArray[np.uint8]
FULL_INK = 16  # the digits come with 17 levels of gray, 0 to 16


@dataclass(frozen=True)
class Digits:
    """A part of the data: images (n, size, size), classes, numbers in the data set, and which are marked."""

    images: Images
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]
    planted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def ids(self) -> list[str]:
        """The path of each image relative to its folder."""
        return [f"{label}/{number:04d}.png" for label, number in zip(self.labels, self.numbers, strict=True)]


def noisy_digits(recipe: Recipe) -> tuple[Digits, Digits]:
    """Make the training and the test part; only training images of the planted class are marked.

    Gaussian noise is part of the 8-bit images, so their files hold exactly the input of the network.
    """
    random = np.random.default_rng(recipe.seed)
    ink, labels = load_digits(return_X_y=True)
    enlarged = zoom(
        ink.reshape(-1, 8, 8) / FULL_INK, (1, recipe.size / 8, recipe.size / 8), order=1, mode="nearest", grid_mode=True
    )
    images = as_bytes(enlarged + random.normal(0, recipe.noise, enlarged.shape))
    order = random.permutation(len(labels))
    held_out = round(recipe.test_share * len(labels))
    train, test = np.sort(order[held_out:]), np.sort(order[:held_out])
    planted = draw_planted(labels[train], recipe, random)
    spoiled = np.where(planted[:, None, None], with_mark(images[train], recipe), images[train])
    return (
        Digits(spoiled, labels[train], train, planted),
        Digits(images[test], labels[test], test, np.zeros(len(test), dtype=bool)),
    )


def draw_planted(labels: NDArray[np.int64], recipe: Recipe, random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw the samples of the planted class that get the mark."""
    candidates = np.flatnonzero(labels == recipe.planted_class)
    chosen = random.choice(candidates, round(recipe.planted_share * len(candidates)), replace=False)
    return np.isin(np.arange(len(labels)), chosen)


def with_mark(images: Images, recipe: Recipe) -> Images:
    """Return copies of the images with a white square in the upper left corner."""
    marked = images.copy()
    marked[:, : recipe.mark, : recipe.mark] = 255
    return marked


def as_bytes(gray: NDArray[np.float64]) -> Images:
    """Convert gray values in [0, 1] to 0 to 255; values that the noise moved out of the range are clipped."""
    return np.rint(np.clip(gray, 0, 1) * 255).astype(np.uint8)
