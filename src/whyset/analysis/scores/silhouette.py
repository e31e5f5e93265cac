"""How well each sample sits in its cluster."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.clustering import Clustering


def silhouette(clustering: Clustering) -> NDArray[np.float32]:
    """Give (b - a)/max(a, b) per sample (Rousseeuw 1987), (N,), among the coordinates the clustering worked in.

    a is the mean distance to the own cluster, b to the nearest other one. NaN for noise, and for all where fewer than
    two clusters were found or every sample is a cluster of its own.
    """
    from sklearn.metrics import silhouette_samples

    values = np.full(len(clustering.labels), np.nan, np.float32)
    inside = clustering.labels >= 0
    if 2 <= len(clustering.sizes) < np.count_nonzero(inside):
        values[inside] = silhouette_samples(clustering.coordinates[inside], clustering.labels[inside])
    return values
