"""Maps and inputs as pictures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from whyset.errors import InputError
from whyset.image.color_maps import ColorMap, lookup
from whyset.image.language import Color
from whyset.image.quantize import MISSING, channel_sum, indices

Picture = NDArray[np.uint8]
"""A picture is uint8 (H, W, 3)."""

WHITE = (255, 255, 255)
CHECKERS = (0x66, 0x99)
"""Grays of missing pixels, by turns: (row + column) % 2. No color map has this pattern."""


def colorize(
    relevance: ArrayLike, color_map: str | ColorMap = "bwr", scale: float | None = None, gamma: float = 1.0
) -> Picture:
    """Color a map (H, W), or the channel sum of (C, H, W): uint8 (H, W, 3), zero at the map's entry 128.

    A pixel without a number (NaN) is missing: such pixels are a checkerboard of two grays.
    """
    array = np.asarray(relevance, dtype=np.float64)
    if array.ndim not in (2, 3):
        raise InputError(f"a map has the shape (H, W) or (C, H, W), got {array.shape}")
    found = indices(array if array.ndim == 2 else channel_sum(array), scale, gamma)
    picture = lookup(color_map)[found]
    rows, columns = np.nonzero(found == MISSING)
    picture[rows, columns] = np.take(CHECKERS, (rows + columns) % 2)[:, np.newaxis]
    return picture


def imgify(
    relevance: ArrayLike, color_map: str | ColorMap = "bwr", scale: float | None = None, gamma: float = 1.0
) -> Image.Image:
    """A map (H, W) or (C, H, W) as an RGB picture of W x H pixels; `scale` is the relevance of the full color.

    >>> imgify([[-1.0, 0.0, 1.0]]).size
    (3, 1)
    """
    picture = colorize(relevance, color_map, scale, gamma)
    if 0 in picture.shape:
        raise InputError(f"a picture needs at least one pixel, got a map of the shape {np.shape(relevance)}")
    return Image.fromarray(picture)


def gridify(
    relevance: Sequence[ArrayLike] | NDArray[Any],
    color_map: str | ColorMap = "bwr",
    scale: float | None = None,
    *,
    columns: int | None = None,
    gap: int = 2,
    background: Color = WHITE,
) -> Image.Image:
    """Several maps in one picture, by default as square as it can be; each by its own scale unless `scale` is given.

    The maps may differ in their sides; every cell is as large as the largest.

    >>> gridify(np.ones((5, 3, 8, 6)), gap=0).size
    (18, 16)
    """
    pictures = [colorize(one, color_map, scale) for one in relevance]
    return Image.fromarray(grid(pictures, columns or math.ceil(math.sqrt(len(pictures))), gap, background))


def imsave(
    file: str | Path,
    relevance: ArrayLike,
    color_map: str | ColorMap = "bwr",
    scale: float | None = None,
    gamma: float = 1.0,
) -> None:
    """Write a map (H, W) or (C, H, W) as a picture, in the format that the file's ending names."""
    imgify(relevance, color_map, scale, gamma).save(file)


def overlay(picture: ArrayLike, color: ArrayLike, opacity: ArrayLike = 0.5) -> Picture:
    """Lay `color` over `picture` (both uint8, (H, W, 3)): (1 - opacity) picture + opacity color, halves up.

    `opacity` is a number or (H, W), between 0 and 1; at 0 the picture and at 1 the color come back bit for bit.
    """
    below, above = np.asarray(picture, dtype=np.float64), np.asarray(color, dtype=np.float64)
    share = np.asarray(opacity, dtype=np.float64)
    if below.shape != above.shape:
        raise InputError(f"an overlay needs pictures of one shape, got {below.shape} and {above.shape}")
    if not np.all((share >= 0) & (share <= 1)):
        raise InputError("the opacity of an overlay must lie between 0 and 1")
    if share.ndim:
        share = share[..., np.newaxis]
    return np.floor((1 - share) * below + share * above + 0.5).astype(np.uint8)


def grid(pictures: Sequence[Picture], columns: int, gap: int = 2, background: Color = WHITE) -> Picture:
    """Pictures in rows of `columns`, `gap` pixels apart; every cell is as large as the largest picture."""
    if not pictures or columns < 1 or gap < 0:
        raise InputError(
            f"a grid needs a picture, a column and a gap of 0 or more, got {len(pictures)}, {columns} and {gap}"
        )
    height, width = (max(picture.shape[side] for picture in pictures) + gap for side in (0, 1))
    rows = -(-len(pictures) // columns)
    canvas = np.full((rows * height - gap, columns * width - gap, 3), background, dtype=np.uint8)
    for position, picture in enumerate(pictures):
        top, left = position // columns * height, position % columns * width
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas
