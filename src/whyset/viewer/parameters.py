"""Parameters of requests, each bounded: ids that are looked up, lists of rows, sizes."""

from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, Path, Query, Request
from numpy.typing import NDArray

from whyset.store.analyses import Analysis
from whyset.store.category import Category
from whyset.store.layout import DONE, FAILED
from whyset.viewer import members
from whyset.viewer.errors import ApiError, not_found, unreadable
from whyset.viewer.run_registry import LoadedRun, RunHandle, RunRegistry

MOST_SAMPLES, MOST_PICTURES = 1000, 256
SMALLEST, LARGEST = 8, 512
LONGEST_TEXT, MOST_MATCHES = 200, 500
LONGEST_DEFINITION = 3000


def _id(description: str) -> Any:
    return Path(min_length=1, max_length=128, description=description)


RunId = Annotated[str, _id("id of a run, from /api/runs")]
AnalysisName = Annotated[str, _id("name of an analysis of the run")]
CategoryId = Annotated[str, _id("id of a category of the analysis")]
ColumnName = Annotated[str, _id("name of a column")]
EmbeddingName = Annotated[str, _id("name of an embedding of the category")]
ClusteringName = Annotated[str, _id("name of a clustering of the category")]
SelectionId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_-]{1,128}$", max_length=128, description="id of a selection of the run")
]
Text = Annotated[str, Query(min_length=1, max_length=LONGEST_TEXT, description="text to find; case is ignored")]
Limit = Annotated[int, Query(ge=1, le=MOST_MATCHES, description="maximum number of rows to list")]
Axes = Annotated[
    str, Query(pattern=r"^[0-9]{1,4},[0-9]{1,4}$", max_length=9, description="two dimensions, counted from 0")
]
Size = Annotated[int | None, Query(ge=SMALLEST, le=LARGEST, description="maximum number of pixels of the longer side")]
Definition = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_DEFINITION,
        description="name of a color map, or colors separated by commas, such as 00f,80:fff,f00",
    ),
]
_VERSION = Annotated[
    str | None, Query(max_length=32, description="version of the run; the answer can then be cached permanently")
]
_INDICES = Query(
    pattern=r"^[0-9]{1,12}(,[0-9]{1,12})*$",
    max_length=13 * MOST_SAMPLES,
    description="row indices, separated by commas",
)


def get_registry(request: Request) -> RunRegistry:
    """Get the runs that this server shows."""
    library: RunRegistry = request.app.state.library
    return library


def get_handle(run: RunId, library: Annotated[RunRegistry, Depends(get_registry)]) -> RunHandle:
    """Get the handle of the run with the id in the path, readable or not."""
    return library.handle(run)


OneHandle = Annotated[RunHandle, Depends(get_handle)]


def get_run(run: RunId, library: Annotated[RunRegistry, Depends(get_registry)]) -> LoadedRun:
    """Get the run with the id in the path."""
    return library.run(run)


OneRun = Annotated[LoadedRun, Depends(get_run)]


def get_other_run(
    other: Annotated[str, Query(min_length=1, max_length=128, description="id of another run")],
    library: Annotated[RunRegistry, Depends(get_registry)],
) -> LoadedRun:
    """Get the run with which the first one is compared."""
    return library.run(other)


OtherRun = Annotated[LoadedRun, Depends(get_other_run)]


def get_analysis(analysis: AnalysisName, opened: OneRun) -> Analysis:
    """Get the analysis with the name in the path."""
    if analysis not in opened.run.analyses:
        raise not_found("analysis", analysis, f"/api/runs/{opened.id}")
    return opened.run.analysis(analysis)


OneAnalysis = Annotated[Analysis, Depends(get_analysis)]


def get_category(category: CategoryId, analysis: OneAnalysis) -> Category:
    """Get the category with the id in the path; only its own record is read, as there may be thousands."""
    folders = {folder.name: folder for folder in analysis.path.iterdir() if not folder.name.startswith(".")}
    if category not in folders or not folders[category].is_dir() or not analysis.lists(category):
        raise not_found("category", category, f"the analysis {analysis.name!r}")
    return analysis.read(folders[category])


OneCategory = Annotated[Category, Depends(get_category)]
_Within = Annotated[
    str | None,
    Query(min_length=1, max_length=128, description="analysis and category together: only rows of this category"),
]


def get_category_rows(opened: OneRun, analysis: _Within = None, category: _Within = None) -> NDArray[np.int64] | None:
    """Get the rows of a category, in its order; None if no category is given."""
    if analysis is None and category is None:
        return None
    if analysis is None or category is None:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "analysis and category: expected both or none, got one")
    return members.get_rows(get_category(category, get_analysis(analysis, opened)), len(opened.run))


CategoryRows = Annotated[NDArray[np.int64] | None, Depends(get_category_rows)]


def check_indices(indices: Annotated[str, _INDICES], opened: OneRun) -> NDArray[np.int64]:
    """Check up to 1000 row indices of the run."""
    return _in_run(indices, opened, MOST_SAMPLES)


def check_explained_indices(indices: Annotated[str, _INDICES], opened: OneRun) -> NDArray[np.int64]:
    """Check up to 256 row indices, all with a committed explanation."""
    rows = _in_run(indices, opened, MOST_PICTURES)
    status = opened.status[rows]
    for row in rows[status == FAILED][:1]:
        reason = opened.errors.get(int(row), "unknown reason")
        raise ApiError(HTTPStatus.CONFLICT, f"row {row} failed and has no explanation: {reason}")
    for why in filter(None, map(opened.get_damage, rows[status != DONE][:1].tolist())):
        raise unreadable(why)
    for row in rows[status != DONE][:1]:
        hint = "`whyset explain` with the same settings continues where it stopped"
        raise ApiError(HTTPStatus.CONFLICT, f"row {row} has not been explained yet: no commit contains it", hint)
    return rows


def _in_run(text: str, opened: LoadedRun, limit: int) -> NDArray[np.int64]:
    rows = np.array([int(number) for number in text.split(",")], dtype=np.int64)
    if len(rows) > limit:
        message = f"indices: expected at most {limit} rows, got {len(rows)}"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message, "use several requests")
    require_in_run(rows, opened)
    return rows


def require_in_run(rows: NDArray[np.int64], opened: LoadedRun) -> None:
    """Raise 404 for a row that the run does not have."""
    if rows.max() >= len(opened.run):
        message = f"indices: row {rows.max()} not found"
        raise ApiError(HTTPStatus.NOT_FOUND, message, f"the rows of the run are 0 to {len(opened.run) - 1}")


def is_immutable(opened: OneRun, v: _VERSION = None) -> bool:
    """Return True if the answer can be cached permanently: the run is complete and has the requested version."""
    return opened.complete and v == opened.version


Kept = Annotated[bool, Depends(is_immutable)]
Samples = Annotated[NDArray[np.int64], Depends(check_indices)]
Explained = Annotated[NDArray[np.int64], Depends(check_explained_indices)]
