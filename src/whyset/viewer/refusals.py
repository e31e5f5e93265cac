"""The only writing of the viewer, selections and names of clusters: where it goes, and what may refuse it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from fastapi import Request

from whyset.errors import InputError
from whyset.store.cluster_names import NamesChangedError
from whyset.store.layout import SELECTIONS
from whyset.store.lease import LeaseHeldError
from whyset.store.remote import AnyPath
from whyset.store.selections import SelectionChangedError
from whyset.viewer.errors import ApiError
from whyset.viewer.run_registry import LoadedRun


def notes_folder(request: Request, opened: LoadedRun) -> AnyPath:
    """Where what people write about the run is kept: beside it, or in the folder that `--selections` names."""
    elsewhere: AnyPath | None = request.app.state.selections
    return opened.run.path / SELECTIONS if elsewhere is None else elsewhere / opened.id


def writable(folder: AnyPath) -> bool:
    """Whether the folder, or the first one above it that exists, lets this process write; a store lets one try."""
    while isinstance(folder, os.PathLike) and not folder.exists():
        folder = folder.parent
    return not isinstance(folder, os.PathLike) or os.access(folder, os.W_OK)


@contextmanager
def explain_refusals(folder: AnyPath) -> Iterator[None]:
    """Turn what the store refuses into the answer that says what to do."""
    if not writable(folder):
        hint = "start `whyset view` with --selections FOLDER to keep selections and names elsewhere"
        raise ApiError(HTTPStatus.CONFLICT, f"{folder} cannot be written to", hint)
    try:
        yield
    except (SelectionChangedError, NamesChangedError) as error:
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, str(error), "load it again, and change it then") from error
    except LeaseHeldError as error:
        raise ApiError(HTTPStatus.CONFLICT, str(error), "try again in a moment") from error
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
