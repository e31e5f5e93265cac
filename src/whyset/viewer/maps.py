"""Relevance maps and inputs of many samples at once, as bytes for the browser to colour."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.image import channel_sum, indices, scale_of
from whyset.store.lazy import LazyArray
from whyset.viewer.columns import Payload, encode

MOST_BYTES = 2**26
"""The largest answer, and about the largest piece of a run that is read at once."""


def fitted(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """The sides (height, width) at which the longer one is at most `longest`; pictures are never enlarged.

    >>> fitted(12, 18, 9)
    (6, 9)
    """
    share = 1.0 if longest is None else min(1.0, longest / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def maps(relevance: LazyArray, rows: NDArray[np.int64], longest: int | None) -> Payload:
    """Channel-summed maps: float32 scale[n], then uint8 [n, H, W] with value = (byte - 128) / 127 * scale."""
    _, height, width = relevance.shape[1:]
    sides = fitted(height, width, longest)
    scales, pictures = np.empty(len(rows), dtype="<f4"), np.empty((len(rows), *sides), dtype=np.uint8)
    for place, piece in pieces(relevance, rows):
        for position, summed in zip(place, shown(piece), strict=True):
            fitting = _resized(summed, sides)
            scales[position] = min(scale_of(fitting), float(np.finfo(np.float32).max))
            pictures[position] = indices(fitting, float(scales[position]))
    return Payload(scales.tobytes() + pictures.tobytes(), "uint8", pictures.shape)


def shown(relevance: NDArray[np.generic]) -> NDArray[np.float64]:
    """What is looked at of maps (N, ...): images (N, C, H, W) summed over their channels, others as they are."""
    return channel_sum(relevance) if relevance.ndim == 4 else relevance.astype(np.float64)


def exact(relevance: LazyArray, rows: NDArray[np.int64]) -> Payload:
    """The maps in full size and precision, as `shown`: float32 (n, H, W)."""
    values = [shown(piece) for _, piece in pieces(relevance, rows)]
    return encode(np.concatenate(values))


def inputs(stored: LazyArray, rows: NDArray[np.int64], longest: int | None) -> Payload:
    """The inputs as the model saw them, with the normalisation undone: uint8 [n, H, W, C]."""
    channels, height, width = stored.shape[1:]
    sides = fitted(height, width, longest)
    pictures = np.empty((len(rows), *sides, channels), dtype=np.uint8)
    for place, piece in pieces(stored, rows):
        for position, picture in zip(place, piece, strict=True):
            for channel in range(channels):
                pictures[position, ..., channel] = _resized(picture[channel], sides)
    return Payload(pictures.tobytes(), "uint8", pictures.shape)


def answer_bytes(shape: tuple[int, ...], count: int, longest: int | None, *, summed: bool) -> int:
    """The size of the answer for `count` samples of a stored array (N, C, H, W), before anything is read."""
    _, channels, height, width = shape
    high, wide = fitted(height, width, longest)
    return count * high * wide * (1 if summed else channels)


def pieces(array: LazyArray, rows: NDArray[np.int64]) -> Iterator[tuple[range, NDArray[np.generic]]]:
    """The rows in pieces of bounded size, each with its positions in the answer."""
    step = max(1, MOST_BYTES // (4 * math.prod(array.shape[1:])))
    for start in range(0, len(rows), step):
        place = range(start, min(start + step, len(rows)))
        yield place, array[rows[start : start + step]]


def _resized(picture: NDArray[np.generic], sides: tuple[int, int]) -> NDArray[np.generic]:
    """The picture (H, W) at these sides, each pixel the mean of the area that it covers."""
    if picture.shape == sides:
        return picture
    height, width = sides
    pixels = picture if picture.dtype == np.uint8 else picture.astype(np.float32)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
