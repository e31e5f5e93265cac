"""HDBSCAN on the leading eigenvectors."""

from dataclasses import dataclass

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, by_size, spectral_coordinates
from whyset.analysis.processors.eigengap import NumberOfClusters
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class HDBSCAN(Processor):
    """Find dense clusters of `smallest` samples or more (Campello, Moulavi, Sander 2013); what is sparse is noise.

    It works on as many row-normalised eigenvectors as the eigengap says, and finds the number of clusters itself.
    """

    smallest: int = 8

    def __post_init__(self) -> None:
        if self.smallest < 2:
            raise InputError(f"HDBSCAN: smallest must be at least 2, got {self.smallest}.")

    @property
    def name(self) -> str:
        return "hdbscan"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters) -> Clustering:
        from sklearn.cluster import HDBSCAN as Density

        coordinates = spectral_coordinates(spectrum, number.clusters)
        taking_part = ~spectrum.isolated
        if self.smallest > taking_part.sum():
            raise InputError(f"HDBSCAN with smallest={self.smallest} needs that many samples, got {taking_part.sum()}.")
        found = Density(min_cluster_size=self.smallest, copy=True).fit_predict(coordinates[taking_part])
        return Clustering(by_size(found, taking_part), coordinates, "density")
