"""Folders of the files that the viewer writes (selections and names of clusters), and their errors."""

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
    """Get the folder of selections and names of the run: next to it, or in the folder of `--selections`."""
    elsewhere: AnyPath | None = request.app.state.selections
    return opened.run.path / SELECTIONS if elsewhere is None else elsewhere / opened.id


def writable(folder: AnyPath) -> bool:
    """Return True if this process may write to the folder or its nearest existing parent, and for object stores."""
    while isinstance(folder, os.PathLike) and not folder.exists():
        folder = folder.parent
    return not isinstance(folder, os.PathLike) or os.access(folder, os.W_OK)


@contextmanager
def explain_refusals(folder: AnyPath) -> Iterator[None]:
    """Turn errors of the store into answers with a hint what to do."""
    if not writable(folder):
        hint = "start `whyset view` with --selections FOLDER to store selections and names in another folder"
        raise ApiError(HTTPStatus.CONFLICT, f"{folder} cannot be written to", hint)
    try:
        yield
    except (SelectionChangedError, NamesChangedError) as error:
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, str(error), "load it again, then change it") from error
    except LeaseHeldError as error:
        raise ApiError(HTTPStatus.CONFLICT, str(error), "try again in a moment") from error
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
