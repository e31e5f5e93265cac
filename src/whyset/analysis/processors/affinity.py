"""Symmetric sparse affinity from nearest neighbors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.neighbors import Neighbors
from whyset.errors import InputError


class Affinity(Processor):
    """Base of the affinities: W = (A + Aᵀ)/2, sparse (N, N), with an empty diagonal.

    A subclass defines `weights`, the entries A[i, j] where j is among the nearest neighbors of i; all other entries are
    0.
    """

    def __call__(self, neighbors: Neighbors) -> csr_array:
        n, k = neighbors.indices.shape
        rows = np.repeat(np.arange(n), k)
        weights = self.fit(neighbors).weights(neighbors.distances)
        directed = csr_array((weights.ravel(), (rows, neighbors.indices.ravel())), shape=(n, n))
        affinity = csr_array((directed + directed.T) / 2)
        affinity.eliminate_zeros()
        return affinity

    def fit(self, neighbors: Neighbors) -> "Affinity":
        """Return the affinity with all parameters that depend on the samples."""
        return self

    def weights(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return A[i, j] for each distance of i to its neighbor j."""
        raise NotImplementedError


@dataclass(frozen=True)
class SymmetricNeighbors(Affinity):
    """A[i, j] = 1 where j is among the nearest neighbors of i (von Luxburg 2007, section 2.2).

    In W, mutual neighbors have 1, one-sided ones 1/2, and all others 0.
    """

    def weights(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ones(distances.shape)


@dataclass(frozen=True)
class RadialBasis(Affinity):
    """A[i, j] = exp(-d²/2σ²) where j is among the nearest neighbors of i.

    Weights below the smallest number are absent; with as many neighbors as there are other samples, the affinity is the
    full one.

    Parameters
    ----------
    sigma : float, optional
        The width σ, greater than 0, in units of the distance; by default the median distance to the k-th neighbor.

    Raises
    ------
    InputError
        `sigma` is not positive.
    """

    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 < self.sigma < np.inf:
            raise InputError(f"RadialBasis: sigma must be positive, got {self.sigma}.")

    def fit(self, neighbors: Neighbors) -> "RadialBasis":
        if self.sigma is not None:
            return self
        width = float(np.median(neighbors.distances[:, -1]))
        if width == 0:
            raise InputError("RadialBasis: half of all explanations have only duplicates as neighbors; give a sigma.")
        return RadialBasis(width)

    def weights(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.sigma is None:
            raise InputError("RadialBasis: sigma is not known yet; call the affinity with neighbors.")
        weights: NDArray[np.float64] = np.exp(-0.5 * (distances / self.sigma) ** 2)
        return weights
