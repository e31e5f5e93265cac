"""Imputation by the weighted mean of neighbors: a sparse system of linear equations (Rong 2022)."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

Values = NDArray[np.float64]


class NeighborMeans:
    """Inputs whose elements can be imputed from their neighbors.

    Parameters
    ----------
    x : Tensor
        The inputs (n, channels, ...).
    noise : ndarray of float64
        The number that is added to each imputed element, shaped like `x`.
    """

    def __init__(self, x: Tensor, noise: Values) -> None:
        self._x, self._noise = x, noise.reshape(*x.shape[:2], -1)
        self._values = x.detach().double().cpu().numpy().reshape(*x.shape[:2], -1)
        self._weights = build_neighbor_weights(x.shape[2:])

    def __call__(self, mask: Tensor) -> Tensor:
        """Return the inputs with the elements imputed in which the mask (n, 1 or channels, ...) is True."""
        everywhere = mask.expand(self._x.shape[0], mask.shape[1], *self._x.shape[2:]).cpu().numpy()
        masks = everywhere.reshape(len(self._x), mask.shape[1], -1)
        imputed = np.stack([self._impute(row, masks[row]) for row in range(len(self._x))])
        found = torch.from_numpy(imputed.reshape(tuple(self._x.shape))).to(self._x)
        return torch.where(mask, found, self._x)  # elements that are known stay as they are in each dtype

    def _impute(self, row: int, masks: NDArray[np.bool_]) -> Values:
        values = self._values[row].copy()
        if len(masks) == 1:
            solve_means(values, masks[0], self._weights)
        else:  # each channel has its own mask
            for channel, mask in enumerate(masks):
                solve_means(values[channel : channel + 1], mask, self._weights)
        noisy: Values = values + self._noise[row]
        return noisy


def build_neighbor_weights(shape: Sequence[int]) -> sparse.csr_array:
    """Return the weight of each element (columns) in the mean of each element (rows), by their flat numbers.

    Neighbors differ by at most one in every coordinate. The weight is 1 if one coordinate differs, and halves with each
    further one; rows sum to 1, so that neighbors outside of the input do not count.
    """
    numbers = np.arange(np.prod(shape, dtype=np.int64)).reshape(tuple(shape))
    rows, columns, weights = [], [], []
    for offset in product((-1, 0, 1), repeat=len(shape)):
        n_different = sum(map(abs, offset))
        if n_different:
            rows.append(numbers[_cut(shape, [-step for step in offset])].ravel())
            columns.append(numbers[_cut(shape, offset)].ravel())
            weights.append(np.full(rows[-1].size, 0.5 ** (n_different - 1)))
    entries = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    found = sparse.csr_array(entries, shape=(numbers.size, numbers.size))
    totals = np.asarray(found.sum(axis=1)).ravel()
    return (sparse.diags_array(1 / np.maximum(totals, 1e-300)) @ found).tocsr()


def _cut(shape: Sequence[int], offset: Sequence[int]) -> tuple[slice, ...]:
    """Return the slices of the elements that have a neighbor at minus the offset."""
    return tuple(slice(max(0, step), length + min(0, step)) for step, length in zip(offset, shape, strict=True))


def solve_means(values: Values, mask: NDArray[np.bool_], weights: sparse.csr_array) -> None:
    """Replace the masked elements of values (channels, elements) by the solution of the system."""
    if not mask.any():
        return
    if mask.all():  # any constant is a solution
        values[:] = values.mean(axis=1, keepdims=True)
        return
    unknown, known = np.flatnonzero(mask), np.flatnonzero(~mask)
    of_unknown = weights[unknown]
    system = sparse.eye_array(len(unknown)) - of_unknown[:, unknown]
    values[:, unknown] = splu(system.tocsc()).solve(of_unknown[:, known] @ values[:, known].T).T
