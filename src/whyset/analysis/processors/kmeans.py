"""k-means on the leading eigenvectors."""

from dataclasses import dataclass

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, NumberOfClusters, by_size, spectral_coordinates
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class KMeans(Processor):
    """Find k clusters among k row-normalized eigenvectors by k-means.

    Parameters
    ----------
    n_clusters : int, optional
        The number of clusters k, at least 2; by default that of the eigengap.
    n_init : int, default 10
        The number of runs with different initial means; the best is taken.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    n_clusters: int | None = None
    n_init: int = 10

    seeded = True

    def __post_init__(self) -> None:
        if (self.n_clusters is not None and self.n_clusters < 2) or self.n_init < 1:
            raise InputError(f"KMeans needs n_clusters >= 2 (or None) and n_init >= 1, got {self}.")

    @property
    def name(self) -> str:
        return "kmeans" if self.n_clusters is None else f"kmeans-{self.n_clusters}"

    def __call__(self, spectrum: SpectrumOfGraph, number: NumberOfClusters, *, seed: int) -> Clustering:
        from sklearn.cluster import KMeans as Lloyd

        k = number.clusters if self.n_clusters is None else self.n_clusters
        coordinates = spectral_coordinates(spectrum, k)
        taking_part = ~spectrum.isolated
        if k > taking_part.sum():
            raise InputError(f"{k} clusters need at least {k} explanations, got {taking_part.sum()}.")
        found = Lloyd(k, n_init=self.n_init, random_state=seed).fit_predict(coordinates[taking_part])
        return Clustering(by_size(found, taking_part), coordinates, "eigengap" if self.n_clusters is None else "given")


def kmeans_sweep(fewest: int = 2, most: int = 30) -> tuple[KMeans, ...]:
    """Return k-means for every k from `fewest` to `most`.

    Parameters
    ----------
    fewest : int, default 2
        The smallest number of clusters, at least 2.
    most : int, default 30
        The largest number of clusters.

    Returns
    -------
    tuple of KMeans
        The processors, in ascending order.

    Raises
    ------
    InputError
        `fewest` is less than 2 or greater than `most`.

    Examples
    --------
    >>> [part.name for part in kmeans_sweep(2, 4)]
    ['kmeans-2', 'kmeans-3', 'kmeans-4']
    """
    if not 2 <= fewest <= most:
        raise InputError(f"A sweep of k-means needs 2 <= fewest <= most, got {fewest} to {most}.")
    return tuple(KMeans(clusters) for clusters in range(fewest, most + 1))
