"""Symmetric sparse affinity from nearest neighbours."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.neighbours import Neighbours


@dataclass(frozen=True)
class SymmetricNeighbours(Processor):
    """Weigh each pair of samples by (A + Aᵀ)/2, with A[i, j] = 1 where j is among the nearest neighbours of i.

    So mutual neighbours get 1, one-sided ones 1/2, all others 0 (von Luxburg 2007, section 2.2). The result is a
    sparse (N, N) matrix with an empty diagonal.
    """

    def __call__(self, neighbours: Neighbours) -> csr_array:
        n, k = neighbours.indices.shape
        rows = np.repeat(np.arange(n), k)
        directed = csr_array((np.ones(n * k), (rows, neighbours.indices.ravel())), shape=(n, n))
        return csr_array((directed + directed.T) / 2)
