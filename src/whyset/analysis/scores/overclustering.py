"""Clusterings with more clusters than a class has, whose small clusters are candidates."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.affinity import SymmetricNeighbors
from whyset.analysis.processors.clustering import Clustering, by_size
from whyset.analysis.processors.leiden import find_communities
from whyset.analysis.processors.neighbors import KNearestNeighbors
from whyset.analysis.processors.sisters import JoinSisters

_NEIGHBORS = 10  # as many as in the graph of an analysis


class OverClustering(Protocol):
    """A clustering of features (N, D): it returns the cluster of each sample."""

    def find(self, features: NDArray[np.floating], seed: int) -> NDArray[np.integer]: ...


@dataclass(frozen=True)
class ByKMeans:
    """k-means with many clusters."""

    n_clusters: int

    def find(self, features: NDArray[np.floating], seed: int) -> NDArray[np.integer]:
        from sklearn.cluster import KMeans

        found: NDArray[np.integer] = KMeans(self.n_clusters, n_init=1, random_state=seed).fit_predict(features)
        return found


@dataclass(frozen=True)
class ByLeiden:
    """Communities of the graph of neighbors, by the Leiden algorithm."""

    resolution: float

    def find(self, features: NDArray[np.floating], seed: int) -> NDArray[np.integer]:
        neighbors = KNearestNeighbors(min(_NEIGHBORS, len(features) - 1))(features)
        return find_communities(SymmetricNeighbors()(neighbors), self.resolution, seed)


def overcluster(features: NDArray[np.floating], clustering: OverClustering, seed: int) -> NDArray[np.int32]:
    """Return labels with sisters joined, 0 for the largest cluster."""
    labels = by_size(clustering.find(features, seed), np.ones(len(features), bool))
    return JoinSisters()(features, Clustering(labels, np.empty((len(features), 0)), "over-clustering")).labels
