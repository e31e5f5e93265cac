"""Agglomerative clustering of the leading eigenvectors, with its dendrogram."""

from dataclasses import dataclass
from typing import Literal, get_args

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, NumberOfClusters, by_size, spectral_coordinates
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

Linkage = Literal["ward", "complete", "average", "single"]
_LARGEST = 30_000
"""Samples: the linkage needs the distances of all pairs, 4 GB at this size."""


@dataclass(frozen=True)
class Agglomerative(Processor):
    """Merge the two nearest clusters until k are left, among k row-normalized eigenvectors.

    The dendrogram is stored as the linkage matrix of SciPy: n - 1 rows of the two merged clusters, their distance and
    the number of samples. Leaves are the samples in clusters, in their order.

    Parameters
    ----------
    n_clusters : int, optional
        The number of clusters k, at least 2; by default that of the eigengap.
    linkage : {"ward", "complete", "average", "single"}, default "ward"
        The distance of two clusters, as in SciPy.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    n_clusters: int | None = None
    linkage: Linkage = "ward"

    def __post_init__(self) -> None:
        if self.n_clusters is not None and self.n_clusters < 2:
            raise InputError(f"Agglomerative: n_clusters must be at least 2 (or None), got {self.n_clusters}.")
        if self.linkage not in get_args(Linkage):
            raise InputError(
                f"Agglomerative: unknown linkage {self.linkage!r}; expected one of {', '.join(get_args(Linkage))}."
            )

    @property
    def name(self) -> str:
        kind = "agglomerative" if self.linkage == "ward" else f"agglomerative-{self.linkage}"
        return kind if self.n_clusters is None else f"{kind}-{self.n_clusters}"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters) -> Clustering:
        from scipy.cluster.hierarchy import fcluster, linkage

        k = number.clusters if self.n_clusters is None else self.n_clusters
        coordinates = spectral_coordinates(spectrum, k)
        taking_part = ~spectrum.isolated
        n = int(taking_part.sum())
        if not k <= n <= _LARGEST:
            raise InputError(f"Agglomerative: {k} clusters need {k} to {_LARGEST} explanations, got {n}; use k-means.")
        dendrogram = linkage(coordinates[taking_part], self.linkage)
        found = fcluster(dendrogram, k, "maxclust")
        selected_by = "eigengap" if self.n_clusters is None else "given"
        return Clustering(by_size(found, taking_part), coordinates, selected_by, dendrogram)
