"""The number of clusters, by the largest gap between eigenvalues."""

from dataclasses import dataclass

import numpy as np

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError


@dataclass(frozen=True)
class NumberOfClusters:
    """The number of `clusters`, the `gap` after that eigenvalue, and the flag `clear`.

    The gap is clear if no other gap is larger, including that after the first eigenvalue. If that one is the largest,
    the graph is one cluster, and `clusters` is the number of the best split.
    """

    clusters: int
    gap: float
    clear: bool


@dataclass(frozen=True)
class Eigengap(Processor):
    """Choose the k of at least 2 with the largest λ_k - λ_(k+1) (von Luxburg 2007, section 8.3).

    A graph in c components has c eigenvalues 1, so k is never below c. Clusters of fewer than four samples on average
    are not considered.

    Parameters
    ----------
    maximum : int, default 16
        The largest k, at least 2; a graph in more components has as many clusters.

    Raises
    ------
    InputError
        `maximum` is less than 2.
    """

    maximum: int = 16

    def __post_init__(self) -> None:
        if self.maximum < 2:
            raise InputError(f"Eigengap: maximum must be at least 2, got {self.maximum}.")

    def __call__(self, spectrum: SpectrumOfGraph) -> NumberOfClusters:
        gaps = -np.diff(spectrum.eigenvalues)  # gaps[i] is the gap after eigenvalue i + 1
        lowest = max(2, spectrum.components)
        largest = min(self.maximum, len(spectrum.eigenvectors) // 4)
        highest = min(max(largest, lowest), len(gaps))
        if highest < lowest:
            raise InputError(f"{len(gaps) + 1} eigenvalues are too few to choose among {lowest} clusters and more.")
        clusters = lowest + int(np.argmax(gaps[lowest - 1 : highest]))
        gap = float(gaps[clusters - 1])
        return NumberOfClusters(clusters, gap, clear=bool(gap >= gaps[:highest].max()))
