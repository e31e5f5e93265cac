"""Relevance maps and inputs of images, series, texts and tables as planes to color."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.image.quantize import channel_sum

_SHARE = 8
"""The height of a strip is an eighth of its length, or one pixel per row."""

DRAWN = {
    4: "relevance maps are summed over channels",
    3: "heatmaps of series are strips with a row for each channel, time from left to right; inputs are not drawn",
    2: "heatmaps of texts and tables are strips, positions from left to right; inputs are not drawn",
}
"""How `planes` draws relevance maps, by their number of axes including samples."""


def planes(relevance: NDArray[Any]) -> NDArray[np.float64]:
    """Convert relevance maps to planes (N, H, W).

    Images (N, C, H, W) are summed over channels; series (N, C, T) and tables or texts (N, F) become strips with
    repeated rows.

    >>> planes(np.ones((5, 3, 8, 6))).shape, planes(np.ones((5, 2, 160))).shape, planes(np.ones((5, 7))).shape
    ((5, 8, 6), (5, 20, 160), (5, 1, 7))
    """
    if relevance.ndim not in DRAWN:
        raise InputError(f"relevance maps {relevance.shape[1:]} cannot be drawn: expected (C, H, W), (C, T) or (F,)")
    if relevance.ndim == 4:
        return channel_sum(relevance)
    lines = relevance.reshape(len(relevance), -1, relevance.shape[-1]).astype(np.float64)
    return np.repeat(lines, max(1, lines.shape[2] // (_SHARE * lines.shape[1])), axis=1)


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
