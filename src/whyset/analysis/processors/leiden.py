"""Clustering of the affinity graph by modularity."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, by_size, spectral_coordinates
from whyset.analysis.processors.spectrum import SpectrumOfGraph
from whyset.errors import InputError
from whyset.optional import import_optional

_ITERATIONS = 10  # each starts from the communities of the one before; the first ten raise the modularity by some 6 %


@dataclass(frozen=True)
class Leiden(Processor):
    """Find the communities of the affinity graph by the Leiden algorithm (Traag, Waltman, van Eck 2019).

    They have a large modularity, (1/2m) Σ_ij (W_ij - γ d_i d_j/2m) over pairs in one community, with the degrees d and
    the sum 2m of all weights (Newman, Girvan 2004; γ of Reichardt, Bornholdt 2006). The number of clusters follows from
    the resolution γ; a graph of neighbors without clusters has several communities, too. Samples without neighbors are
    noise. The coordinates, by which clusters are scored, are as many row-normalized eigenvectors as there are clusters.

    Parameters
    ----------
    resolution : float, default 1.0
        The resolution γ, greater than 0; a larger one finds more and smaller clusters.

    Raises
    ------
    InputError
        `resolution` is not positive, or the graph has no edge.
    MissingExtraError
        graspologic-native is not installed, when it is called.
    """

    resolution: float = 1.0

    seeded = True
    inputs: ClassVar = ("affinity", "spectrum")

    def __post_init__(self) -> None:
        if not 0 < self.resolution < np.inf:
            raise InputError(f"Leiden: resolution must be positive, got {self.resolution}.")

    @property
    def name(self) -> str:
        return "leiden" if self.resolution == 1 else f"leiden-{self.resolution:g}"

    def __call__(self, affinity: csr_array, spectrum: SpectrumOfGraph, *, seed: int) -> Clustering:
        connected = np.diff(affinity.indptr) > 0
        if not connected.any():
            raise InputError("Leiden: no explanation has a neighbor with a weight above 0.")
        labels = by_size(find_communities(affinity[connected][:, connected], self.resolution, seed), connected)
        clusters = min(int(labels.max()) + 1, spectrum.eigenvectors.shape[1])
        return Clustering(labels, spectral_coordinates(spectrum, clusters), "modularity")


def find_communities(affinity: csr_array, resolution: float, seed: int) -> NDArray[np.int64]:
    """Return the community of each node of a symmetric weighted graph (N, N), in which every node has an edge."""
    library = import_optional("graspologic_native", "Leiden", 'pip install "whyset[leiden]"', "graspologic-native")
    nodes = affinity.shape[0]
    _, community_of = library.leiden_csr(
        affinity.indptr.astype(np.int64),
        affinity.indices.astype(np.int32),
        affinity.data.astype(np.float64),
        nodes,
        resolution=resolution,
        iterations=_ITERATIONS,
        seed=seed,
    )
    return np.array([community_of[node] for node in range(nodes)], np.int64)
