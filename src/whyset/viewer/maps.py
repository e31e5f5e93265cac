"""Relevance maps and inputs of many rows as bytes, which the browser colors.

Arrays are images (N, C, H, W), series (N, C, T), or texts and tables (N, F).
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.image import channel_sum, compute_scale
from whyset.image.quantize import indices
from whyset.store.lazy import LazyArray
from whyset.viewer.columns import Payload, encode

IMAGES, SERIES, ROWS = 4, 3, 2
"""Axes of a stored array by modality; arrays with more axes cannot be shown."""

MOST_BYTES = 2**26
"""Size of the largest answer, and approximately of the largest part of a run that is read at once."""


def fit_sides(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """Compute sides (height, width) of which the longer one is at most `longest`; images are never enlarged.

    >>> fit_sides(12, 18, 9)
    (6, 9)
    """
    share = 1.0 if longest is None else min(1.0, longest / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def maps(relevance: LazyArray, rows: NDArray[np.int64], longest: int | None) -> Payload:
    """Encode maps of `sum_channels`: float32 scale[n], then uint8 [n, ...]; value = (byte - 128) / 127 * scale."""
    sides = map_sides(relevance.shape, longest)
    scales, pictures = np.empty(len(rows), dtype="<f4"), np.empty((len(rows), *sides), dtype=np.uint8)
    for place, piece in pieces(relevance, rows):
        for position, summed in zip(place, sum_channels(piece), strict=True):
            fitting = _resize(summed, sides) if relevance.ndim == IMAGES else decimate(summed, longest)
            scales[position] = min(compute_scale(fitting), float(np.finfo(np.float32).max))
            pictures[position] = indices(fitting, float(scales[position]))
    return Payload(scales.tobytes() + pictures.tobytes(), "uint8", pictures.shape)


def sum_channels(relevance: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sum relevance maps of images (N, C, H, W) over their channels; return other maps unchanged."""
    return channel_sum(relevance) if relevance.ndim == IMAGES else relevance.astype(np.float64)


def exact(relevance: LazyArray, rows: NDArray[np.int64]) -> Payload:
    """Encode maps of `sum_channels` in full size and precision: float32 (n, H, W)."""
    values = [sum_channels(piece) for _, piece in pieces(relevance, rows)]
    return encode(np.concatenate(values))


def inputs(stored: LazyArray, rows: NDArray[np.int64], longest: int | None) -> Payload:
    """Encode the inputs of the model: images, with the normalization undone, as uint8 [n, H, W, C]; series as float32
    [n, C, T], tables as float32 [n, F], token ids as int32 [n, T].
    """
    *sides, channels = input_sides(stored.shape, longest)
    if stored.ndim != IMAGES:
        series = stored.ndim == SERIES
        return encode(np.concatenate([decimate(p, longest) if series else p for _, p in pieces(stored, rows)]))
    pictures = np.empty((len(rows), *sides, channels), dtype=np.uint8)
    for place, piece in pieces(stored, rows):
        for position, picture in zip(place, piece, strict=True):
            for channel in range(channels):
                pictures[position, ..., channel] = _resize(picture[channel], sides)
    return Payload(pictures.tobytes(), "uint8", pictures.shape)


def map_sides(shape: tuple[int, ...], longest: int | None) -> tuple[int, ...]:
    """Get the sides in which a relevance map of this stored shape is sent; only images and series are reduced."""
    if len(shape) == IMAGES:
        return fit_sides(shape[2], shape[3], longest)
    return (shape[1], get_decimated_length(shape[2], longest)) if len(shape) == SERIES else shape[1:]


def input_sides(shape: tuple[int, ...], longest: int | None) -> tuple[int, ...]:
    """Get the sides in which an input is sent: channels of images come last."""
    sides = map_sides(shape, longest)
    return (*sides, shape[1]) if len(shape) == IMAGES else sides


def pieces(array: LazyArray, rows: NDArray[np.int64]) -> Iterator[tuple[range, NDArray[np.generic]]]:
    """Yield the rows in pieces of bounded size, each with its positions in the answer."""
    step = max(1, MOST_BYTES // (4 * math.prod(array.shape[1:])))
    for start in range(0, len(rows), step):
        place = range(start, min(start + step, len(rows)))
        yield place, array[rows[start : start + step]]


def _resize(picture: NDArray[np.generic], sides: Sequence[int]) -> NDArray[np.generic]:
    """Resize an image (H, W); each pixel is the mean of the area that it covers."""
    if picture.shape == tuple(sides):
        return picture
    height, width = sides
    pixels = picture if picture.dtype == np.uint8 else picture.astype(np.float32)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))


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
