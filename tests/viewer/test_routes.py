"""The API keeps what OpenAPI promises: schemathesis asks for what the description allows, and for what it forbids."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from whyset.store import Run
from whyset.viewer import create_app
from whyset.viewer.routes import ROUTES, Route

TOKEN = "the-token"
COOKIE = {"Cookie": f"whyset-token-default={TOKEN}"}
KNOWN = {
    "run": ["sample", "half"],
    "other": ["sample", "half"],
    "analysis": ["spray"],
    "category": ["00000", "00002"],
    "column": ["label", "index", "clustering.kmeans", "mean_map.kmeans", "embedding.tsne"],
    "embedding": ["tsne", "spectral"],
    "clustering": ["kmeans", "hdbscan"],
}
"""What there is: with ids of no meaning at all, every answer would be 404."""

FORBID_MORE = set("open_document get_run_column get_points put_cluster_names add_selection change_selection".split())
FORBID_MORE |= {"get_color_map", "export_samples", "delete_selection"}
"""Operations that also refuse what a description cannot exclude: rows that the run lacks, texts in another language."""


def with_known_ids(description: dict[str, Any]) -> dict[str, Any]:
    """The description with those ids that exist; what is forbidden is still made by breaking it."""
    narrowed = copy.deepcopy(description)
    for path in narrowed["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if names := KNOWN.get(parameter["name"]):
                    parameter["schema"] = {"type": "string", "enum": names}
    return narrowed


@pytest.fixture(scope="module")
def api(run: Run, half: Run, tmp_path_factory: pytest.TempPathFactory) -> schemathesis.BaseSchema:
    notes = tmp_path_factory.mktemp("notes")
    app = create_app([run.path, half.path], token=TOKEN, selections=notes, allowed_hosts=["testserver"])
    app.openapi_schema = with_known_ids(app.openapi())
    return schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=COOKIE)


def cases() -> Iterator[tuple[Route, GenerationMode]]:
    """Every operation, with what its description allows and, where it asks for anything, with what it forbids."""
    for route in ROUTES:
        yield route, GenerationMode.POSITIVE
        if "{" in route.path or route.method != "GET":
            yield route, GenerationMode.NEGATIVE


# Operations are taken one by one: schemathesis's own way of parametrizing does not know pytest 9.
@pytest.mark.parametrize(
    ("route", "mode"),
    list(cases()),
    ids=lambda part: part.value if isinstance(part, GenerationMode) else part.endpoint.__name__,
)
def test_every_answer_is_as_described(api: schemathesis.BaseSchema, route: Route, mode: GenerationMode) -> None:
    excluded = [positive_data_acceptance] if route.endpoint.__name__ in FORBID_MORE else []

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(api[route.path][route.method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=COOKIE, excluded_checks=excluded)

    ask()
