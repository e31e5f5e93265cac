"""What a method returns for each class, and the two rules by which methods without a ranking get one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_samples

TOP = 10
SMALLEST = 3
"""Clusters with fewer samples are taken for outliers."""


@dataclass(frozen=True, eq=False)
class ClassScores:
    """The answer of a method for a class: larger scores for what is more likely due to a cue.

    `score` ranks classes, `values` rank the images of the class in `rows`. `reported` is the method's own decision
    whether it found something in the class, None if it has no such decision.
    """

    label: int
    score: float
    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    reported: bool | None = None


def average_largest(values: NDArray[np.floating], count: int = TOP) -> float:
    """Return the mean of the largest values: the score of a class by a method that scores images."""
    return float(np.sort(values)[-count:].mean())


def score_clusters(
    label: int, rows: NDArray[np.int64], vectors: NDArray[np.floating], clusters: NDArray[np.int64]
) -> ClassScores:
    """Score a class by its best separated cluster, as one who looks through clusterings does.

    Clusters of at most half of the class are ordered by their mean silhouette (Rousseeuw 1987), which is the score of
    the class for the first of them. Images have the order of their clusters, and in a cluster that of their own
    silhouettes; noise (-1) and larger clusters come last.
    """
    values, found = np.full(len(rows), -2.0), np.unique(clusters[clusters >= 0])
    if len(found) < 2:
        return ClassScores(label, -1.0, rows, values)
    kept = clusters >= 0
    silhouettes = np.full(len(rows), -1.0)
    silhouettes[kept] = silhouette_samples(vectors[kept], clusters[kept])
    sizes = {one: int((clusters == one).sum()) for one in found.tolist()}
    usable = [one for one, size in sizes.items() if SMALLEST <= size <= len(rows) / 2]
    mean = {one: float(silhouettes[clusters == one].mean()) for one in usable}
    order = sorted(usable, key=lambda one: mean[one])
    for place, one in enumerate(order):
        inside = clusters == one
        values[inside] = place + (silhouettes[inside] + 1) / 4  # less than 1, so that clusters keep their order
    return ClassScores(label, max(mean.values(), default=-1.0), rows, values)
