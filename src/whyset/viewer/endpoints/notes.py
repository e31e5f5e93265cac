"""What users write: selections with names, tags and notes, and names of clusters; the viewer stores both."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from whyset.errors import InputError
from whyset.store.cluster_names import ClusterNames, NamesChangedError, NamesFile
from whyset.store.layout import SELECTIONS
from whyset.store.lease import LeaseHeldError
from whyset.store.remote import AnyPath
from whyset.store.selections import Selection, SelectionChangedError, Selections
from whyset.viewer.errors import ApiError
from whyset.viewer.parameters import OneAnalysis, OneCategory, OneRun, SelectionId
from whyset.viewer.run_registry import LoadedRun
from whyset.viewer.schemas import NamesDraft, SelectionDraft, SelectionList, StoredNames, StoredSelection


def get_selections(request: Request, opened: OneRun) -> Selections:
    """Get the store of selections of the run: next to it, or in the folder of `--selections`."""
    return Selections(notes_folder(request, opened), len(opened.run))


Revision = Annotated[int, Query(ge=1, le=2**31, description="revision on which the change is based")]
OfRun = Annotated[Selections, Depends(get_selections)]


def list_selections(request: Request, selections: OfRun) -> SelectionList:
    """List the selections of the run, the oldest first, and the problems of unreadable files."""
    found = [_answer_selection(selection) for selection in selections.all()]
    return SelectionList(
        selections=found,
        problems=selections.problems(),
        writable=writable(selections.folder),
        folder=None if request.app.state.selections is None else str(selections.folder),
    )


def add_selection(draft: SelectionDraft, selections: OfRun) -> StoredSelection:
    """Store a new selection."""
    with explain_refusals(selections.folder):
        return _answer_selection(selections.add(_selection(draft)))


def change_selection(
    draft: SelectionDraft, selection: SelectionId, revision: Revision, selections: OfRun
) -> StoredSelection:
    """Replace a selection; 412 if `revision`, on which the change is based, is not the latest one."""
    with explain_refusals(selections.folder):
        return _answer_selection(selections.change(replace(_selection(draft), id=selection, revision=revision)))


def delete_selection(selection: SelectionId, revision: Revision, selections: OfRun) -> Response:
    """Delete a selection if `revision` is its latest one."""
    with explain_refusals(selections.folder):
        selections.delete(selection, revision)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _selection(draft: SelectionDraft) -> Selection:
    values: dict[str, Any] = draft.model_dump() | {"rows": tuple(draft.rows), "tags": tuple(draft.tags)}
    return Selection(**values)


def _answer_selection(selection: Selection) -> StoredSelection:
    return StoredSelection.model_validate(selection, from_attributes=True)


def get_names_file(request: Request, opened: OneRun, analysis: OneAnalysis, category: OneCategory) -> NamesFile:
    """Get the file of names of the category, which is next to the selections of its run."""
    return NamesFile(notes_folder(request, opened), analysis.name, category)


OfCategory = Annotated[NamesFile, Depends(get_names_file)]


def get_cluster_names(file: OfCategory) -> StoredNames:
    """Get the names of the clusters, by clustering and number."""
    return _answer_names(file, file.read())


def put_cluster_names(draft: NamesDraft, file: OfCategory) -> StoredNames:
    """Replace the names; 412 if `revision` is not the latest one."""
    with explain_refusals(file.folder):
        return _answer_names(file, file.change(draft.names, draft.revision))


def _answer_names(file: NamesFile, names: ClusterNames) -> StoredNames:
    return StoredNames.model_validate({**vars(names), "writable": writable(file.folder)})


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
