"""Selections with names, tags and notes, which the viewer stores."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from whyset.store.selections import Selection, Selections
from whyset.viewer.parameters import OneRun, SelectionId
from whyset.viewer.refusals import explain_refusals, notes_folder, writable
from whyset.viewer.schemas import SelectionDraft, SelectionList, StoredSelection


def get_selections(request: Request, opened: OneRun) -> Selections:
    """Get the store of selections of the run: next to it, or in the folder of `--selections`."""
    return Selections(notes_folder(request, opened), len(opened.run))


Revision = Annotated[int, Query(ge=1, le=2**31, description="revision on which the change is based")]
OfRun = Annotated[Selections, Depends(get_selections)]


def list_selections(request: Request, selections: OfRun) -> SelectionList:
    """List the selections of the run, the oldest first, and the problems of unreadable files."""
    found = [_answer(selection) for selection in selections.all()]
    return SelectionList(
        selections=found,
        problems=selections.problems(),
        writable=writable(selections.folder),
        folder=None if request.app.state.selections is None else str(selections.folder),
    )


def add_selection(draft: SelectionDraft, selections: OfRun) -> StoredSelection:
    """Store a new selection."""
    with explain_refusals(selections.folder):
        return _answer(selections.add(_selection(draft)))


def change_selection(
    draft: SelectionDraft, selection: SelectionId, revision: Revision, selections: OfRun
) -> StoredSelection:
    """Replace a selection; 412 if `revision`, on which the change is based, is not the latest one."""
    with explain_refusals(selections.folder):
        return _answer(selections.change(replace(_selection(draft), id=selection, revision=revision)))


def delete_selection(selection: SelectionId, revision: Revision, selections: OfRun) -> Response:
    """Delete a selection if `revision` is its latest one."""
    with explain_refusals(selections.folder):
        selections.delete(selection, revision)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _selection(draft: SelectionDraft) -> Selection:
    values: dict[str, Any] = draft.model_dump() | {"rows": tuple(draft.rows), "tags": tuple(draft.tags)}
    return Selection(**values)


def _answer(selection: Selection) -> StoredSelection:
    return StoredSelection.model_validate(selection, from_attributes=True)
