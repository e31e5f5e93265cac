"""Series of many positions made shorter so that no extreme is lost."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray


def decimate(values: NDArray[Any], longest: int | None) -> NDArray[Any]:
    """Series (..., T) at `longest` positions at most: the smallest and the largest value of each of longest // 2 parts,
    in the order in which they occur. Position p of P stands for the positions around p T / P. Shorter series stay.

    >>> decimated(np.array([0, 9, 0, 0, -5, 0, 1, 2]), 4).tolist()
    [0, 9, -5, 2]
    """
    length = values.shape[-1]
    if longest is None or length <= longest:
        return values
    parts = longest // 2
    edges = np.arange(parts + 1) * length // parts
    kept = np.empty((*values.shape[:-1], 2 * parts), values.dtype)
    for part, (start, stop) in enumerate(itertools.pairwise(edges)):
        inside = values[..., start:stop]
        places = np.sort(np.stack([inside.argmin(-1), inside.argmax(-1)], axis=-1))
        kept[..., 2 * part : 2 * part + 2] = np.take_along_axis(inside, places, -1)
    return kept


def get_decimated_length(length: int, longest: int | None) -> int:
    """How many positions `decimate` gives."""
    return length if longest is None or length <= longest else longest // 2 * 2
