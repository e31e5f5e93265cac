"""The demo's numbers: the content of the most suspicious cluster, and the network's reliance on the mark."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.cli.demo.digits import Digits, Images, with_mark
from whyset.cli.demo.recipe import Recipe


@dataclass(frozen=True)
class Reliance:
    """Accuracy and recall on clean test images, and on the same images with the mark."""

    accuracy: float
    accuracy_with_mark: float
    recall_without_mark: float
    recall_with_mark: float
    others_without_mark: float
    others_with_mark: float


def precision_and_recall(members: NDArray[np.int64], planted: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the share of planted samples among the members, and the share of all planted samples that they hold."""
    hits = int(planted[members].sum())
    return hits / max(len(members), 1), hits / max(int(planted.sum()), 1)


def reliance(predict: Callable[[Images], NDArray[np.int64]], test: Digits, recipe: Recipe) -> Reliance:
    """Predict the test images twice, without and with the mark."""
    without, with_it = predict(test.images), predict(with_mark(test.images, recipe))
    own = test.labels == recipe.planted_class
    return Reliance(
        accuracy=float(np.mean(without == test.labels)),
        accuracy_with_mark=float(np.mean(with_it == test.labels)),
        recall_without_mark=float(np.mean(without[own] == recipe.planted_class)),
        recall_with_mark=float(np.mean(with_it[own] == recipe.planted_class)),
        others_without_mark=float(np.mean(without[~own] == recipe.planted_class)),
        others_with_mark=float(np.mean(with_it[~own] == recipe.planted_class)),
    )
