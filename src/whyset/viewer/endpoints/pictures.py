"""Relevance maps and inputs of many samples, and the color maps to show them in."""

import math
from http import HTTPStatus

from fastapi import Request, Response

from whyset.errors import InputError
from whyset.image import COLOR_MAPS, ColorMap, find_color_map
from whyset.store.modality import TEXT
from whyset.viewer import maps
from whyset.viewer.columns import answer
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import Definition, Explained, Kept, OneRun, Size
from whyset.viewer.schemas import ColorMapTable

BYTES_OF_TOKEN = 16
"""About what a word takes in an answer."""


def get_maps(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Maps: float32 scale[n], then uint8 [n, ...]; value = (byte - 128) / 127 * scale.

    Of images (H, W), channels summed; of series (C, T), of texts (T), of tables (F). Series longer than `size` keep the
    least and the greatest value of each of size / 2 parts; X-Length is then their own length.
    """
    relevance = opened.run.relevance
    _require_shown(relevance.shape)
    _require_small(len(indices) * math.prod(maps.map_sides(relevance.shape, size)))
    return _of_length(answer(request, maps.maps(relevance, indices, size), immutable=keep), relevance.shape)


def get_inputs(request: Request, opened: OneRun, indices: Explained, keep: Kept, size: Size = None) -> Response:
    """Inputs as the model saw them: images uint8 [n, H, W, C], series float32 [n, C, T], tables float32 [n, F], texts
    ids of tokens, int32 [n, T]. Long series are made shorter as their maps are.
    """
    stored = opened.run.inputs
    if stored is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "this run was made without inputs", "explain again without --no-inputs")
    _require_shown(stored.shape)
    _require_small(len(indices) * math.prod(maps.input_sides(stored.shape, size)) * stored.dtype.itemsize)
    return _of_length(answer(request, maps.inputs(stored, indices, size), immutable=keep), stored.shape)


def get_tokens(opened: OneRun, indices: Explained) -> list[list[str]]:
    """The words of texts in order, without padding; #id where the run was not told the words."""
    run = opened.run
    if run.modality != TEXT:
        message = f"this run is of {run.modality} samples, which have no tokens"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "maps and inputs tell what they are")
    _require_small(BYTES_OF_TOKEN * len(indices) * run.relevance.shape[-1])
    words = run.tokens(indices)
    if words is not None:
        return words
    if run.inputs is None:
        message = "this run keeps neither the words of its texts nor their ids"
        raise ApiError(HTTPStatus.NOT_FOUND, message, "explain again with tokens=, or without --no-inputs")
    return [[f"#{id}" for id in ids] for ids in run.inputs[indices].tolist()]


def get_relevance(request: Request, opened: OneRun, indices: Explained, keep: Kept) -> Response:
    """Maps as they are stored, in full size: float32 (n, H, W) of images, channels summed, (n, ...) of others."""
    relevance = opened.run.relevance
    _require_small(4 * len(indices) * math.prod(maps.map_sides(relevance.shape, None)))
    return answer(request, maps.exact(relevance, indices), immutable=keep)


def get_color_maps() -> dict[str, ColorMapTable]:
    """Every color map as a lookup table for the bytes of a map."""
    return {name: _table(color_map) for name, color_map in COLOR_MAPS.items()}


def get_color_map(definition: Definition) -> ColorMapTable:
    """The lookup table of a color map in Zennit's language, or of a named one."""
    try:
        return _table(find_color_map(definition))
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "an example: 00f,80:fff,f00") from error


def _table(color_map: ColorMap) -> ColorMapTable:
    return ColorMapTable(lookup=color_map.lookup().ravel().tolist(), diverging=color_map.diverging)


def _of_length(answered: Response, shape: tuple[int, ...]) -> Response:
    """Tell how long a series is, whatever came of it."""
    if len(shape) == maps.SERIES:
        answered.headers["X-Length"] = str(shape[-1])
    return answered


def _require_shown(shape: tuple[int, ...]) -> None:
    """409 for what the viewer does not draw, such as volumes."""
    if len(shape) not in (maps.IMAGES, maps.SERIES, maps.ROWS):
        message = (
            "the viewer shows images (channels, height, width), series (channels, time), texts and tables (positions); "
            f"this run's maps are {shape[1:]}"
        )
        raise ApiError(HTTPStatus.CONFLICT, message, "whyset.open_run(...).relevance reads them")


def _require_small(size: int) -> None:
    if size > maps.MOST_BYTES:
        message = f"the answer would hold {size} bytes, at most {maps.MOST_BYTES} are allowed"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "ask for fewer samples or a smaller size")
