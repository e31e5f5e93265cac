"""The number, the coordinates and the result of clusterings, and the order of cluster numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

NOISE = -1


@dataclass(frozen=True)
class NumberOfClusters:
    """The number of `clusters`, the `gap` after that eigenvalue, and the flag `clear`.

    The gap is clear if no other gap is larger, including that after the first eigenvalue. If that one is the largest,
    the graph is one cluster, and `clusters` is the number of the best split. `beyond` is the number of clusters with
    the largest gap of all, if it is beyond the numbers searched and larger than `gap`; otherwise None.
    """

    clusters: int
    gap: float
    clear: bool
    beyond: int | None = None


@dataclass(frozen=True)
class Eigengap(Processor):
    """Choose the k of at least 2 with the largest λ_k - λ_(k+1) (von Luxburg 2007, section 8.3).

    A graph in c components has c eigenvalues 1, so k is never below c. Clusters of fewer than four samples on average
    are not considered. A larger gap beyond the maximum is reported and not used: of data without clusters, such as a
    curve, the largest of many gaps is anywhere.

    Parameters
    ----------
    maximum : int, default 16
        The largest k, at least 2; a graph in more components has as many clusters.

    Raises
    ------
    InputError
        `maximum` is less than 2.
    """

    maximum: int = 16

    def __post_init__(self) -> None:
        if self.maximum < 2:
            raise InputError(f"Eigengap: maximum must be at least 2, got {self.maximum}.")

    def __call__(self, spectrum: SpectrumOfGraph) -> NumberOfClusters:
        gaps = -np.diff(spectrum.eigenvalues)  # gaps[i] is the gap after eigenvalue i + 1
        lowest = max(2, spectrum.components)
        largest = min(self.maximum, len(spectrum.eigenvectors) // 4)
        highest = min(max(largest, lowest), len(gaps))
        if highest < lowest:
            raise InputError(f"{len(gaps) + 1} eigenvalues are too few to choose among {lowest} clusters and more.")
        clusters = lowest + int(np.argmax(gaps[lowest - 1 : highest]))
        gap = float(gaps[clusters - 1])
        further = gaps[highest : len(spectrum.eigenvectors) // 4]
        beyond = highest + 1 + int(further.argmax()) if further.max(initial=0.0) > gap else None
        return NumberOfClusters(clusters, gap, clear=bool(gap >= gaps[:highest].max()), beyond=beyond)


@dataclass(frozen=True)
class Join:
    """Two groups of clusters that were joined, by the clusters' numbers before any was joined, with their cosines.

    `cosine` is that of the mean features, `centered_cosine` that of their differences from the class mean.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    cosine: float
    centered_cosine: float


@dataclass(frozen=True)
class Clustering:
    """Cluster `labels` (N,) of `coordinates` (N, k): 0 for the largest cluster, -1 for noise."""

    labels: NDArray[np.int32]
    coordinates: NDArray[np.float64]
    selected_by: str
    """The origin of the number of clusters: "eigengap", "given", "density" or "modularity"."""
    dendrogram: NDArray[np.float64] | None = None
    """The merged clusters, (n - 1, 4), as returned by SciPy's linkage; its leaves are the samples in clusters."""
    min_cluster_size: int | None = None
    """The smallest number of samples in a cluster, of a clustering by density; None for other ones."""
    unjoined: NDArray[np.int32] | None = None
    """The labels (N,) before clusters were joined; None if none were."""
    joins: tuple[Join, ...] = ()
    """The joined clusters, in order; together they are a tree."""

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
