"""The results of clusterings, their coordinates, and the order of cluster numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.spectrum import SpectrumOfGraph

NOISE = -1


@dataclass(frozen=True)
class Clustering:
    """Cluster `labels` (N,) of `coordinates` (N, k): 0 for the largest cluster, -1 for noise."""

    labels: NDArray[np.int32]
    coordinates: NDArray[np.float64]
    selected_by: str
    """The origin of the number of clusters: "eigengap", "given" or "density"."""
    dendrogram: NDArray[np.float64] | None = None
    """The merged clusters, (n - 1, 4), as returned by SciPy's linkage; its leaves are the samples in clusters."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of samples in each cluster, largest first."""
        return np.bincount(self.labels[self.labels >= 0])


def spectral_coordinates(spectrum: SpectrumOfGraph, columns: int) -> NDArray[np.float64]:
    """Return the first eigenvectors with rows of unit length (Ng, Jordan, Weiss 2001); zero rows stay zero."""
    vectors = spectrum.eigenvectors[:, :columns]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = vectors / np.where(length == 0, 1.0, length)
    return scaled


def by_size(found: NDArray[np.integer], taking_part: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the clusters of the samples `taking_part` by size, largest first; all other samples are noise."""
    labels = np.full(len(taking_part), NOISE, np.int32)
    names, first, inverse, sizes = np.unique(found, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -sizes, names < 0))  # noise comes last
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    labels[taking_part] = np.where(found < 0, NOISE, rank[inverse])
    return labels
