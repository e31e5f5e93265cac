"""Names that users give to the clusters of a category."""

from typing import Annotated

from fastapi import Depends, Request

from whyset.store.cluster_names import ClusterNames, NamesFile
from whyset.viewer.parameters import OneAnalysis, OneCategory, OneRun
from whyset.viewer.refusals import explain_refusals, notes_folder, writable
from whyset.viewer.schemas import NamesDraft, StoredNames


def get_names_file(request: Request, opened: OneRun, analysis: OneAnalysis, category: OneCategory) -> NamesFile:
    """Get the file of names of the category, which is next to the selections of its run."""
    return NamesFile(notes_folder(request, opened), analysis.name, category)


OfCategory = Annotated[NamesFile, Depends(get_names_file)]


def get_cluster_names(file: OfCategory) -> StoredNames:
    """Get the names of the clusters, by clustering and number."""
    return _answer(file, file.read())


def put_cluster_names(draft: NamesDraft, file: OfCategory) -> StoredNames:
    """Replace the names; 412 if `revision` is not the latest one."""
    with explain_refusals(file.folder):
        return _answer(file, file.change(draft.names, draft.revision))


def _answer(file: NamesFile, names: ClusterNames) -> StoredNames:
    return StoredNames.model_validate({**vars(names), "writable": writable(file.folder)})
