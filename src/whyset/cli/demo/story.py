"""The demo's numbers: what the most suspicious cluster is made of, and how far the network relies on the mark."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.cli.demo.digits import Digits, Images, with_mark
from whyset.cli.demo.recipe import Recipe

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Cluster:
    """One cluster of one class: its number, its members as sample indices, and how much their maps are alike."""

    number: int
    members: NDArray[np.int64]
    alikeness: float


@dataclass(frozen=True)
class Reliance:
    """What the network answers to clean test images, and to the same images with the mark."""

    accuracy: float
    accuracy_with_mark: float
    recall_without_mark: float
    recall_with_mark: float
    others_without_mark: float
    others_with_mark: float


def most_suspicious(clusters: Mapping[int, NDArray[np.int64]], maps: Callable[[NDArray[np.int64]], Maps]) -> Cluster:
    """The cluster whose maps are most alike, as they are where a network looks at one thing at one place."""
    found = [Cluster(number, members, alikeness(maps(members))) for number, members in clusters.items()]
    return max(found, key=lambda cluster: cluster.alikeness)


def alikeness(maps: Maps) -> float:
    """Mean cosine similarity over all pairs of different maps (n, C, H, W), signed and summed over channels.

    With unit vectors u it is (‖Σu‖² - n) / (n (n - 1)), which needs no n² products. Fewer than two maps have none: -1.
    """
    flat = maps.sum(axis=1, dtype=np.float64).reshape(len(maps), -1)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = (flat / np.where(length > 0, length, 1))[length[:, 0] > 0]
    n = len(unit)
    return float((np.square(unit.sum(axis=0)).sum() - n) / (n * (n - 1))) if n > 1 else -1.0


def precision_and_recall(members: NDArray[np.int64], planted: NDArray[np.bool_]) -> tuple[float, float]:
    """The share of planted samples among the members, and the share of all planted samples that they hold."""
    hits = int(planted[members].sum())
    return hits / len(members), hits / int(planted.sum())


def reliance(predict: Callable[[Images], NDArray[np.int64]], test: Digits, recipe: Recipe) -> Reliance:
    """Ask the network about the test images twice, without and with the mark."""
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
