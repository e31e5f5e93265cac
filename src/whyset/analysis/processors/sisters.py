"""Join clusters of a class that share one strategy."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, Join, by_size
from whyset.errors import InputError

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class JoinSisters(Processor):
    """Join clusters whose mean features point in the same direction, before and after the class mean is subtracted.

    With the mean μ_c of the features in cluster c and μ of all samples, two clusters are sisters if both cos(μ_a, μ_b)
    and cos(μ_a - μ, μ_b - μ) exceed `min_cosine`. The pair with the largest smaller cosine is joined first, and the
    means are computed again. The first cosine alone would join strategies that differ only in a detail, the second one
    alone opposite ends of a weak trend. A number of clusters that is given is kept.

    Parameters
    ----------
    min_cosine : float, default 0.9
        The cosine that both must exceed, from 0 to 1; 1 joins nothing.

    Raises
    ------
    InputError
        `min_cosine` is out of range.
    """

    min_cosine: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.min_cosine <= 1:
            raise InputError(f"JoinSisters: min_cosine must be from 0 to 1, got {self.min_cosine}.")

    def __call__(self, features: NDArray[np.floating], clustering: Clustering) -> Clustering:
        if clustering.selected_by == "given":
            return clustering
        groups, joins = self._join(*_sum_features(features, clustering.labels))
        if not joins:
            return clustering
        group_of = np.empty(len(clustering.sizes), np.int64)
        for number, group in enumerate(groups):
            group_of[list(group)] = number
        inside = clustering.labels >= 0
        labels = by_size(group_of[clustering.labels[inside]], inside)
        return replace(clustering, labels=labels, unjoined=clustering.labels, joins=joins)

    def _join(
        self, sums: NDArray[np.float64], sizes: NDArray[np.int64], center: NDArray[np.float64]
    ) -> tuple[Groups, tuple[Join, ...]]:
        """Return the groups of clusters, and the joins in order."""
        groups: Groups = tuple((cluster,) for cluster in range(len(sizes)))
        joins: list[Join] = []
        while len(groups) > 1:
            means = sums / sizes[:, None]
            raw, centered = _cosines(means), _cosines(means - center)
            first, second = _find_closest(np.minimum(raw, centered))
            if min(raw[first, second], centered[first, second]) <= self.min_cosine:
                break
            pair = groups[first], groups[second]
            joins.append(Join(*pair, float(raw[first, second]), float(centered[first, second])))
            groups = (*groups[:first], pair[0] + pair[1], *groups[first + 1 : second], *groups[second + 1 :])
            sums[first], sizes[first] = sums[first] + sums[second], sizes[first] + sizes[second]
            sums, sizes = np.delete(sums, second, axis=0), np.delete(sizes, second)
        return groups, tuple(joins)


def _sum_features(
    features: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the sum of the features of each cluster, its size, and the mean of all features."""
    inside = labels >= 0
    one_hot = np.eye(labels.max(initial=-1) + 1)[labels[inside]]
    sizes = one_hot.sum(axis=0).astype(np.int64)
    return one_hot.T @ features[inside], sizes, features.mean(axis=0, dtype=np.float64)


def _cosines(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of each pair of rows; 0 for a row of zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(length == 0, 1.0, length)
    found: NDArray[np.float64] = units @ units.T
    return found


def _find_closest(similarity: NDArray[np.float64]) -> tuple[int, int]:
    """Return the pair of different rows with the largest similarity, the smaller number first."""
    rows, columns = np.triu_indices(len(similarity), 1)
    best = int(similarity[rows, columns].argmax())
    return int(rows[best]), int(columns[best])
