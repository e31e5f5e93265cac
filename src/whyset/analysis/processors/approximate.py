"""Approximate nearest neighbors for very many samples, with a measured recall."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.distances import Distance, Euclidean
from whyset.analysis.processors.neighbors import Neighbors, Rows, nearest_by_all_pairs, real, require_rows
from whyset.analysis.processors.numba_threads import keep_openmp_threads
from whyset.errors import InputError
from whyset.optional import import_optional


@dataclass(frozen=True)
class ApproximateNeighbors(Processor):
    """Find about k nearest neighbors by nearest-neighbor descent (Dong et al. 2011; pynndescent).

    The time grows about linearly with N; below some 50,000 samples `KNearestNeighbors` is exact in minutes. The
    `recall` of the result is measured: the share of true neighbors among those found.

    Parameters
    ----------
    k : int, default 10
        The number of neighbors.
    distance : Distance, default Euclidean()
        The distance, a monotonic function of the Euclidean distance of some rows.
    probes : int, default 200
        The number of random samples for which the recall is measured.

    Raises
    ------
    InputError
        A parameter is out of range.
    MissingExtraError
        pynndescent is not installed, when it is called.
    """

    k: int = 10
    distance: Distance = field(default_factory=Euclidean)
    probes: int = 200

    seeded = True
    alone = True  # as for UMAP

    def __post_init__(self) -> None:
        if self.k < 1 or self.probes < 1:
            raise InputError(f"ApproximateNeighbors needs k >= 1 and probes >= 1, got {self}.")

    def __call__(self, features: Rows, *, seed: int) -> Neighbors:
        require_rows(features, self.k)
        rows = self.distance.euclidean_rows(features)
        if rows is None:
            raise InputError(
                f"{type(self.distance).__name__} is not a form of the Euclidean distance, which approximate neighbors "
                "need: choose the exact search or another distance."
            )
        indices, distances = _descent(real(rows), self.k, seed)
        recall = self._recall(real(rows), indices, seed)
        return Neighbors(indices, self.distance.from_euclidean(distances), recall=recall)

    def _recall(self, rows: Rows, indices: NDArray[np.int64], seed: int) -> float:
        n = len(rows)
        probes = np.random.default_rng(seed).choice(n, min(self.probes, n), replace=False)
        exact = nearest_by_all_pairs(rows[probes], rows, self.k + 1, Euclidean(), itself=False).indices
        found = 0
        for probe, truth in zip(probes, exact, strict=True):
            others = truth[truth != probe][: self.k]
            found += len(np.intersect1d(indices[probe], others))
        return found / (len(probes) * self.k)


def _descent(rows: Rows, k: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return indices and distances (N, k), without the own index of a row."""
    library = import_optional("pynndescent", "the approximate neighbor search", 'pip install "whyset[ann]"')
    with keep_openmp_threads():
        indices, distances = library.NNDescent(rows, n_neighbors=k + 1, random_state=seed).neighbor_graph
    itself = indices == np.arange(len(rows))[:, None]
    itself[~itself.any(axis=1), -1] = True  # with many duplicates, a row may be missing in its own list
    if (indices < 0).any():
        raise InputError(f"Nearest-neighbor descent left rows with fewer than {k} neighbors: use the exact search.")
    shape = (len(rows), k)
    return indices[~itself].reshape(shape).astype(np.int64), distances[~itself].reshape(shape).astype(np.float64)
