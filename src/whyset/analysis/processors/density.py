"""Clusterings of dense regions of the leading eigenvectors, with samples elsewhere as noise."""

from dataclasses import dataclass

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, NumberOfClusters, by_size, spectral_coordinates
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError

_LEAST, _SHARE = 8, 0.02  # of a cluster by default: samples, and share of the class; with 8 of 1,000, there are tens


@dataclass(frozen=True)
class HDBSCAN(Processor):
    """Find dense clusters (Campello, Moulavi, Sander 2013); all other samples are noise.

    It uses as many row-normalized eigenvectors as the eigengap has clusters, and chooses the number of clusters itself.

    Parameters
    ----------
    min_cluster_size : int, optional
        The smallest number of samples in a cluster, at least 2; by default a fiftieth of the samples, and at least 8.
        It is stored with the clusters.
    min_samples : int, optional
        The number of neighbors that make a sample a core sample; by default `min_cluster_size`.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    min_cluster_size: int | None = None
    min_samples: int | None = None

    def __post_init__(self) -> None:
        if (self.min_cluster_size or 2) < 2 or (self.min_samples is not None and self.min_samples < 1):
            raise InputError(f"HDBSCAN needs min_cluster_size >= 2 and min_samples >= 1 (or None each), got {self}.")

    @property
    def name(self) -> str:
        return "hdbscan"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters) -> Clustering:
        from sklearn.cluster import HDBSCAN as Density

        coordinates = spectral_coordinates(spectrum, number.clusters)
        taking_part = ~spectrum.isolated
        smallest = self.min_cluster_size or max(_LEAST, round(_SHARE * len(taking_part)))
        needed = max(smallest, self.min_samples or 1)
        if needed > taking_part.sum():
            raise InputError(f"{self} needs at least {needed} explanations, got {taking_part.sum()}.")
        density = Density(min_cluster_size=smallest, min_samples=self.min_samples, copy=True)
        found = density.fit_predict(coordinates[taking_part])
        labels = by_size(found, taking_part)
        return Clustering(labels, coordinates, "density", min_cluster_size=smallest)


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
