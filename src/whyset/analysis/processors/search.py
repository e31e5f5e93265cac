"""Blockwise search for candidates of the nearest rows by float32 products, with a bound on the rounding."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024  # rows of a block
DEPTH = 512  # columns of a product in float32; products are added up in float64

Rows = NDArray[np.floating]


@dataclass(frozen=True)
class Candidates:
    """The nearest other rows of every row by approximate squared distance, nearest first, (N, fetched)."""

    indices: NDArray[np.int64]
    squared: NDArray[np.float64]
    rounding: NDArray[np.float64]
    """(N,): the largest error of any approximate squared distance of the row, found or not."""


@dataclass(frozen=True)
class Products:
    """Squared distances ‖x‖² - 2xy + ‖y‖² between blocks of rows, by products of centered rows in float32.

    Centering reduces the norms, to which the rounding is proportional. Products of 512 columns are computed in float32
    and added up in float64, so the bound does not grow with D. With m = 512, ε that of float32, and M = max‖y‖,
    |d̃² - d²| ≤ δ = (m + 8) ε ‖x‖ M + 2ε (‖x‖ + M)²  (Higham 2002, section 3.1). The second term is the rounding of the
    centered values. Rows are scaled by a power of two, which is exact, so that very small or large values neither
    vanish nor overflow in float32.
    """

    rows: Rows
    center: NDArray[np.float64]
    scale: float
    norms: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows) -> "Products":
        center = rows.mean(axis=0, dtype=np.float64)
        products = cls(rows, center, 1.0, np.zeros(len(rows)))
        parts = [(block, columns) for block in blocks(len(rows), _BLOCK) for columns in blocks(rows.shape[1], DEPTH)]
        largest = max(float(np.abs(rows[block, columns] - center[columns]).max()) for block, columns in parts)
        exponent = int(np.frexp(largest)[1])
        most = 126 if rows.dtype == np.float32 else 1022  # the scale is a number of the same type
        products = replace(products, scale=2.0 ** -max(-most, min(most, exponent)))
        for block, columns in parts:
            part = products.subtract_center(block, columns).astype(np.float64)
            products.norms[block] += np.einsum("nd,nd->n", part, part)
        return products

    def subtract_center(self, part: NDArray[np.int64] | slice, columns: slice) -> NDArray[np.float32]:
        """Return a part of the rows, in some columns, minus the center and scaled, in float32."""
        if self.rows.dtype == np.float32:
            # Scaled before they are subtracted: differences of the largest numbers overflow in float32.
            center = (self.center[columns] * self.scale).astype(np.float32)
            return self.rows[part, columns] * np.float32(self.scale) - center
        return ((self.rows[part, columns] - self.center[columns]) * self.scale).astype(np.float32)

    @property
    def rounding(self) -> NDArray[np.float64]:
        """The bound δ for each row."""
        length, epsilon = np.sqrt(self.norms), float(np.finfo(np.float32).eps)
        largest = length.max()
        bound: NDArray[np.float64] = epsilon * ((DEPTH + 8) * length * largest + 2 * (length + largest) ** 2)
        return bound

    def square_distances(self, some: NDArray[np.int64] | slice, others: slice) -> NDArray[np.float64]:
        """Return approximate squared distances, (some, others)."""
        total = np.add.outer(self.norms[some], self.norms[others])
        for columns in blocks(self.rows.shape[1], DEPTH):
            x = self.subtract_center(some, columns)
            y = x if some is others else self.subtract_center(others, columns)
            total -= 2 * (x @ y.T)
        return total


def search(products: Products, fetched: int) -> Candidates:
    """Fetch the nearest candidates of every row. Each pair of blocks is multiplied once, for the rows of both."""
    n = len(products.rows)
    indices, squared = np.full((n, fetched), -1, np.int64), np.full((n, fetched), np.inf)
    parts = list(blocks(n, _BLOCK))
    for number, first in enumerate(parts):
        for second in parts[number:]:
            new = products.square_distances(first, second)
            if first is second:
                np.fill_diagonal(new, np.inf)
            else:
                _keep_nearest(indices, squared, second, first, new.T)
            _keep_nearest(indices, squared, first, second, new)
    order = np.argsort(squared, axis=1, kind="stable")
    return Candidates(
        np.take_along_axis(indices, order, axis=1), np.take_along_axis(squared, order, axis=1), products.rounding
    )


def blocks(length: int, step: int) -> Iterator[slice]:
    """Yield slices that cover 0 .. length."""
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _keep_nearest(
    indices: NDArray[np.int64], squared: NDArray[np.float64], rows: slice, columns: slice, new: NDArray[np.float64]
) -> None:
    """Merge new distances of `rows` to `columns` into the nearest found so far."""
    fetched = indices.shape[1]
    nearer = np.flatnonzero((new < squared[rows].max(axis=1)[:, None]).any(axis=1))
    values = np.hstack([squared[rows][nearer], new[nearer]])
    names = np.hstack(
        [indices[rows][nearer], np.broadcast_to(np.arange(columns.start, columns.stop), (len(nearer), new.shape[1]))]
    )
    kept = np.argpartition(values, fetched - 1, axis=1)[:, :fetched]
    changed = nearer + rows.start
    squared[changed] = np.take_along_axis(values, kept, axis=1)
    indices[changed] = np.take_along_axis(names, kept, axis=1)
