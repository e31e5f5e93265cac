"""What people single out and write about it: the viewer's only writing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from whyset.errors import InputError
from whyset.store.layout import SELECTIONS
from whyset.store.selections import Selection, SelectionChangedError, Selections
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import Name, OneRun
from whyset.viewer.schemas import SelectionDraft, SelectionList, StoredSelection


def selections_of(request: Request, opened: OneRun) -> Selections:
    """The selections of the run, beside it or in the folder that `--selections` names."""
    elsewhere = request.app.state.selections
    folder = opened.run.path / SELECTIONS if elsewhere is None else elsewhere / opened.id
    return Selections(folder, len(opened.run))


Revision = Annotated[int, Query(ge=1, le=2**31, description="the revision that the change is based on")]
OfRun = Annotated[Selections, Depends(selections_of)]


def list_selections(selections: OfRun) -> SelectionList:
    """Every selection of the run, the oldest first, and what is wrong with files that cannot be read."""
    found = [_answer(selection) for selection in selections.all()]
    return SelectionList(selections=found, problems=selections.problems(), writable=_writable(selections))


def add_selection(draft: SelectionDraft, selections: OfRun) -> StoredSelection:
    """Keep a new selection."""
    with _told(selections):
        return _answer(selections.add(_selection(draft)))


def change_selection(draft: SelectionDraft, selection: Name, revision: Revision, selections: OfRun) -> StoredSelection:
    """Replace a selection; `revision` is the one that the change is based on, and 412 says that it is not the last."""
    with _told(selections):
        return _answer(selections.change(replace(_selection(draft), id=selection, revision=revision)))


def delete_selection(selection: Name, revision: Revision, selections: OfRun) -> Response:
    """Delete a selection, if `revision` is its last one."""
    with _told(selections):
        selections.delete(selection, revision)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _selection(draft: SelectionDraft) -> Selection:
    values: dict[str, Any] = draft.model_dump() | {"rows": tuple(draft.rows), "tags": tuple(draft.tags)}
    return Selection(**values)


def _answer(selection: Selection) -> StoredSelection:
    return StoredSelection.model_validate(selection, from_attributes=True)


def _writable(selections: Selections) -> bool:
    """Whether the folder, or the first one above it that exists, lets this process write; a store lets one try."""
    folder = selections.folder
    while isinstance(folder, os.PathLike) and not folder.exists():
        folder = folder.parent
    return not isinstance(folder, os.PathLike) or os.access(folder, os.W_OK)


@contextmanager
def _told(selections: Selections) -> Iterator[None]:
    """Turn what the store refuses into the answer that says what to do."""
    if not _writable(selections):
        hint = "start `whyset view` with --selections FOLDER to keep selections elsewhere"
        raise ApiError(HTTPStatus.CONFLICT, f"{selections.folder} cannot be written to", hint)
    try:
        yield
    except SelectionChangedError as error:
        raise ApiError(HTTPStatus.PRECONDITION_FAILED, str(error), "load the selections again") from error
    except InputError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
