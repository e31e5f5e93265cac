"""Maps and inputs of every shape as planes that can be colored: images, series, texts and tables."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.image.quantize import channel_sum

_SHARE = 8
"""A strip is as high as an eighth of its length, or a pixel a row."""

DRAWN = {
    4: "maps are summed over their channels",
    3: "maps of series are strips with a row for each channel, time from left to right; inputs are not drawn",
    2: "maps of texts and tables are strips, positions from left to right; inputs are not drawn",
}
"""What `planes` makes of maps with so many axes, the samples' among them."""


def planes(relevance: NDArray[Any]) -> NDArray[np.float64]:
    """Maps of samples as planes (N, H, W): images (N, C, H, W) summed over their channels, series (N, C, T) and rows
    (N, F) as strips, each row repeated so that it can be seen.

    >>> planes(np.ones((5, 3, 8, 6))).shape, planes(np.ones((5, 2, 160))).shape, planes(np.ones((5, 7))).shape
    ((5, 8, 6), (5, 20, 160), (5, 1, 7))
    """
    if relevance.ndim not in DRAWN:
        raise InputError(f"maps {relevance.shape[1:]} cannot be drawn: expected (C, H, W), (C, T) or (F,)")
    if relevance.ndim == 4:
        return channel_sum(relevance)
    lines = relevance.reshape(len(relevance), -1, relevance.shape[-1]).astype(np.float64)
    return np.repeat(lines, max(1, lines.shape[2] // (_SHARE * lines.shape[1])), axis=1)


def to_rgb(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A stored input (C, H, W) as a picture (H, W, 3): one channel is gray, three are colors, a fourth is opacity over
    white, and others are shown by their norm, the root of the mean of their squares.

    >>> seen(np.array([[[200]], [[0]], [[0]], [[0]]], np.uint8)).tolist()
    [[[255, 255, 255]]]
    """
    if stored.shape[0] == 4:
        share = stored[3] / 255
        stored = np.rint(stored[:3] * share + 255 * (1 - share)).astype(np.uint8)
    elif stored.shape[0] not in (1, 3):
        stored = np.rint(np.sqrt((stored.astype(np.float64) ** 2).mean(axis=0, keepdims=True))).astype(np.uint8)
    return np.broadcast_to(stored, (3, *stored.shape[1:])).transpose(1, 2, 0)
