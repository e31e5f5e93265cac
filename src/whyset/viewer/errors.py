"""Errors as answers {"error": {"message", "hint"}} with a suitable status."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from whyset.errors import WhysetError
from whyset.store.remote import AnyPath
from whyset.viewer.plain_json import PlainJSONResponse
from whyset.viewer.schemas import Error, ErrorAnswer

logger = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Headers of every answer: the browser must not load anything from other servers or guess types."""


class ApiError(Exception):
    """A request that cannot be answered: status, message, and a hint what to do."""

    def __init__(self, status: HTTPStatus, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.hint = status, message, hint


def not_found(what: str, name: object, known: str) -> ApiError:
    """Create a 404 for an unknown id; `known` names what lists the known ones."""
    return ApiError(HTTPStatus.NOT_FOUND, f"{what} {str(name)!r} not found", f"{known} lists every {what}")


def unreadable(message: str) -> ApiError:
    """Create a 409 for data that exist but cannot be read: damaged, or not yet written."""
    return ApiError(HTTPStatus.CONFLICT, message, "whyset verify RUN names every damaged file of a run")


@contextmanager
def explain_damage(record: AnyPath) -> Iterator[None]:
    """Turn errors of malformed records into `unreadable`."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise unreadable(f"{record} is damaged: {type(error).__name__}: {error}") from error


def error_response(status: int, message: str, hint: str | None = None) -> JSONResponse:
    """Create the JSON answer of an error."""
    answer = ErrorAnswer(error=Error(message=message, hint=hint))
    return PlainJSONResponse(answer.model_dump(), status_code=status, headers={"Cache-Control": "no-store"})


def add_error_handlers(app: FastAPI) -> None:
    """Turn every exception that leaves an endpoint into `error_response`."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(WhysetError, _on_unreadable)
    app.add_exception_handler(OSError, _on_unreadable)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


def _on_api_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return error_response(error.status, error.message, error.hint)


def _on_unreadable(_request: Request, error: Exception) -> JSONResponse:
    logger.warning("a run could not be read: %s", error)
    known = unreadable(f"the run's data cannot be read: {error}")
    return error_response(known.status, known.message, known.hint)


def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = (f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}" for problem in error.errors())
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(problems), "the limits are in /api/openapi.json")


def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, str(error.detail), "/api/openapi.json lists every path")


def _on_fault(_request: Request, error: Exception) -> JSONResponse:
    message = f"the viewer failed ({type(error).__name__})"
    answer = error_response(HTTPStatus.INTERNAL_SERVER_ERROR, message, "the terminal that runs `whyset view` shows why")
    answer.headers.update(HEADERS)  # starlette answers such an error outside of every middleware
    return answer
