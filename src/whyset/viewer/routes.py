"""Every address of the API in one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from whyset.viewer.columns import MEDIA_TYPE
from whyset.viewer.endpoints import analyses, columns, pictures, runs, samples
from whyset.viewer.schemas import AnalysisDetail, CategoryDetail, ColorMapTable, ErrorAnswer, RunDetail, RunRow, Sample


@dataclass(frozen=True)
class Route:
    """An address, what answers it, and what the answer is; None stands for binary numbers."""

    path: str
    endpoint: Callable[..., Any]
    answer: Any = None


RUN, ANALYSIS = "/api/runs/{run}", "/api/runs/{run}/analyses/{analysis}"

ROUTES = (
    Route("/api/runs", runs.list_runs, list[RunRow]),
    Route(RUN, runs.get_run, RunDetail),
    Route(f"{RUN}/columns/{{column}}", columns.get_run_column),
    Route(f"{RUN}/samples", samples.list_samples, list[Sample]),
    Route(f"{RUN}/maps", pictures.get_maps),
    Route(f"{RUN}/inputs", pictures.get_inputs),
    Route(ANALYSIS, analyses.get_analysis, AnalysisDetail),
    Route(f"{ANALYSIS}/{{category}}", analyses.get_category, CategoryDetail),
    Route(f"{ANALYSIS}/{{category}}/columns/{{column}}", analyses.get_category_column),
    Route("/api/color-maps", pictures.get_color_maps, dict[str, ColorMapTable]),
)

ERRORS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "no token, or a host or origin that is not allowed"},
    404: {"model": ErrorAnswer, "description": "an unknown id, or a sample that the run does not have"},
    409: {"model": ErrorAnswer, "description": "not explained yet, failed, or damaged on the disk"},
    422: {"model": ErrorAnswer, "description": "a parameter beyond its limits"},
}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


BINARY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "little-endian numbers in C order",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {
            "X-Dtype": _header("int32, float32 or uint8"),
            "X-Shape": _header("sides of the array, with commas"),
            "ETag": _header("hash of type, shape and content"),
        },
    },
    304: {"description": "the browser has it already"},
}


def api_router() -> APIRouter:
    """The table as a router; each operation is called like its function."""
    router = APIRouter()
    for route in ROUTES:
        name = route.endpoint.__name__
        common: dict[str, Any] = {"methods": ["GET"], "name": name, "operation_id": name}
        if route.answer is None:
            router.add_api_route(
                route.path, route.endpoint, response_class=Response, responses=ERRORS | BINARY, **common
            )
        else:
            router.add_api_route(route.path, route.endpoint, response_model=route.answer, responses=ERRORS, **common)
    return router
