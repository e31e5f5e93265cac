"""Exact k-nearest neighbors."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.distances import Distance, Euclidean
from whyset.analysis.processors.faiss_search import find_faiss, search_by_faiss
from whyset.analysis.processors.on_device import search_on
from whyset.analysis.processors.search import Candidates, Products, blocks, search
from whyset.errors import InputError

_BLOCK_VALUES = 8_000_000  # values in memory at once in comparisons with all rows: 64 MB in float64
_PAIR_VALUES = 2_000_000  # differences of pairs in memory at once: 16 MB in float64

Rows = NDArray[np.floating]


@dataclass(frozen=True)
class Neighbors:
    """The k nearest other rows of every row, nearest first: `indices` and `distances`, both (N, k)."""

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]
    redone: int = 0
    """The number of rows whose k nearest were uncertain after the fast search, because of its rounding.

    It depends on how the candidates were searched, the neighbors do not.
    """
    recall: float = 1.0
    """The share of true neighbors among those found: 1 for an exact search, otherwise measured."""


@dataclass(frozen=True)
class KNearestNeighbors(Processor):
    """Find the k nearest neighbors of each row exactly. A row is not its own neighbor; its duplicates can be.

    A blockwise search by float32 products fetches more than k candidates, with a bound δ on their rounding. Every
    candidate with d̃² ≤ d̃²_k + 2δ may belong to the k nearest; these, and no others, are ranked by Σ(x - y)² in
    float64. If even the last candidate fetched is among them, rows that were not fetched may be, too, and all rows are
    searched again for those within the bound. Near-duplicates, whose products cancel, are thus distinguished. Of equal
    distances the lower index comes first. A distance that is not a monotonic function of a Euclidean one is computed
    for all pairs.

    Candidates are fetched by faiss (extra `faiss`) if it is installed and the rows have up to 1,024 columns, which is
    faster. Its rounding has a bound as well, so the neighbors are the same with and without it.

    Memory beyond the input is O(N·k + block·D).

    Parameters
    ----------
    k : int, default 10
        The number of neighbors, at least 1.
    distance : Distance, default Euclidean()
        The distance.
    device : str, optional
        A device of torch, such as "cuda", that computes the products, with the same bound and so the same result.

    Raises
    ------
    InputError
        `k` is less than 1.
    """

    k: int = 10
    distance: Distance = field(default_factory=Euclidean)
    device: str | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"KNearestNeighbors: k must be at least 1, got {self.k}.")

    def __call__(self, features: Rows) -> Neighbors:
        require_rows(features, self.k)
        rows = self.distance.euclidean_rows(features)
        if rows is None and self.device is not None:
            raise InputError(
                f"{type(self.distance).__name__} is not a form of the Euclidean distance, which the search on a device "
                "needs: leave out the device or choose another distance."
            )
        if rows is None:
            return nearest_by_all_pairs(features, features, self.k, self.distance, itself=True)
        indices, squared, redone = _nearest(real(rows), self.k, self.device)
        return Neighbors(indices, self.distance.from_euclidean(np.sqrt(squared)), redone)


def nearest_by_all_pairs(features: Rows, others: Rows, k: int, distance: Distance, *, itself: bool) -> Neighbors:
    """Compare every row with all others; with `itself` both are the same rows, and a row is not its own neighbor."""
    indices, distances = np.empty((len(features), k), np.int64), np.empty((len(features), k))
    columns = list(blocks(len(others), max(1, _BLOCK_VALUES // others.shape[1])))
    for part in blocks(len(features), max(1, _BLOCK_VALUES // len(others))):
        found = np.hstack([distance.between(features[part], others[some]) for some in columns])
        if itself:
            found[np.arange(len(found)), np.arange(part.start, part.stop)] = np.inf
        order = np.argsort(found, axis=1, kind="stable")[:, :k]
        indices[part], distances[part] = order, np.take_along_axis(found, order, axis=1)
    return Neighbors(indices, distances)


def require_rows(features: Rows, k: int) -> None:
    """Check that features are a finite matrix with enough rows for k neighbors."""
    if features.ndim != 2:
        raise InputError(f"Expected features of shape (N, D), got {features.shape}.")
    if len(features) <= k:
        raise InputError(f"{k} neighbors need more than {k} explanations, got {len(features)}; lower the neighbors.")
    broken = np.flatnonzero(~np.isfinite(features.sum(axis=1, dtype=np.float64)))
    if len(broken):
        raise InputError(f"{len(broken)} rows are not finite (the first: row {broken[0]}); leave them out.")


def real(rows: Rows) -> Rows:
    """Return rows in float32 or float64, the smaller type that holds them exactly."""
    return np.ascontiguousarray(rows, dtype=np.float32 if rows.dtype in (np.float16, np.float32) else np.float64)


def _nearest(rows: Rows, k: int, device: str | None) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Return indices and exact squared distances, and the number of uncertain rows."""
    n = len(rows)
    products = Products.of(rows)
    fetched = min(n - 1, 2 * k + 8)
    found = _fetch_candidates(products, fetched, device)
    # With |d̃² - d²| ≤ δ, the k-th smallest d² is at most d̃²_k + δ, so a neighbor has d² ≤ d̃²_k + δ, and its d̃² is at
    # most δ larger: d̃² ≤ d̃²_k + 2δ. No row beyond this limit can be among the k nearest.
    limit = found.squared[:, k - 1] + 2 * found.rounding
    plausible = found.squared <= limit[:, None]
    # If even the last candidate is within the limit, rows that were not fetched may be within it, too.
    lost = plausible[:, -1] & (found.indices.shape[1] < n - 1)
    indices, squared = np.empty((n, k), np.int64), np.empty((n, k))
    indices[~lost], squared[~lost] = _rank(rows, found, plausible & ~lost[:, None], k)
    for some in np.array_split(np.flatnonzero(lost), max(1, int(lost.sum()) * n // _BLOCK_VALUES + 1)):
        if len(some):
            indices[some], squared[some] = _within(products, some, limit[some], k)
    return indices, squared, int(np.count_nonzero(plausible.sum(axis=1) > k))


def _fetch_candidates(products: Products, fetched: int, device: str | None) -> Candidates:
    if device is not None:
        return search_on(device, products, fetched)
    faiss = find_faiss(products.rows.shape[1])
    return search(products, fetched) if faiss is None else search_by_faiss(faiss, products, fetched)


def _rank(
    rows: Rows, found: Candidates, plausible: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank the plausible candidates by differences in float64, as the float32 products have only the precision δ."""
    some, places = np.nonzero(plausible)
    others = found.indices[some, places]
    return nearest_of_pairs(some, others, sum_squared_differences(rows, some, others), k)


def _within(
    products: Products, rows: NDArray[np.int64], limit: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank all rows whose approximate distance is within the limit of each of the given rows."""
    pairs = []
    for part in blocks(len(products.rows), 1024):
        close = products.square_distances(rows, part) <= limit[:, None]
        own = np.flatnonzero((rows >= part.start) & (rows < part.stop))
        close[own, rows[own] - part.start] = False
        some, others = np.nonzero(close)
        pairs.append((rows[some], others + part.start))
    some, others = (np.concatenate(columns) for columns in zip(*pairs, strict=True))
    return nearest_of_pairs(some, others, sum_squared_differences(products.rows, some, others), k)


def sum_squared_differences(rows: Rows, some: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return Σ(x - y)² of pairs of rows in float64; unlike products, differences do not cancel."""
    low, high = np.minimum(some, others), np.maximum(some, others)
    pairs, inverse = np.unique(low * len(rows) + high, return_inverse=True)
    low, high = pairs // len(rows), pairs % len(rows)
    squared = np.empty(len(pairs))
    step = max(1, _PAIR_VALUES // rows.shape[1])
    for start in range(0, len(pairs), step):
        part = slice(start, start + step)
        difference = np.subtract(rows[low[part]], rows[high[part]], dtype=np.float64)
        squared[part] = np.einsum("pd,pd->p", difference, difference)
    exact: NDArray[np.float64] = squared[inverse]
    return exact


def nearest_of_pairs(
    some: NDArray[np.int64], others: NDArray[np.int64], squared: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k nearest `others` of each row in `some`, in ascending order; for ties the lower index first.

    Each row must have at least k pairs.
    """
    order = np.lexsort((others, squared, some))
    _, first = np.unique(some[order], return_index=True)
    chosen = order[first[:, None] + np.arange(k)]
    return others[chosen], squared[chosen]
