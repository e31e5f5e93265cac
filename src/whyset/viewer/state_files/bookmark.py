"""Bookmarks exported by ViRelAy, and their opening in a run imported from its project or exported to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar
from urllib.parse import quote, urlencode

import numpy as np
from pydantic import Field

from whyset.errors import InputError
from whyset.image.color_maps import COLOR_MAPS
from whyset.store import Analysis, Category, Run
from whyset.store.virelay.export_analyses import method_names
from whyset.store.virelay.importing import SAMPLE
from whyset.store.virelay.names import safe_name_for, word_net_ids
from whyset.viewer.members import get_rows
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.schemas import Model, Opening

PICTURES = {"input": "input", "overlay": "overlay", "attribution": "map"}
T = TypeVar("T")
Text = Annotated[str | None, Field(max_length=4096)]


class Bookmark(Model):
    """The fields of a bookmark that are used; its sample indices refer to the data set of its project."""

    projectName: Text = None
    selectedAnalysisMethod: str = Field(max_length=4096)
    selectedAnalysisCategory: str = Field(max_length=4096)
    selectedCategoryHumanReadableName: Text = None
    selectedClustering: Text = None
    selectedEmbeddingName: Text = None
    selectedColorMap: Text = None
    selectedImageMode: Text = None
    selectedEmbeddingVectorsIndices: list[Annotated[int, Field(ge=0, lt=2**40)]] = Field(
        default=[], max_length=10_000_000
    )


@dataclass
class _Reading:
    """A bookmark that is read for one run, and messages about its parts that are not found."""

    bookmark: Bookmark
    run: Run
    told: list[str] = field(default_factory=list)

    @property
    def imported(self) -> bool:
        return self.run.config.origin.get("imported_from") == "ViRelAy"

    def tell(self, what: str, name: object, instead: str) -> None:
        self.told.append(f"the bookmark's {what} {str(name)!r} is not in this run; {instead}")


def opening_of_bookmark(bookmark: Bookmark, library: RunRegistry) -> Opening:
    """Resolve the bookmark among the open runs; InputError if it matches none of them."""
    opened = library.readable()
    named = [each for each in opened if bookmark.projectName in (None, _project(each.run))]
    for each in named or opened:
        reading = _Reading(bookmark, each.run)
        analysis = _analysis(reading)
        category = analysis and _category(reading, analysis)
        if analysis and category:
            if not named:
                reading.told.append(
                    f"the bookmark is of the project {bookmark.projectName!r}, not of {_project(each.run)!r}"
                )
            return _opening(reading, each.id, analysis, category)
    raise InputError(_nowhere(bookmark, [each.run for each in opened]))


def _project(run: Run) -> str:
    """Get ViRelAy's name of the run: its project before the import, or the name of its export."""
    return str(run.config.origin.get("project_name", run.path.name))


def _nowhere(bookmark: Bookmark, runs: list[Run]) -> str:
    there = ", ".join(f"{_project(run)!r} with {', '.join(run.analyses) or 'no analysis'}" for run in runs) or "none"
    return (
        f"the bookmark is of the project {bookmark.projectName!r}, analysis {bookmark.selectedAnalysisMethod!r}, "
        f"category {bookmark.selectedAnalysisCategory!r}, which no open run has (open runs: {there}); "
        "open the run that was imported from that project (`whyset import-virelay`) or exported to it"
    )


def _analysis(reading: _Reading) -> Analysis | None:
    wanted, run = reading.bookmark.selectedAnalysisMethod, reading.run
    if reading.imported:
        methods = {name: run.analysis(name).config.get("analysis_method", name) for name in run.analyses}
    else:
        methods = dict(method_names(run.analyses))
    return next((run.analysis(name) for name, method in methods.items() if method == wanted), None)


def _category(reading: _Reading, analysis: Analysis) -> Category | None:
    """Find the category by the id of the class in the project, then by name."""
    wanted, readable = reading.bookmark.selectedAnalysisCategory, reading.bookmark.selectedCategoryHumanReadableName
    ids = word_net_ids(reading.run, len(reading.run.classes))
    tests: tuple[Callable[[Category], bool], ...] = (
        lambda category: category.evidence.grouped_by == f"category {wanted!r} of the project",
        lambda category: not reading.imported and _label(category, ids) == wanted,
        lambda category: category.id == safe_name_for(wanted),
        lambda category: category.name == wanted,
        lambda category: readable is not None and category.name == readable,
    )
    for test in tests:
        found = [category for category in analysis.categories if test(category)]
        if len(found) == 1:
            return found[0]
    return None


def _label(category: Category, ids: list[str]) -> str | None:
    label = category.evidence.label
    return ids[label] if label is not None and 0 <= label < len(ids) else None


def _opening(reading: _Reading, run_id: str, analysis: Analysis, category: Category) -> Opening:
    bookmark, evidence = reading.bookmark, category.evidence
    chosen = {
        "clustering": _own_name(reading, "clustering", bookmark.selectedClustering, evidence.clusterings),
        "embedding": _own_name(reading, "embedding", bookmark.selectedEmbeddingName, evidence.embeddings),
        "colorMap": _of_table(reading, "color map", bookmark.selectedColorMap, {name: name for name in COLOR_MAPS}),
        "pictures": _of_table(reading, "image mode", bookmark.selectedImageMode, PICTURES),
    }
    selected = _rows(reading, category)
    query = urlencode({name: value for name, value in chosen.items() if value is not None})
    path = "/".join(quote(part, safe="") for part in (run_id, analysis.name, category.id))
    return Opening(address=f"#/{path}{f'?{query}' if query else ''}", selected=selected, theme=None, told=reading.told)


def _own_name(reading: _Reading, what: str, name: str | None, there: Iterable[str]) -> str | None:
    """Get the name of a clustering or embedding after the import."""
    known = {each: each for each in there}
    own = name if name is None or name in known else safe_name_for(name)
    return _of_table(reading, what, own if own in known else name, known)


def _of_table(reading: _Reading, what: str, name: str | None, known: dict[str, T]) -> T | None:
    if name is not None and name not in known:
        reading.tell(what, name, "the default is shown")
    return None if name is None else known.get(name)


def _rows(reading: _Reading, category: Category) -> list[int]:
    """Get the rows of the class whose samples the bookmark selects."""
    wanted = np.unique(np.array(reading.bookmark.selectedEmbeddingVectorsIndices, dtype=np.int64))
    members = get_rows(category, len(reading.run)) if "index" in category.columns else np.zeros(0, dtype=np.int64)
    samples = np.asarray(reading.run.column(SAMPLE))[members] if reading.imported else members
    missing = int((~np.isin(wanted, samples)).sum())
    if missing:
        reading.told.append(f"{missing} of the bookmark's {len(wanted)} selected samples are not in this class")
    return [int(row) for row in np.sort(members[np.isin(samples, wanted)])]
