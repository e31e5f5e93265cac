"""Relevance maps and inputs of many rows, the scales on which they can be compared, and the color maps."""

import math
from http import HTTPStatus

import numpy as np
from fastapi import Request, Response

from whyset.errors import InputError
from whyset.image import COLOR_MAPS, ColorMap, find_color_map
from whyset.modality import MODALITIES, find_shown
from whyset.store.category import CATEGORY
from whyset.store.layout import DONE
from whyset.viewer import maps
from whyset.viewer.columns import answer
from whyset.viewer.endpoints.analyses import get_numbers, readable
from whyset.viewer.endpoints.exports import CLUSTERING
from whyset.viewer.errors import ApiError, explain_damage, not_found
from whyset.viewer.members import get_rows
from whyset.viewer.parameters import ClusteringName, Definition, Explained, Kept, OneCategory, OneRun, Size
from whyset.viewer.scales import scale_table
from whyset.viewer.schemas import ColorMapTable, ScaleTable

BYTES_OF_TOKEN = 16
"""Approximate number of bytes of a word in an answer."""


def get_maps(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Get relevance maps: float32 scale[n], then uint8 [n, ...]; value = (byte - 128) / 127 * scale.

    Images: (H, W), channels summed; volumes: the slice (H, W) with the most absolute relevance, channels summed;
    series: (C, T); texts: (T); tables: (F). Series longer than `size` keep the least and the greatest value of each of
    size / 2 parts; X-Length is then their original length.
    """
    return _answer_maps(request, opened, indices, keep, size)


def get_volumes(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Get whole relevance maps of volumes (D, H, W), channels summed, encoded as by `get_maps`."""
    _require_volumes(opened)
    return _answer_maps(request, opened, indices, keep, size, whole=True)


def _answer_maps(
    request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size, *, whole: bool = False
) -> Response:
    relevance = opened.run.relevance
    _require_shown(relevance.shape)
    _require_small(len(indices) * math.prod(maps.map_sides(relevance.shape, size, whole=whole)))
    payload = maps.maps(relevance, indices, size, whole)
    return _of_length(answer(request, payload, immutable=keep), relevance.shape)


def get_inputs(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Get the inputs of the model: images uint8 [n, H, W, C], series float32 [n, C, T], tables float32 [n, F], token
    ids of texts int32 [n, T], slices of volumes uint8 [n, H, W, C]. Long series are shortened, and slices are chosen,
    like their relevance maps.
    """
    return _answer_inputs(request, opened, indices, keep, size)


def get_input_volumes(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Get whole inputs of volumes, uint8 [n, D, H, W, C]."""
    _require_volumes(opened)
    return _answer_inputs(request, opened, indices, keep, size, whole=True)


def _answer_inputs(
    request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size, *, whole: bool = False
) -> Response:
    stored = opened.run.inputs
    if stored is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "this run has no inputs", "explain again without --no-inputs")
    _require_shown(stored.shape)
    sides = maps.input_sides(stored.shape, size, whole=whole)
    _require_small(len(indices) * math.prod(sides) * stored.dtype.itemsize)
    payload = maps.inputs(stored, indices, size, opened.run.relevance, whole)
    return _of_length(answer(request, payload, immutable=keep), stored.shape)


def get_tokens(opened: OneRun, indices: Explained) -> list[list[str]]:
    """Get the words of texts in order, without padding; #id if the run does not have the words."""
    run = opened.run
    if MODALITIES[run.modality].inputs != "ids":
        message = f"tokens: expected a run of texts, got {run.modality}"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "request maps and inputs instead")
    _require_small(BYTES_OF_TOKEN * len(indices) * run.relevance.shape[-1])
    words = run.tokens(indices)
    if words is not None:
        return words
    if run.inputs is None:
        message = "this run has neither the words of its texts nor their ids"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "explain again with tokens=, or without --no-inputs")
    return [[f"#{id}" for id in ids] for ids in run.inputs[indices].tolist()]


def get_relevance(request: Request, opened: OneRun, indices: Explained, keep: Kept) -> Response:
    """Get relevance maps as stored, in full size: float32 (n, H, W) for images, channels summed, (n, D, H, W) for
    volumes, likewise, (n, ...) otherwise."""
    relevance = opened.run.relevance
    _require_small(4 * len(indices) * math.prod(maps.map_sides(relevance.shape, None, whole=True)))
    return answer(request, maps.exact(relevance, indices), immutable=keep)


def get_color_maps() -> dict[str, ColorMapTable]:
    """Get every color map as a lookup table for the bytes of a relevance map."""
    return {name: _table(color_map) for name, color_map in COLOR_MAPS.items()}


def get_color_map(definition: Definition) -> ColorMapTable:
    """Get the lookup table of a color map, given by name or in Zennit's language."""
    try:
        return _table(find_color_map(definition))
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "an example: 00f,80:fff,f00") from error


def _table(color_map: ColorMap) -> ColorMapTable:
    return ColorMapTable(lookup=color_map.lookup().ravel().tolist(), diverging=color_map.diverging)


def _of_length(answered: Response, shape: tuple[int, ...]) -> Response:
    """Add the original length of a series to the answer."""
    if maps.get_kind(shape).resampling == "extremes":
        answered.headers["X-Length"] = str(shape[-1])
    return answered


def _require_shown(shape: tuple[int, ...]) -> None:
    """Raise 409 for shapes that the viewer does not draw."""
    if find_shown(shape[1:]) is None:
        expected = ", ".join(f"{kind.plural} ({', '.join(kind.axes)})" for kind in MODALITIES.values())
        message = f"expected {expected}, got relevance maps of shape {shape[1:]}"
        raise ApiError(HTTPStatus.CONFLICT, message, "read them with whyset.open_run(...).relevance")


def _require_volumes(opened: OneRun) -> None:
    if MODALITIES[opened.run.modality].thumbnail != "slice":
        message = f"expected a run of volumes, got {opened.run.modality}"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "request maps and inputs instead")


def _require_small(size: int) -> None:
    if size > maps.MOST_BYTES:
        message = f"expected an answer of at most {maps.MOST_BYTES} bytes, got {size}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "request fewer rows or a smaller size")


def get_scales(opened: OneRun, category: OneCategory, clustering: ClusteringName) -> ScaleTable:
    """Get the relevance of full color for heatmaps compared within a cluster or the class."""
    found, name = readable(category), f"{CLUSTERING}{clustering}"
    if name not in found.columns:
        raise not_found("clustering", clustering, f"the category {found.id!r}")
    key = (str(found.path), found.folder, *(found.described[column].get("crc32") for column in ("index", name)))
    if key not in opened.scales:
        with explain_damage(found.path / CATEGORY):
            rows = get_rows(found, len(opened.run))
            clusters = get_numbers(found, name, rows).astype(np.int64)
        done = opened.status[rows] == DONE
        opened.scales[key] = scale_table(opened.run.relevance, rows[done], clusters[done], clustering)
    return opened.scales[key]
