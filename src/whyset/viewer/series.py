"""Decimation of long series that keeps every extreme."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray


def decimate(values: NDArray[Any], longest: int | None) -> NDArray[Any]:
    """Shorten series (..., T) to at most `longest` positions: the smallest and the largest value of each part.

    There are `longest // 2` parts; values keep their order. Position p of P represents the positions around p T / P.
    Shorter series are unchanged.

    >>> decimate(np.array([0, 9, 0, 0, -5, 0, 1, 2]), 4).tolist()
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
    """Get the number of positions that `decimate` returns."""
    return length if longest is None or length <= longest else longest // 2 * 2
