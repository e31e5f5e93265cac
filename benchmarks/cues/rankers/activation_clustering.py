"""Activation Clustering (Chen et al. 2018, arXiv 1811.03728): two clusters of the last activations of each class."""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score

from ..observed import Observed
from ..ranking import ClassScores

N_COMPONENTS = 10
LEAST_SILHOUETTE = 0.15
"""The paper takes silhouettes of 0.10-0.15 for clean data."""
LARGEST_SHARE = 0.35
"""The paper looks for classes of which one cluster is much smaller than half."""


def rank(observed: Observed) -> list[ClassScores]:
    """Reduce activations by independent components, and rank classes by the silhouette of two clusters.

    Images of the smaller cluster come first, those far from the middle of the larger one before others.
    """
    found = []
    for label, rows in observed.each_class():
        vectors = observed.activations[rows]
        count = min(N_COMPONENTS, vectors.shape[1], len(rows) - 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last step taken is used, as in the original
            reduced = FastICA(count, random_state=0, max_iter=500, whiten="unit-variance").fit_transform(vectors)
        means = KMeans(2, n_init=10, random_state=0).fit(reduced)
        small = int(np.bincount(means.labels_, minlength=2).argmin())
        inside = means.labels_ == small
        distance = means.transform(reduced)
        values = distance[:, 1 - small] - distance[:, small]
        silhouette = float(silhouette_score(reduced, means.labels_)) if inside.sum() > 0 else -1.0
        reported = silhouette > LEAST_SILHOUETTE and inside.mean() < LARGEST_SHARE
        found.append(ClassScores(label, silhouette, rows, values, bool(reported)))
    return found
