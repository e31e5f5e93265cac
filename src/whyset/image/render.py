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

    Parameters
    ----------
    relevance : array_like
        A relevance map (H, W) or (C, H, W).
    color_map : str or ColorMap, default "bwr"
        A name in `COLOR_MAPS`, a definition such as "00f,80:fff,f00", or a color map.
    scale : float, optional
        The relevance of the full color, by default the largest finite magnitude of the map. Larger values saturate.
    gamma : float, default 1.0
        Exponent of |relevance / scale|: below 1 it amplifies weak values, above 1 it attenuates them.

    Returns
    -------
    ndarray
        The RGB image, uint8 (H, W, 3).

    Raises
    ------
    InputError
        The map has another number of axes, the color map is unknown, `scale` is negative or not finite, or `gamma` is
        not above 0 and finite.
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
    """Render a relevance map (H, W) or (C, H, W) as an RGB image.

    Parameters
    ----------
    relevance : array_like
        A relevance map (H, W), or (C, H, W), which is summed over its channels.
    color_map : str or ColorMap, default "bwr"
        A name in `COLOR_MAPS`, a definition such as "00f,80:fff,f00", or a color map.
    scale : float, optional
        The relevance of the full color, by default the largest finite magnitude of the map. Larger values saturate.
    gamma : float, default 1.0
        Exponent of |relevance / scale|: below 1 it amplifies weak values, above 1 it attenuates them.

    Returns
    -------
    PIL.Image.Image
        The image, W pixels wide and H pixels high.

    Raises
    ------
    InputError
        The map has no pixel or another number of axes, the color map is unknown, `scale` is negative or not
        finite, or `gamma` is not above 0 and finite.

    Examples
    --------
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

    Parameters
    ----------
    relevance : sequence of array_like, or ndarray
        Relevance maps (H, W) or (C, H, W), or an array of them (N, H, W) or (N, C, H, W).
    color_map : str or ColorMap, default "bwr"
        A name in `COLOR_MAPS`, a definition such as "00f,80:fff,f00", or a color map.
    scale : float, optional
        The relevance of the full color for all maps, by default the largest finite magnitude of each.
    columns : int, optional
        The number of maps in a row, by default the square root of their number, rounded up.
    gap : int, default 2
        Pixels between the cells.
    background : tuple of int, default (255, 255, 255)
        Color of the gaps and of cells that a map does not fill: red, green and blue, from 0 to 255.

    Returns
    -------
    PIL.Image.Image
        The grid, in RGB.

    Raises
    ------
    InputError
        There are no maps, a map has another number of axes, the color map is unknown, `scale` is negative or not
        finite, or `columns` or `gap` is negative.

    Examples
    --------
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
    """Write a relevance map (H, W) or (C, H, W) as an image file, in the format of the file's suffix.

    Parameters
    ----------
    file : str or Path
        The file to write, such as map.png.
    relevance : array_like
        A relevance map (H, W), or (C, H, W), which is summed over its channels.
    color_map : str or ColorMap, default "bwr"
        A name in `COLOR_MAPS`, a definition such as "00f,80:fff,f00", or a color map.
    scale : float, optional
        The relevance of the full color, by default the largest finite magnitude of the map. Larger values saturate.
    gamma : float, default 1.0
        Exponent of |relevance / scale|: below 1 it amplifies weak values, above 1 it attenuates them.

    Raises
    ------
    InputError
        The map has no pixel or another number of axes, the color map is unknown, `scale` is negative or not
        finite, or `gamma` is not above 0 and finite.
    ValueError
        Pillow does not know the suffix of the file.
    """
    imgify(relevance, color_map, scale, gamma).save(file)


def overlay(picture: ArrayLike, color: ArrayLike, opacity: ArrayLike = 0.5) -> Picture:
    """Blend `color` over `picture`: (1 - opacity) picture + opacity color, halves up.

    Parameters
    ----------
    picture : array_like
        The image below, uint8 (H, W, 3).
    color : array_like
        The image above, uint8 (H, W, 3), such as a heatmap of `colorize`.
    opacity : array_like, default 0.5
        A number or an array (H, W), between 0 and 1; 0 returns the picture and 1 the color, bit for bit.

    Returns
    -------
    ndarray
        The blended image, uint8 (H, W, 3).

    Raises
    ------
    InputError
        The images differ in shape, or an opacity is not between 0 and 1.
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
    """Arrange images in rows; every cell is as large as the largest image.

    Parameters
    ----------
    pictures : sequence of ndarray
        RGB images, uint8 (H, W, 3), which may differ in size.
    columns : int
        The number of images in a row.
    gap : int, default 2
        Pixels between the cells.
    background : tuple of int, default (255, 255, 255)
        Color of the gaps and of cells that an image does not fill: red, green and blue, from 0 to 255.

    Returns
    -------
    ndarray
        The grid, uint8 (height, width, 3).

    Raises
    ------
    InputError
        There are no images, `columns` is below 1, or `gap` is negative.
    """
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
