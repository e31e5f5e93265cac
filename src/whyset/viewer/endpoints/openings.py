"""Open state files and bookmarks."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Body, Depends, Request
from pydantic import JsonValue

from whyset.errors import InputError
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import get_registry
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.schemas import Opening
from whyset.viewer.state_files import find_opening, parse_document

OurLibrary = Annotated[RunRegistry, Depends(get_registry)]


def get_opening(request: Request, library: OurLibrary) -> Opening | None:
    """Get the state or bookmark with which `whyset view` was started, or null."""
    document = request.app.state.document
    return None if document is None else _read_opening(lambda: find_opening(document, library))


def open_document(document: Annotated[dict[str, JsonValue], Body()], library: OurLibrary) -> Opening:
    """Resolve a state file of the viewer or a bookmark of ViRelAy among the open runs; nothing is stored."""
    return _read_opening(lambda: find_opening(parse_document(document, "the file"), library))


def _read_opening(read: Any) -> Opening:
    try:
        opening: Opening = read()
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    return opening
