"""Relevance maps and inputs of many rows as bytes, which the browser colors.

Arrays are images (N, C, H, W), volumes (N, C, D, H, W), series (N, C, T), or texts and tables (N, F). Of volumes, one
slice is sent unless `whole` volumes are wanted.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whyset.image import compute_scale
from whyset.image.quantize import indices
from whyset.image.shapes import decimate, find_depths, get_decimated_length, sum_channels, take_slices
from whyset.modality import Modality, find_shown
from whyset.store.lazy import LazyArray
from whyset.viewer.columns import Payload, encode

MOST_BYTES = 2**26
"""Size of the largest answer, and approximately of the largest part of a run that is read at once."""


def fit_sides(height: int, width: int, longest: int | None) -> tuple[int, int]:
    """Compute sides (height, width) of which the longer one is at most `longest`; images are never enlarged.

    >>> fit_sides(12, 18, 9)
    (6, 9)
    """
    height, width = _fit((height, width), longest)
    return height, width


def _fit(sides: Sequence[int], longest: int | None) -> tuple[int, ...]:
    share = 1.0 if longest is None else min(1.0, longest / max(sides))
    return tuple(max(1, round(side * share)) for side in sides)


def maps(relevance: LazyArray, rows: NDArray[np.int64], longest: int | None, whole: bool = False) -> Payload:
    """Encode maps of `sum_channels`: float32 scale[n], then uint8 [n, ...]; value = (byte - 128) / 127 * scale.

    The scale of a slice is that of its volume.
    """
    kind, sides = get_kind(relevance.shape), map_sides(relevance.shape, longest, whole=whole)
    scales, pictures = np.empty(len(rows), dtype="<f4"), np.empty((len(rows), *sides), dtype=np.uint8)
    for place, piece in pieces(relevance, rows):
        sums = sum_channels(piece)
        shown = sums if whole or kind.thumbnail != "slice" else take_slices(sums, find_depths(sums))
        for position, one, summed in zip(place, shown, sums, strict=True):
            fitting = resample(one, kind, sides)
            scale = compute_scale(fitting if one.ndim == summed.ndim else summed)
            scales[position] = min(scale, float(np.finfo(np.float32).max))
            pictures[position] = indices(fitting, float(scales[position]))
    return Payload(scales.tobytes() + pictures.tobytes(), "uint8", pictures.shape)


def exact(relevance: LazyArray, rows: NDArray[np.int64]) -> Payload:
    """Encode maps of `sum_channels` in full size and precision: float32 (n, H, W)."""
    values = [sum_channels(piece) for _, piece in pieces(relevance, rows)]
    return encode(np.concatenate(values))


def inputs(
    stored: LazyArray | NDArray[Any],
    rows: NDArray[np.int64],
    longest: int | None,
    relevance: LazyArray,
    whole: bool = False,
) -> Payload:
    """Encode the inputs of the model: images, with the normalization undone, as uint8 [n, H, W, C]; series as float32
    [n, C, T], tables as float32 [n, F], token ids as int32 [n, T]; of volumes the slice that `maps` shows as uint8
    [n, H, W, C], or whole [n, D, H, W, C].
    """
    kind = get_kind(stored.shape)
    sides = map_sides(stored.shape, longest, whole=whole)
    if kind.inputs != "pixels":
        return encode(np.concatenate([resample(piece, kind, sides) for _, piece in pieces(stored, rows)]))
    pictures = np.empty((len(rows), *input_sides(stored.shape, longest, whole=whole)), dtype=np.uint8)
    for place, piece in pieces(stored, rows):
        shown = piece
        if kind.thumbnail == "slice" and not whole:
            shown = take_slices(piece, _read_depths(relevance, rows[place.start : place.stop]))
        for position, picture in zip(place, shown, strict=True):
            for channel, pixels in enumerate(picture):
                pictures[position, ..., channel] = resample(pixels, kind, sides)
    return Payload(pictures.tobytes(), "uint8", pictures.shape)


def _read_depths(relevance: LazyArray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.concatenate([find_depths(sum_channels(piece)) for _, piece in pieces(relevance, rows)])


def get_kind(shape: tuple[int, ...]) -> Modality:
    """Get the modality by which a stored array (N, ...) is shown; `ValueError` if there is none."""
    kind = find_shown(shape[1:])
    if kind is None:
        raise ValueError(f"arrays {shape} are not shown")
    return kind


def map_sides(shape: tuple[int, ...], longest: int | None, *, whole: bool = False) -> tuple[int, ...]:
    """Get the sides in which a relevance map of this stored shape is sent; those of texts and tables are not reduced.

    >>> map_sides((9, 1, 16, 32, 24), 16), map_sides((9, 1, 16, 32, 24), 16, whole=True)
    ((16, 12), (8, 16, 12))
    """
    kind = find_shown(shape[1:])
    if kind is None:
        return shape[1:]
    if kind.resampling == "extremes":
        return (*shape[1:-1], get_decimated_length(shape[-1], longest))
    sides = shape[2:] if kind.sums_channels else shape[1:]
    sides = sides[1:] if kind.thumbnail == "slice" and not whole else sides
    return _fit(sides, longest) if kind.resampling == "area" else sides


def input_sides(shape: tuple[int, ...], longest: int | None, *, whole: bool = False) -> tuple[int, ...]:
    """Get the sides in which an input is sent: channels of images and volumes come last."""
    sides = map_sides(shape, longest, whole=whole)
    return (*sides, shape[1]) if get_kind(shape).sums_channels else sides


def pieces(array: LazyArray | NDArray[Any], rows: NDArray[np.int64]) -> Iterator[tuple[range, NDArray[np.generic]]]:
    """Yield the rows in pieces of bounded size, each with its positions in the answer."""
    step = max(1, MOST_BYTES // (4 * math.prod(array.shape[1:])))
    for start in range(0, len(rows), step):
        place = range(start, min(start + step, len(rows)))
        yield place, array[rows[start : start + step]]


def resample(values: NDArray[Any], kind: Modality, sides: Sequence[int]) -> NDArray[Any]:
    """Reduce values (..., *sides before) to these sides, in the way of their modality."""
    if kind.resampling == "extremes":
        return decimate(values, sides[-1])
    return _resize(values, sides) if kind.resampling == "area" else values


def _resize(picture: NDArray[np.generic], sides: Sequence[int]) -> NDArray[np.generic]:
    """Resize an image (H, W) or a volume (D, H, W); each pixel is the mean of the area that it covers."""
    if picture.shape == tuple(sides):
        return picture
    height, width = sides[-2:]
    if picture.ndim == 2:
        pixels = picture if picture.dtype == np.uint8 else picture.astype(np.float32)
        return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
    slices = np.stack([_resize(one, (height, width)) for one in picture.astype(np.float32)])
    resized = _resize(slices.reshape(len(slices), -1), (sides[0], height * width)).reshape(sides)
    return np.rint(resized).astype(np.uint8) if picture.dtype == np.uint8 else resized
