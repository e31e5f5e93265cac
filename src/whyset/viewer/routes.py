"""Table of the API's paths."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, get_args

from fastapi import APIRouter, Response

from whyset.viewer.columns import MEDIA_TYPE
from whyset.viewer.endpoints import (
    analyses,
    exports,
    finding_pages,
    findings,
    methods,
    notes,
    openings,
    pictures,
    runs,
    samples,
    sounds,
    spectra,
    summaries,
    timelines,
)
from whyset.viewer.finding_schemas import FindingPage, FixedSamples
from whyset.viewer.limits import MOST_BODY
from whyset.viewer.method_schemas import MethodDifferences, MethodTable
from whyset.viewer.schemas import (
    AnalysisDetail,
    CategoryDetail,
    ClusterSummary,
    ColorMapTable,
    ErrorAnswer,
    FindingList,
    Matches,
    Opening,
    RunDetail,
    RunProgress,
    RunRow,
    SampleDetail,
    ScaleTable,
    SelectionList,
    StoredNames,
    StoredSelection,
)
from whyset.viewer.timeline_schemas import TimelineDetail


@dataclass(frozen=True)
class Route:
    """A path, its endpoint, and the type of the answer.

    `answer` is None for binary numbers, for a file of the given `media_type`, or for an empty answer with 204.
    """

    path: str
    endpoint: Callable[..., Any]
    answer: Any = None
    method: str = "GET"
    status: int = 200
    media_type: str | None = None


RUN, ANALYSIS = "/api/runs/{run}", "/api/runs/{run}/analyses/{analysis}"
SELECTION = f"{RUN}/selections/{{selection}}"

ROUTES = (
    Route("/api/runs", runs.list_runs, list[RunRow]),
    Route("/api/opening", openings.get_opening, Opening | None),
    Route("/api/opening", openings.open_document, Opening, "POST"),
    Route(RUN, runs.get_run, RunDetail),
    Route(f"{RUN}/progress", runs.get_progress, RunProgress),
    Route(f"{RUN}/columns/{{column}}", samples.get_run_column),
    Route(f"{RUN}/correspondence", samples.get_correspondence),
    Route(f"{RUN}/samples", samples.list_samples, list[SampleDetail]),
    Route(f"{RUN}/find", samples.find_samples, Matches),
    Route(f"{RUN}/find/rows", samples.find_rows),
    Route(f"{RUN}/maps", pictures.get_maps),
    Route(f"{RUN}/inputs", pictures.get_inputs),
    Route(f"{RUN}/volumes", pictures.get_volumes),
    Route(f"{RUN}/input-volumes", pictures.get_input_volumes),
    Route(f"{RUN}/relevance", pictures.get_relevance),
    Route(f"{RUN}/spectra/{{spectrum}}", spectra.get_spectrum),
    Route(f"{RUN}/tokens", pictures.get_tokens, list[list[str]]),
    Route(f"{RUN}/sound", sounds.get_sound, media_type=sounds.MEDIA_TYPE),
    Route(f"{RUN}/findings", findings.list_findings, FindingList),
    Route(f"{RUN}/findings/examples", findings.get_examples),
    Route(f"{RUN}/methods", methods.list_methods, MethodTable),
    Route(f"{RUN}/methods/differences", methods.get_differences, MethodDifferences),
    Route(f"{RUN}/timeline", timelines.get_timeline, TimelineDetail),
    Route(f"{RUN}/findings/{{finding}}", finding_pages.get_finding, FindingPage),
    Route(f"{RUN}/findings/{{finding}}/fixed", finding_pages.list_fixed_samples, FixedSamples),
    Route(ANALYSIS, analyses.get_analysis, AnalysisDetail),
    Route(f"{ANALYSIS}/{{category}}", analyses.get_category, CategoryDetail),
    Route(f"{ANALYSIS}/{{category}}/columns/{{column}}", analyses.get_category_column),
    Route(f"{ANALYSIS}/{{category}}/points/{{embedding}}", analyses.get_points),
    Route(f"{ANALYSIS}/{{category}}/scales/{{clustering}}", pictures.get_scales, ScaleTable),
    Route(f"{ANALYSIS}/{{category}}/summaries/{{clustering}}", summaries.list_summaries, list[ClusterSummary]),
    Route(f"{ANALYSIS}/{{category}}/export", exports.export_samples, None, "POST"),
    Route(f"{ANALYSIS}/{{category}}/names", notes.get_cluster_names, StoredNames),
    Route(f"{ANALYSIS}/{{category}}/names", notes.put_cluster_names, StoredNames, "PUT"),
    Route(f"{RUN}/selections", notes.list_selections, SelectionList),
    Route(f"{RUN}/selections", notes.add_selection, StoredSelection, "POST", 201),
    Route(SELECTION, notes.change_selection, StoredSelection, "PUT"),
    Route(SELECTION, notes.delete_selection, None, "DELETE", 204),
    Route("/api/color-maps", pictures.get_color_maps, dict[str, ColorMapTable]),
    Route("/api/color-maps/{definition}", pictures.get_color_map, ColorMapTable),
)

ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "missing token, or a host or origin that is not allowed"},
    404: {"model": ErrorAnswer, "description": "unknown id, or a row that the run does not have"},
    409: {"model": ErrorAnswer, "description": "not explained yet, failed, or damaged on disk"},
    422: {"model": ErrorAnswer, "description": "parameter or body out of its limits, or malformed"},
}

OF_BODIES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "body is not JSON"},
    413: {"model": ErrorAnswer, "description": f"body of more than {MOST_BODY} bytes"},
}

CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"model": ErrorAnswer, "description": "changed or deleted by someone else since it was read"}
}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


BINARY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "little-endian numbers in C order",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "X-Dtype": _header("int8, int16, uint16, int32, float32 or uint8"),
            "X-Shape": _header("sides of the array, separated by commas"),
            "X-Coding": _header("values, or steps: each number is the difference to the previous one, the first to 0"),
            "X-Length": _header("original length of a series, which may be longer than in the answer; only for series"),
            "ETag": _header("hash of type, shape and content"),
        },
    },
    304: {"description": "the cached answer is up to date"},
}

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "file of the requested form",
        "content": {
            media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
            for media_type, _, _ in exports.FORMS.values()
        },
        "headers": {"Content-Disposition": _header("name of the file")},
    },
}


def _describe_file(media_type: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": "whole file", "content": content},
        206: {"description": "requested part of the file", "content": content},
        416: {"description": "the file ends before the requested part"},
    }


def _errors(method: str) -> dict[int | str, dict[str, Any]]:
    """Get the errors of a method besides the common ones."""
    with_body, changing = method in ("POST", "PUT"), method in ("PUT", "DELETE")
    return ERRORS | (OF_BODIES if with_body else {}) | (CHANGED if changing else {})


def _describe_answer(answer: Any) -> str:
    """Get the docstring of the model of the answer or of its items."""
    model = (get_args(answer) or (answer,))[-1]
    return str(getdoc(model)).partition("\n")[0]


def api_router() -> APIRouter:
    """Create a router from the table; each operation has the name of its function."""
    router = APIRouter()
    for route in ROUTES:
        name = route.endpoint.__name__
        common: dict[str, Any] = {
            "methods": [route.method],
            "status_code": route.status,
            "name": name,
            "operation_id": name,
            "responses": _errors(route.method),
        }
        if route.answer is not None:
            described = {"response_model": route.answer, "response_description": _describe_answer(route.answer)}
            router.add_api_route(route.path, route.endpoint, **described, **common)
        elif route.status == 204:
            router.add_api_route(
                route.path, route.endpoint, response_class=Response, response_description="done", **common
            )
        else:
            content = BINARY if route.method == "GET" else FILE
            if route.media_type is not None:
                content = _describe_file(route.media_type)
            binary = common | {"responses": _errors(route.method) | content}
            router.add_api_route(route.path, route.endpoint, response_class=Response, **binary)
    return router
