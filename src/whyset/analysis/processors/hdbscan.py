"""HDBSCAN on the leading eigenvectors."""

from dataclasses import dataclass

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, by_size, spectral_coordinates
from whyset.analysis.processors.eigengap import NumberOfClusters
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class HDBSCAN(Processor):
    """Find dense clusters of `min_cluster_size` samples or more (Campello, Moulavi, Sander 2013); the rest is noise.

    It works on as many row-normalized eigenvectors as the eigengap says, and finds the number of clusters itself.
    `min_samples` is the number of neighbors that make a sample a core sample; None takes `min_cluster_size`.
    """

    min_cluster_size: int = 8
    min_samples: int | None = None

    def __post_init__(self) -> None:
        if self.min_cluster_size < 2 or (self.min_samples is not None and self.min_samples < 1):
            raise InputError(f"HDBSCAN needs min_cluster_size >= 2 and min_samples >= 1 (or None), got {self}.")

    @property
    def name(self) -> str:
        return "hdbscan"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters) -> Clustering:
        from sklearn.cluster import HDBSCAN as Density

        coordinates = spectral_coordinates(spectrum, number.clusters)
        taking_part = ~spectrum.isolated
        needed = max(self.min_cluster_size, self.min_samples or 1)
        if needed > taking_part.sum():
            raise InputError(f"{self} needs at least {needed} explanations, got {taking_part.sum()}.")
        density = Density(min_cluster_size=self.min_cluster_size, min_samples=self.min_samples, copy=True)
        found = density.fit_predict(coordinates[taking_part])
        return Clustering(by_size(found, taking_part), coordinates, "density")
