"""The normalized Laplacians of a graph."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import laplacian

from whyset.analysis.processors.base import Processor

Vectors = NDArray[np.float64]


class Laplacian(Processor):
    """Base of the Laplacians of an affinity W with degrees D; called with W, it returns a sparse matrix (isolated
    nodes: 0).

    The spectrum is computed from the symmetric D^-½ W D^-½ u = λu, because a symmetric solver reads only one triangle
    of a matrix; `eigenvectors` converts u to the eigenvectors of this Laplacian.
    """

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        """Return its eigenvectors (n, m), of unit length, from those of D^-½ W D^-½."""
        raise NotImplementedError

    def steps(self, affinity: csr_array, degrees: Vectors) -> csr_array:
        """Return I - L between new samples and old ones, from their affinity (m, N) and the degrees (N,) of the old."""
        raise NotImplementedError


@dataclass(frozen=True)
class SymmetricLaplacian(Laplacian):
    """L = I - D^-½ W D^-½ (Ng, Jordan, Weiss 2001)."""

    def __call__(self, affinity: csr_array) -> csr_array:
        return csr_array(laplacian(affinity, normed=True))

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        return symmetric

    def steps(self, affinity: csr_array, degrees: Vectors) -> csr_array:
        scale = [diags_array(_inverse(np.sqrt(d))) for d in (affinity.sum(axis=1), degrees)]
        return csr_array(scale[0] @ affinity @ scale[1])


@dataclass(frozen=True)
class RandomWalkLaplacian(Laplacian):
    """L = I - D⁻¹ W (Shi, Malik 2000), with the eigenvalues of the symmetric one and the eigenvectors D^-½ u."""

    def __call__(self, affinity: csr_array) -> csr_array:
        degrees = affinity.sum(axis=1)
        return csr_array(diags_array((degrees > 0).astype(float)) - self.steps(affinity, degrees))

    def eigenvectors(self, symmetric: Vectors, degrees: Vectors) -> Vectors:
        vectors = symmetric / np.sqrt(degrees)[:, None]
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=0)
        return unit

    def steps(self, affinity: csr_array, degrees: Vectors) -> csr_array:
        return csr_array(diags_array(_inverse(affinity.sum(axis=1))) @ affinity)


def _inverse(values: Vectors) -> Vectors:
    """Return 1/x, and 0 where x is 0."""
    inverse: Vectors = np.divide(1, values, out=np.zeros_like(values), where=values > 0)
    return inverse
