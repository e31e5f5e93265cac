"""The normalised Laplacians of a graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import laplacian

from whyset.analysis.processors.base import Processor

Vectors = NDArray[np.float64]


class Laplacian(Processor):
    """A Laplacian of an affinity W with degrees D; called with W, it gives the sparse matrix (isolated nodes: 0).

    Its eigenvectors come from the symmetric D^-½ W D^-½ u = λu, because a symmetric solver would read only one triangle
    of another matrix; `eigenvectors` turns these u into its own.
    """

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        """Give its eigenvectors (n, m), of unit length, from those of D^-½ W D^-½."""
        raise NotImplementedError


@dataclass(frozen=True)
class SymmetricLaplacian(Laplacian):
    """L = I - D^-½ W D^-½ (Ng, Jordan, Weiss 2001)."""

    def __call__(self, affinity: csr_array) -> csr_array:
        return csr_array(laplacian(affinity, normed=True))

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        return symmetric


@dataclass(frozen=True)
class RandomWalkLaplacian(Laplacian):
    """L = I - D⁻¹ W (Shi, Malik 2000), with the eigenvalues of the symmetric one and the eigenvectors D^-½ u."""

    def __call__(self, affinity: csr_array) -> csr_array:
        degrees = affinity.sum(axis=1)
        joined = degrees > 0
        inverse = np.divide(1, degrees, out=np.zeros_like(degrees), where=joined)
        return csr_array(diags_array(joined.astype(float)) - diags_array(inverse) @ affinity)

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        vectors = symmetric / np.sqrt(degrees)[:, None]
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=0)
        return unit
