"""Relevance maps and inputs of all modalities as planes to color."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.modality import MODALITIES, Modality, find_shown

_SHARE = 8
"""The height of a strip is an eighth of its length, or one pixel per row."""


def planes(relevance: NDArray[Any], depths: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Convert relevance maps to planes (N, H, W).

    Images (N, C, H, W) are summed over channels. Of volumes (N, C, D, H, W), summed likewise, the slice at each of the
    `depths` is taken, by default that with the most absolute relevance. Series (N, C, T) and tables or texts (N, F)
    become strips with repeated rows.

    >>> planes(np.ones((5, 3, 8, 6))).shape, planes(np.ones((5, 2, 160))).shape, planes(np.ones((5, 7))).shape
    ((5, 8, 6), (5, 20, 160), (5, 1, 7))
    """
    kind = find_shown(relevance.shape[1:])
    if kind is None:
        raise InputError(
            f"relevance maps {relevance.shape[1:]} cannot be drawn: expected one of "
            f"{', '.join(each.form for each in MODALITIES.values())}"
        )
    return draw_sums(sum_channels(relevance), kind, depths)


def sum_channels(relevance: NDArray[Any]) -> NDArray[np.float64]:
    """Sum relevance maps (N, ...) over channels where their modality does; opposite infinities give NaN."""
    kind = find_shown(relevance.shape[1:])
    if kind is None or not kind.sums_channels:
        return relevance.astype(np.float64)
    with np.errstate(invalid="ignore"):
        summed: NDArray[np.float64] = relevance.sum(axis=1, dtype=np.float64)
    return summed


def draw_sums(sums: NDArray[Any], kind: Modality, depths: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Convert maps of `sum_channels` to planes (N, H, W)."""
    if kind.thumbnail == "slice":
        return take_slices(sums, find_depths(sums) if depths is None else depths).astype(np.float64)
    if kind.thumbnail == "plane":
        return sums.astype(np.float64)
    lines = sums.reshape(len(sums), -1, sums.shape[-1]).astype(np.float64)
    return np.repeat(lines, max(1, lines.shape[2] // (_SHARE * lines.shape[1])), axis=1)


def find_depths(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Find the slice of volumes (N, D, H, W) with the most absolute relevance, the first of equal ones.

    Its depth is that of its middle, between 0 and 1, so that it can also be found in a volume of another size.

    >>> find_depths(np.array([[[[0.0]], [[-2.0]], [[1.0]], [[0.0]]]])).tolist()
    [0.375]
    """
    totals = np.nansum(np.abs(sums), axis=(2, 3), dtype=np.float64)
    depths: NDArray[np.float64] = (totals.argmax(axis=1) + 0.5) / sums.shape[1]
    return depths


def take_slices(volumes: NDArray[Any], depths: NDArray[np.float64]) -> NDArray[Any]:
    """Take the slice of each volume (N, ..., D, H, W) at its depth, between 0 and 1."""
    places = np.minimum((depths * volumes.shape[-3]).astype(np.int64), volumes.shape[-3] - 1)
    return np.stack([volume[..., place, :, :] for volume, place in zip(volumes, places.tolist(), strict=True)])


def input_planes(inputs: NDArray[Any], relevance: NDArray[Any]) -> NDArray[Any]:
    """Return stored inputs as images (N, C, H, W): of volumes, the slices that `planes` shows of their relevance."""
    kind = find_shown(inputs.shape[1:])
    if kind is None or kind.thumbnail != "slice":
        return inputs
    return take_slices(inputs, find_depths(sum_channels(relevance)))


def to_rgb(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert a stored input (C, H, W) to an RGB image (H, W, 3).

    One channel is gray, three are colors, a fourth is opacity over white; other numbers of channels are shown by the
    root of the mean of their squares.

    >>> to_rgb(np.array([[[200]], [[0]], [[0]], [[0]]], np.uint8)).tolist()
    [[[255, 255, 255]]]
    """
    if stored.shape[0] == 4:
        share = stored[3] / 255
        stored = np.rint(stored[:3] * share + 255 * (1 - share)).astype(np.uint8)
    elif stored.shape[0] not in (1, 3):
        stored = np.rint(np.sqrt((stored.astype(np.float64) ** 2).mean(axis=0, keepdims=True))).astype(np.uint8)
    return np.broadcast_to(stored, (3, *stored.shape[1:])).transpose(1, 2, 0)


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
