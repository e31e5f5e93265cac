"""Silhouettes of samples."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.clustering import Clustering


def silhouette(clustering: Clustering) -> NDArray[np.float32]:
    """Return (b - a)/max(a, b) of each sample (N,), in the coordinates of the clustering (Rousseeuw 1987).

    a is the mean distance to the own cluster, b to the nearest other one. It is NaN for noise, and for all samples if
    there are fewer than two clusters or every sample is a cluster.
    """
    from sklearn.metrics import silhouette_samples

    values = np.full(len(clustering.labels), np.nan, np.float32)
    inside = clustering.labels >= 0
    if 2 <= len(clustering.sizes) < np.count_nonzero(inside):
        values[inside] = silhouette_samples(clustering.coordinates[inside], clustering.labels[inside])
    return values
