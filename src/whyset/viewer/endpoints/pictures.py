"""Relevance maps and inputs of many samples, and the colour maps to show them in."""

import math
from http import HTTPStatus

from fastapi import Request, Response

from whyset.errors import InputError
from whyset.image import COLOR_MAPS, ColorMap, color_map_of
from whyset.viewer import maps
from whyset.viewer.columns import answer
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import Definition, Explained, OneRun, Size
from whyset.viewer.schemas import ColorMapTable


def get_maps(request: Request, opened: OneRun, indices: Explained, size: Size = None) -> Response:
    """Channel-summed maps: float32 scale[n], then uint8 [n, H, W]; value = (byte - 128) / 127 * scale."""
    relevance = opened.run.relevance
    _require_pictures(relevance.shape)
    _require_small(maps.answer_bytes(relevance.shape, len(indices), size, summed=True))
    return answer(request, maps.maps(relevance, indices, size), immutable=opened.complete)


def get_inputs(request: Request, opened: OneRun, indices: Explained, size: Size = None) -> Response:
    """Inputs as the model saw them: uint8 [n, H, W, C]."""
    stored = opened.run.inputs
    if stored is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "this run was made without inputs", "explain again without --no-inputs")
    _require_pictures(stored.shape)
    _require_small(maps.answer_bytes(stored.shape, len(indices), size, summed=False))
    return answer(request, maps.inputs(stored, indices, size), immutable=opened.complete)


def get_relevance(request: Request, opened: OneRun, indices: Explained) -> Response:
    """Maps as they are stored, channels of images summed: float32 (n, H, W), in full size."""
    relevance = opened.run.relevance
    _require_small(4 * len(indices) * math.prod(relevance.shape[-2:]))
    return answer(request, maps.exact(relevance, indices), immutable=opened.complete)


def get_color_maps() -> dict[str, ColorMapTable]:
    """Every colour map as a lookup table for the bytes of a map."""
    return {name: _table(color_map) for name, color_map in COLOR_MAPS.items()}


def get_color_map(definition: Definition) -> ColorMapTable:
    """The lookup table of a colour map in Zennit's language, or of a named one."""
    try:
        return _table(color_map_of(definition))
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), "an example: 00f,80:fff,f00") from error


def _table(color_map: ColorMap) -> ColorMapTable:
    return ColorMapTable(lookup=color_map.lookup().ravel().tolist(), diverging=color_map.diverging)


def _require_pictures(shape: tuple[int, ...]) -> None:
    """409 for what is no picture, such as series and tokens."""
    if len(shape) != 4:
        message = f"the viewer shows maps of the shape (channels, height, width), this run's are {shape[1:]}"
        raise ApiError(HTTPStatus.CONFLICT, message, "whyset.open_run(...).relevance reads them")


def _require_small(size: int) -> None:
    if size > maps.MOST_BYTES:
        message = f"the answer would hold {size} bytes, at most {maps.MOST_BYTES} are allowed"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "ask for fewer samples or a smaller size")
