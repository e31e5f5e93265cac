"""The search of `search.py` by faiss, where it is installed and faster."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from whyset.analysis.processors.search import Candidates, Products, blocks
from whyset.optional import import_optional

_WIDEST = 1024  # columns: beyond, the multiplication dominates, and `search` does half as many
_ROWS = 16_384  # rows in memory at once, twice: 2 x 64 MB in float32 at the largest width


def find_faiss(columns: int) -> Any | None:
    """Return faiss, or None if it is not installed or not faster for rows with this number of columns.

    MissingExtraError: it is installed and its import fails.
    """
    if columns > _WIDEST or find_spec("faiss") is None:
        return None
    return import_optional("faiss", "the neighbor search", 'pip install "whyset[faiss]"', "faiss-cpu")


def search_by_faiss(faiss: Any, products: Products, fetched: int) -> Candidates:
    """Fetch the nearest candidates of every row, with a bound on the rounding of faiss."""
    n = len(products.rows)
    indices, squared = np.empty((n, fetched), np.int64), np.empty((n, fetched))
    with _as_many_threads_as_numpy(faiss):
        for part in blocks(n, _ROWS):
            names, values = _nearest(faiss, products, part, fetched + 1)
            # The row itself is among its nearest, or is replaced by the last of its duplicates.
            itself = names == np.arange(part.start, part.stop)[:, None]
            itself[~itself.any(axis=1), -1] = True
            indices[part] = names[~itself].reshape(-1, fetched)
            squared[part] = values[~itself].reshape(-1, fetched)
    return Candidates(indices, squared, bound_rounding(products))


def bound_rounding(products: Products) -> NDArray[np.float64]:
    """Return the bound δ of each row on the error of squared distances, by faiss and by `products`.

    faiss adds up D products, or D squared differences, in float32 and in any order: with u = ε/2, the error of ‖x‖²,
    ‖y‖² and 2xy together is at most γ_D (‖x‖ + ‖y‖)² with γ_D = Du/(1 - Du) (Higham 2002, section 3.1). Together with
    their sum and the rounding of the centered values, δ = ε (D/2 + 10) (‖x‖ + M)² with M = max‖y‖, for D up to 1,024.
    Rows that are searched again are compared by `products`, so δ is at least the bound of these.
    """
    length = np.sqrt(products.norms)
    epsilon, columns = float(np.finfo(np.float32).eps), products.rows.shape[1]
    own = epsilon * (columns / 2 + 10) * (length + length.max()) ** 2
    bound: NDArray[np.float64] = np.maximum(own, products.rounding)
    return bound


def _nearest(
    faiss: Any, products: Products, part: slice, fetched: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return indices and squared distances of the nearest to a block of rows, nearest first."""
    rows = products.subtract_center(part, slice(None))
    values, names = np.empty((len(rows), 0), np.float32), np.empty((len(rows), 0), np.int64)
    for others in blocks(len(products.rows), _ROWS):
        found, where = faiss.knn(
            rows,
            rows if others == part else products.subtract_center(others, slice(None)),
            min(fetched, others.stop - others.start),
        )
        values, names = np.hstack([values, found]), np.hstack([names, where + others.start])
        order = np.argsort(values, axis=1, kind="stable")[:, :fetched]
        values, names = np.take_along_axis(values, order, axis=1), np.take_along_axis(names, order, axis=1)
    return names, values


@contextmanager
def _as_many_threads_as_numpy(faiss: Any) -> Iterator[None]:
    """Let faiss use as many threads as products of NumPy may use now.

    The number of OpenMP threads, which faiss uses, belongs to the calling thread: limits that were set in another one
    do not apply to it, and setting it changes no other.
    """
    before = faiss.omp_get_max_threads()
    allowed = [one.get_num_threads() for one in ThreadpoolController().select(user_api="blas").lib_controllers]
    faiss.omp_set_num_threads(min([before, *allowed]))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
