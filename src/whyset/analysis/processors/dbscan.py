"""DBSCAN on the leading eigenvectors."""

from dataclasses import dataclass

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, by_size, spectral_coordinates
from whyset.analysis.processors.eigengap import NumberOfClusters
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class DBSCAN(Processor):
    """Join samples in dense regions (Ester et al. 1996); samples elsewhere are noise.

    It uses as many row-normalized eigenvectors as the eigengap has clusters.

    Parameters
    ----------
    eps : float, default 0.3
        The radius of a neighborhood; rows have length 1, so it is between 0 and 2.
    min_samples : int, default 8
        The number of samples in the neighborhood of a core sample.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    eps: float = 0.3
    min_samples: int = 8

    def __post_init__(self) -> None:
        if not 0 < self.eps <= 2 or self.min_samples < 1:
            raise InputError(f"DBSCAN needs 0 < eps <= 2 and min_samples >= 1, got {self}.")

    @property
    def name(self) -> str:
        return "dbscan"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters) -> Clustering:
        from sklearn.cluster import DBSCAN as Density

        coordinates = spectral_coordinates(spectrum, number.clusters)
        taking_part = ~spectrum.isolated
        found = Density(eps=self.eps, min_samples=self.min_samples).fit_predict(coordinates[taking_part])
        return Clustering(by_size(found, taking_part), coordinates, "density")
