"""What people single out and write about it: the viewer's only writing."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from whyset.store.selections import Selection, Selections
from whyset.viewer.parameters import OneRun, SelectionId
from whyset.viewer.refusals import explain_refusals, notes_folder, writable
from whyset.viewer.schemas import SelectionDraft, SelectionList, StoredSelection


def get_selections(request: Request, opened: OneRun) -> Selections:
    """The selections of the run, beside it or in the folder that `--selections` names."""
    return Selections(notes_folder(request, opened), len(opened.run))


Revision = Annotated[int, Query(ge=1, le=2**31, description="the revision that the change is based on")]
OfRun = Annotated[Selections, Depends(get_selections)]


def list_selections(request: Request, selections: OfRun) -> SelectionList:
    """Every selection of the run, the oldest first, and what is wrong with files that cannot be read."""
    found = [_answer(selection) for selection in selections.all()]
    return SelectionList(
        selections=found,
        problems=selections.problems(),
        writable=writable(selections.folder),
        folder=None if request.app.state.selections is None else str(selections.folder),
    )


def add_selection(draft: SelectionDraft, selections: OfRun) -> StoredSelection:
    """Keep a new selection."""
    with explain_refusals(selections.folder):
        return _answer(selections.add(_selection(draft)))


def change_selection(
    draft: SelectionDraft, selection: SelectionId, revision: Revision, selections: OfRun
) -> StoredSelection:
    """Replace a selection; `revision` is the one that the change is based on, and 412 says that it is not the last."""
    with explain_refusals(selections.folder):
        return _answer(selections.change(replace(_selection(draft), id=selection, revision=revision)))


def delete_selection(selection: SelectionId, revision: Revision, selections: OfRun) -> Response:
    """Delete a selection, if `revision` is its last one."""
    with explain_refusals(selections.folder):
        selections.delete(selection, revision)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _selection(draft: SelectionDraft) -> Selection:
    values: dict[str, Any] = draft.model_dump() | {"rows": tuple(draft.rows), "tags": tuple(draft.tags)}
    return Selection(**values)


def _answer(selection: Selection) -> StoredSelection:
    return StoredSelection.model_validate(selection, from_attributes=True)
