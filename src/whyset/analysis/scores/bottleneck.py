"""The bottleneck of a neighbor graph: where few edges connect two groups that have many inside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.laplacian import RandomWalkLaplacian
from whyset.analysis.processors.spectrum import Spectrum
from whyset.errors import InputError

_DENSE_BELOW = 300  # nodes; fewer than for a spectrum of 32 eigenvectors, because few are found faster by iteration


@dataclass(frozen=True)
class BottleneckOfGraph:
    """The `depth` of the deepest bottleneck, 0 without one, and the `width` of the graph.

    The width is the largest cut along the leading eigenvector: about 28 for a curve with 10 neighbors each, and several
    hundred for noise in many dimensions.
    """

    depth: float
    width: float


@dataclass(frozen=True)
class Bottleneck(Processor):
    """Measure how much fewer edges there are between two groups of a graph than inside both.

    Nodes are ordered by an eigenvector of I - D⁻¹W; c(s) is the sum of the weights between the first s nodes and the
    others (the sweep of spectral partitioning: Shi, Malik 2000; Spielman, Teng 2007). In a graph of one group, c rises
    and falls once, or is level, as along a curve. Between two groups it has a valley, whose depth is

        max_s 2 (√min(max_(r≤s) c(r), max_(r≥s) c(r)) - √c(s)),

    where the square root makes the variance of counts equal (Anscombe 1948); the largest over the leading eigenvectors
    is returned. Because c depends on the order alone, a bend of a curve, or a change of density that has no valley, has
    no bottleneck. Connected components are measured separately, and c between them is 0.

    Parameters
    ----------
    eigenvectors : int, default 8
        The number of eigenvectors after the first, at least 1.

    Raises
    ------
    InputError
        `eigenvectors` is less than 1.

    Examples
    --------
    >>> ring = csr_array(np.roll(np.eye(30), 1, axis=1) + np.roll(np.eye(30), -1, axis=1))
    >>> Bottleneck()(ring, seed=0)
    BottleneckOfGraph(depth=0.0, width=2.0)
    """

    eigenvectors: int = 8

    seeded = True

    def __post_init__(self) -> None:
        if self.eigenvectors < 1:
            raise InputError(f"Bottleneck: eigenvectors must be at least 1, got {self.eigenvectors}.")

    def __call__(self, affinity: csr_array, *, seed: int) -> BottleneckOfGraph:
        _, labels = connected_components(affinity, directed=False)
        parts = [np.flatnonzero(labels == number) for number in np.flatnonzero(np.bincount(labels) > 1)]
        found = [self._measure(affinity[nodes][:, nodes], seed) for nodes in parts]
        if not found:
            return BottleneckOfGraph(0.0, 0.0)
        widths = sorted((one.width for one in found), reverse=True)
        between = [2 * float(np.sqrt(widths[1]))] if len(widths) > 1 else []
        return BottleneckOfGraph(max([*between, *(one.depth for one in found)]), widths[0])

    def _measure(self, affinity: csr_array, seed: int) -> BottleneckOfGraph:
        """Measure a connected graph of two or more nodes."""
        spectrum = Spectrum(self.eigenvectors + 1, _DENSE_BELOW, RandomWalkLaplacian())(affinity, seed=seed)
        edges = coo_array(affinity)
        cuts = [compute_cuts(edges, np.argsort(vector, kind="stable")) for vector in spectrum.eigenvectors.T[1:]]
        return BottleneckOfGraph(max(measure_depth(cut) for cut in cuts), float(cuts[0].max()))


def compute_cuts(edges: coo_array, order: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return c(s), s = 1 .. N - 1: the weight of the edges between the first s nodes in `order` (N,) and the others."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, last = place[edges.row], place[edges.col]
    once = first < last
    opened = np.bincount(first[once], edges.data[once], len(order))
    closed = np.bincount(last[once], edges.data[once], len(order))
    cuts: NDArray[np.float64] = np.maximum(np.cumsum(opened - closed)[:-1], 0)
    return cuts


def measure_depth(cuts: NDArray[np.float64]) -> float:
    """Return the depth of the deepest valley in c(s), 0 without one."""
    before, after = np.maximum.accumulate(cuts), np.maximum.accumulate(cuts[::-1])[::-1]
    return float((2 * (np.sqrt(np.minimum(before, after)) - np.sqrt(cuts))).max())
