"""The leading eigenpairs of a normalized affinity, component by component."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.laplacian import Laplacian, SymmetricLaplacian
from whyset.errors import InputError


@dataclass(frozen=True)
class SpectrumOfGraph:
    """Leading `eigenvalues` (m,), descending, with `eigenvectors` (N, m) of unit length; rows of isolated nodes are 0.

    `components` is the number of connected components of two or more nodes; the first eigenvalue of each is 1, those
    of larger components first. `isolated` marks nodes without an edge.
    """

    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    components: int
    isolated: NDArray[np.bool_]


@dataclass(frozen=True)
class Spectrum(Processor):
    """Solve D^-½ A D^-½ v = λ v for the algebraically largest λ; 1 - λ are the smallest of the normalized Laplacian.

    The connected components of the graph are solved separately, because Lanczos iteration finds a multiple eigenvalue
    too few times, and λ = 1 has the multiplicity of the number of components. Isolated nodes, where D^-½ does not
    exist, take no part. (von Luxburg 2007; Ng, Jordan, Weiss 2001.)

    Parameters
    ----------
    eigenvectors : int, default 32
        The number of eigenpairs, at least 2. With more components, it is one for each component and one more.
    dense_below : int, default 600
        Components up to this number of nodes are solved densely.
    laplacian : Laplacian, default SymmetricLaplacian()
        The Laplacian whose eigenvectors are returned.

    Raises
    ------
    InputError
        A parameter is out of range.
    """

    eigenvectors: int = 32
    dense_below: int = 600
    laplacian: Laplacian = field(default_factory=SymmetricLaplacian)

    seeded = True

    def __post_init__(self) -> None:
        if self.eigenvectors < 2 or self.dense_below < 3:
            raise InputError(f"Spectrum needs eigenvectors >= 2 and dense_below >= 3, got {self}.")

    def __call__(self, affinity: csr_array, *, seed: int) -> SpectrumOfGraph:
        rng = np.random.default_rng(seed)
        components, isolated = _components(affinity)
        count = max(self.eigenvectors, len(components) + 1)
        solved = [(nodes, *self._solve(affinity[nodes][:, nodes], count, rng)) for nodes in components]
        return _merge(solved, isolated, count)

    def _solve(
        self, affinity: csr_array, count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the leading eigenpairs of one component, descending."""
        n = affinity.shape[0]
        count = min(count, n)
        degrees = affinity.sum(axis=1)
        scale = diags_array(1 / np.sqrt(degrees))
        normalized = scale @ affinity @ scale
        if n <= self.dense_below or count >= n - 1:
            values, vectors = eigh(normalized.toarray(), subset_by_index=(n - count, n - 1))
        else:
            # A start vector from the seed makes the result reproducible; ARPACK would draw its own. A positive vector
            # is not orthogonal to the first eigenvector, which is positive. A larger subspace (ncv) than ARPACK's
            # default of 2 count + 1 helps where eigenvalues are close, as for weakly connected clusters.
            start = rng.uniform(0.5, 1.5, n)
            values, vectors = eigsh(normalized, count, which="LA", v0=start, ncv=min(n, max(3 * count, 20)), tol=1e-10)
        order = np.argsort(-values, kind="stable")
        return values[order], _fix_signs(self.laplacian.eigenvectors(vectors[:, order], degrees))


def _components(affinity: csr_array) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return the nodes of every component of two or more nodes, larger first, and the mask of isolated nodes."""
    _, labels = connected_components(affinity, directed=False)
    isolated = np.asarray(affinity.sum(axis=1)) == 0
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    groups = [nodes for nodes in groups if not isolated[nodes[0]]]
    if not groups:
        raise InputError("Every node of the affinity graph is isolated: the graph needs an edge.")
    return sorted(groups, key=len, reverse=True), isolated


def _merge(
    solved: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]],
    isolated: NDArray[np.bool_],
    count: int,
) -> SpectrumOfGraph:
    """Merge the spectra of the components, largest eigenvalues first, each vector zero outside its component."""
    # The first eigenvalue of a component is 1; set exactly, the order of components does not depend on rounding.
    values = np.concatenate([np.append(1.0, np.minimum(v[1:], 1.0)) for _, v, _ in solved])
    owner = np.repeat(np.arange(len(solved)), [len(v) for _, v, _ in solved])
    column = np.concatenate([np.arange(len(v)) for _, v, _ in solved])
    chosen = np.lexsort((owner, column > 0, -values))[:count]
    vectors = np.zeros((len(isolated), len(chosen)))
    for target, source in enumerate(chosen):
        nodes, _, own = solved[owner[source]]
        vectors[nodes, target] = own[:, column[source]]
    return SpectrumOfGraph(values[chosen], vectors, len(solved), isolated)


def _fix_signs(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose the sign of each eigenvector so that its largest entry is positive.

    The sign of an eigenvector is arbitrary and differs between solvers and machines.
    """
    largest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
