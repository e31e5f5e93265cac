"""Exact k-nearest neighbours, with a proof for every row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError

_BLOCK_VALUES = 4_000_000  # values held at once where rows are compared one by one: 32 MB in float64


@dataclass(frozen=True)
class Neighbours:
    """The k nearest other rows of every row, nearest first: `indices` and Euclidean `distances`, both (N, k)."""

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    redone: int
    """Rows whose neighbours were ranked again by differences, because rounding left them in doubt."""


@dataclass(frozen=True)
class KNearestNeighbours(Processor):
    """Find the k nearest neighbours of each row exactly; a row is never its own neighbour, its duplicates can be.

    A brute-force search (scikit-learn: blockwise, products in float64 also for float32 rows) fetches more than k
    candidates by ‖x‖² - 2xy + ‖y‖². That formula cancels between near-duplicates, so its answer counts only where it
    is proved: all gaps between successive squared distances, the one behind the k-th included, exceed twice the
    rounding bound δ = 2(D + 4)ε(‖x‖ + max‖y‖)² + 4ε'd² (Higham 2002, section 3.1; ε' of the rows' own type, in which
    distances come back). The candidates of any other row are ranked again by Σ(x - y)², and that is certified where
    d_k² ≤ d̃²_last - δ, so that no row left out can be nearer. What is still in doubt is compared with all rows by
    differences. Equal distances go to the lower index among those compared.

    Memory beyond the input is O(N·k + block·D).
    """

    k: int = 10

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"KNearestNeighbours: k must be at least 1, got {self.k}.")

    def __call__(self, features: NDArray[np.floating]) -> Neighbours:
        if len(features) <= self.k:
            raise InputError(
                f"{self.k} neighbours need more than {self.k} samples, got {len(features)}; lower the neighbours."
            )
        features = np.ascontiguousarray(features, dtype=None if features.dtype == np.float32 else np.float64)
        found = _search(features, min(len(features), 2 * self.k + 9))
        indices, squared = found.indices[:, : self.k].copy(), found.squared[:, : self.k].copy()
        doubtful = np.flatnonzero(~found.proved(self.k))
        indices[doubtful], squared[doubtful], certified = _ranked(features, found, doubtful, self.k)
        lost = doubtful[~certified]
        indices[lost], squared[lost] = _by_differences(features, lost, self.k)
        return Neighbours(indices, np.sqrt(squared), len(doubtful))


@dataclass(frozen=True)
class _Candidates:
    """What the search fetched, (N, fetched), nearest first, each row itself moved to the end with distance infinity."""

    indices: NDArray[np.int64]
    squared: NDArray[np.float64]
    rounding: NDArray[np.float64]
    nothing_left_out: bool

    def proved(self, k: int) -> NDArray[np.bool_]:
        """Tell for which rows rounding cannot have changed which k are nearest, nor their order, nor six digits."""
        gaps = np.diff(self.squared[:, : k + 1], axis=1)
        clear: NDArray[np.bool_] = np.all(gaps > 2 * self.rounding[:, 1 : k + 1], axis=1)
        six_digits: NDArray[np.bool_] = self.rounding[:, 0] <= 1e-6 * self.squared[:, 0]
        itself_found: NDArray[np.bool_] = np.isinf(self.squared[:, -1])
        proved: NDArray[np.bool_] = clear & six_digits & itself_found
        return proved

    def beyond(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the squared distance that no row left out can be below."""
        if self.nothing_left_out:
            return np.full(len(rows), np.inf)
        lower = self.squared[rows] - self.rounding[rows]
        bound: NDArray[np.float64] = np.where(np.isfinite(lower), lower, -np.inf).max(axis=1)
        return bound


def _search(features: NDArray[np.floating], fetched: int) -> _Candidates:
    """Fetch the nearest candidates of every row."""
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=fetched, algorithm="brute").fit(features).kneighbors(features)
    squared = distances.astype(np.float64) ** 2
    itself = indices == np.arange(len(features))[:, None]
    products = _rounding_of_products(features, squared[itself], np.nonzero(itself)[0])
    # Among near-duplicates rounding can put a row behind others, so it is taken out by index, not by place.
    squared[itself] = np.inf
    order = np.argsort(squared, axis=1, kind="stable")
    squared = np.take_along_axis(squared, order, axis=1)
    rounding = products[:, None] + 4 * np.finfo(features.dtype).eps * np.where(np.isinf(squared), 0, squared)
    indices = np.take_along_axis(indices, order, axis=1).astype(np.int64)
    return _Candidates(indices, squared, rounding, fetched == len(features))


def _rounding_of_products(
    features: NDArray[np.floating], to_itself: NDArray[np.float64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Bound the rounding of ‖x‖² - 2xy + ‖y‖² for every row x.

    Whether products were really made in float64 shows in the squared distances of `rows` to themselves, which are
    nothing but rounding; where they exceed the bound, the bound of float32 holds.
    """
    norms = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    scale = 2 * (features.shape[1] + 4) * (norms + norms.max()) ** 2
    bound: NDArray[np.float64] = scale * np.finfo(np.float64).eps
    return bound if (to_itself <= bound[rows]).all() else scale * np.finfo(np.float32).eps


def _ranked(
    features: NDArray[np.floating], found: _Candidates, rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Rank the candidates of the given rows again by differences, and tell for which rows that is certified."""
    candidates = np.sort(found.indices[rows], axis=1)  # with the stable sort below, ties go to the lower index
    exact = np.empty(candidates.shape)
    step = max(1, _BLOCK_VALUES // (candidates.shape[1] * features.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        difference = features[candidates[part]].astype(np.float64) - features[rows[part], None]
        exact[part] = np.einsum("nkd,nkd->nk", difference, difference)
    exact[candidates == rows[:, None]] = np.inf
    order = np.argsort(exact, axis=1, kind="stable")[:, :k]
    squared = np.take_along_axis(exact, order, axis=1)
    return np.take_along_axis(candidates, order, axis=1), squared, squared[:, -1] <= found.beyond(rows)


def _by_differences(
    features: NDArray[np.floating], rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compare the given rows with all others by differences, which do not cancel."""
    n, dimensions = features.shape
    indices, squared = np.empty((len(rows), k), np.int64), np.empty((len(rows), k))
    step = max(1, _BLOCK_VALUES // max(n, dimensions))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        exact = _squared_differences(features, part)
        exact[np.arange(len(part)), part] = np.inf
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        indices[start : start + step] = order
        squared[start : start + step] = np.take_along_axis(exact, order, axis=1)
    return indices, squared


def _squared_differences(features: NDArray[np.floating], part: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give Σ(x - y)² between the given rows and all rows, (len(part), N), converting one block of rows at a time."""
    step = max(1, _BLOCK_VALUES // features.shape[1])
    chosen = features[part].astype(np.float64)
    blocks = [
        cdist(chosen, features[start : start + step].astype(np.float64), "sqeuclidean")
        for start in range(0, len(features), step)
    ]
    return np.hstack(blocks)
