"""Relevance maps rendered as heatmaps, and images combined."""

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
"""An RGB image, uint8 (H, W, 3)."""

WHITE = (255, 255, 255)
CHECKERS = (0x66, 0x99)
"""Alternating grays of missing pixels: (row + column) % 2. No color map has this pattern."""


def colorize(
    relevance: ArrayLike, color_map: str | ColorMap = "bwr", scale: float | None = None, gamma: float = 1.0
) -> Picture:
    """Color a relevance map (H, W), or the channel sum of (C, H, W), as uint8 (H, W, 3); zero has entry 128.

    Missing pixels (NaN) are a checkerboard of two grays.
    """
    array = np.asarray(relevance, dtype=np.float64)
    if array.ndim not in (2, 3):
        raise InputError(f"relevance map: expected the shape (H, W) or (C, H, W), got {array.shape}")
    found = indices(array if array.ndim == 2 else channel_sum(array), scale, gamma)
    picture = lookup(color_map)[found]
    rows, columns = np.nonzero(found == MISSING)
    picture[rows, columns] = np.take(CHECKERS, (rows + columns) % 2)[:, np.newaxis]
    return picture


def imgify(
    relevance: ArrayLike, color_map: str | ColorMap = "bwr", scale: float | None = None, gamma: float = 1.0
) -> Image.Image:
    """Render a relevance map (H, W) or (C, H, W) as an RGB image; `scale` is the relevance of the full color.

    >>> imgify([[-1.0, 0.0, 1.0]]).size
    (3, 1)
    """
    picture = colorize(relevance, color_map, scale, gamma)
    if 0 in picture.shape:
        raise InputError(f"relevance map: expected at least one pixel, got the shape {np.shape(relevance)}")
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
    """Render relevance maps as a grid, by default as square as possible, each with its own scale unless `scale` is set.

    The maps may differ in size; every cell is as large as the largest.

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
    """Write a relevance map (H, W) or (C, H, W) as an image file, in the format of the file's suffix."""
    imgify(relevance, color_map, scale, gamma).save(file)


def overlay(picture: ArrayLike, color: ArrayLike, opacity: ArrayLike = 0.5) -> Picture:
    """Blend `color` over `picture` (both uint8, (H, W, 3)): (1 - opacity) picture + opacity color, halves up.

    `opacity` is a number or (H, W), between 0 and 1; 0 returns the picture and 1 the color, bit for bit.
    """
    below, above = np.asarray(picture, dtype=np.float64), np.asarray(color, dtype=np.float64)
    share = np.asarray(opacity, dtype=np.float64)
    if below.shape != above.shape:
        raise InputError(f"overlay: expected images of one shape, got {below.shape} and {above.shape}")
    if not np.all((share >= 0) & (share <= 1)):
        raise InputError("opacity: expected values between 0 and 1")
    if share.ndim:
        share = share[..., np.newaxis]
    return np.floor((1 - share) * below + share * above + 0.5).astype(np.uint8)


def grid(pictures: Sequence[Picture], columns: int, gap: int = 2, background: Color = WHITE) -> Picture:
    """Arrange images in rows of `columns`, `gap` pixels apart; every cell is as large as the largest image."""
    if not pictures or columns < 1 or gap < 0:
        raise InputError(
            f"grid: expected at least one image and column and gap >= 0, got {len(pictures)}, {columns} and {gap}"
        )
    height, width = (max(picture.shape[side] for picture in pictures) + gap for side in (0, 1))
    rows = -(-len(pictures) // columns)
    canvas = np.full((rows * height - gap, columns * width - gap, 3), background, dtype=np.uint8)
    for position, picture in enumerate(pictures):
        top, left = position // columns * height, position % columns * width
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas
