"""What a state file or a bookmark shows of the runs here."""

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
    """What `whyset view` was asked to show first, if anything."""
    document = request.app.state.document
    return None if document is None else _read_opening(lambda: find_opening(document, library))


def open_document(document: Annotated[dict[str, JsonValue], Body()], library: OurLibrary) -> Opening:
    """What a state file of the viewer or a bookmark of ViRelAy shows of the runs here; nothing is kept of it."""
    return _read_opening(lambda: find_opening(parse_document(document, "the file"), library))


def _read_opening(read: Any) -> Opening:
    try:
        opening: Opening = read()
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
    return opening
