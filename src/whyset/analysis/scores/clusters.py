"""Scores of clusters and of the samples in them: composition, coherence, medoids, silhouettes, outliers."""

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.clustering import Clustering
from whyset.analysis.processors.neighbors import Neighbors


def purity(values: NDArray[np.integer]) -> float | None:
    """Return the share of the most frequent value; negative values are unknown and do not count.

    >>> purity(np.array([3, 3, 5, -1]))
    0.6666666666666666
    """
    known = values[values >= 0]
    return float(np.unique(known, return_counts=True)[1].max() / len(known)) if len(known) else None


def accuracy(labels: NDArray[np.integer], predictions: NDArray[np.integer]) -> float | None:
    """Return the share of correct predictions among samples whose label and prediction are known (0 or more)."""
    known = (labels >= 0) & (predictions >= 0)
    return float(np.mean(labels[known] == predictions[known])) if known.any() else None


def finite_mean(values: NDArray[np.floating]) -> float | None:
    """Return the mean of the finite values; None without finite values."""
    known = values[np.isfinite(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def coherence(features: NDArray[np.floating]) -> float | None:
    """Return the mean cosine over all pairs of different rows; None with fewer than two rows that are not zero.

    With unit vectors u_i it is (|Σu_i|² - n) / (n(n - 1)). It is high if a network uses the same feature at the
    same place in all samples, such as a watermark.

    >>> coherence(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    rows = features[np.any(features != 0, axis=1)].astype(np.float64)
    n = len(rows)
    if n < 2:
        return None
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return float((np.square(units.sum(axis=0)).sum() - n) / (n * (n - 1)))


def medoids(features: NDArray[np.floating], members: NDArray[np.integer], count: int = 8) -> NDArray[np.int64]:
    """Return up to `count` of the `members` (row numbers) with the smallest Σ_j |x_i - x_j|², the medoid first.

    That sum is N|x_i - μ|² plus a constant, so these are the samples nearest to the mean of the cluster.
    """
    own = features[members].astype(np.float64)
    from_mean = ((own - own.mean(axis=0)) ** 2).sum(axis=1)
    return np.asarray(members)[np.argsort(from_mean, kind="stable")[:count]].astype(np.int64)


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


def local_outlier_factor(neighbors: Neighbors) -> NDArray[np.float64]:
    """Return the local outlier factor (N,) of each sample from its k nearest neighbors (Breunig et al. 2000).

    With d_k(b) the distance of b to its k-th neighbor, the reachability of a from b is max(d_k(b), d(a, b)); the
    density of a is one over its mean over the neighbors b of a, and LOF(a) = mean_b density(b) / density(a). It is
    about 1 inside a cluster and well above 1 for an isolated sample. A sample with k duplicates has density ∞ and the
    factor 1; its density counts as that of the closest samples that are not duplicates.
    """
    reach = np.maximum(neighbors.distances[:, -1][neighbors.indices], neighbors.distances).mean(axis=1)
    smallest = reach[reach > 0].min(initial=np.inf)
    density = 1 / np.maximum(reach, smallest)
    factors: NDArray[np.float64] = np.where(reach > 0, density[neighbors.indices].mean(axis=1) * reach, 1.0)
    return factors


def compute_recovery(labels: NDArray[np.integer], found: NDArray[np.integer], clusters: int) -> NDArray[np.float64]:
    """Return, for each of the `clusters` in `labels` (N,), the largest Jaccard index with a cluster in `found` (N,).

    It is NaN for a cluster without samples.
    """
    overlap = np.zeros((clusters, int(found.max(initial=-1)) + 1))
    both = (labels >= 0) & (found >= 0)
    np.add.at(overlap, (labels[both], found[both]), 1)
    own = np.bincount(labels[labels >= 0], minlength=clusters)
    theirs = np.bincount(found[found >= 0], minlength=overlap.shape[1])
    jaccard = overlap / np.maximum(own[:, None] + theirs - overlap, 1)
    return np.where(own > 0, jaccard.max(axis=1, initial=0.0), np.nan)
