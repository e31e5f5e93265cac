"""OpenAPI describes every address, and is the same wherever it is printed."""

import json
import subprocess
import sys
from inspect import cleandoc

from whyset.viewer.endpoints.exports import FORMS
from whyset.viewer.openapi import describe_api
from whyset.viewer.routes import ROUTES, Route


def kinds(route: Route) -> list[str]:
    """The media types that a route may answer with."""
    if route.answer is not None:
        return ["application/json"]
    if route.status == 204:
        return []
    if route.media_type is not None:
        return [route.media_type]
    files = [media_type.partition(";")[0] for media_type, _, _ in FORMS.values()]
    return ["application/octet-stream"] if route.method == "GET" else files


def test_every_route_is_described_with_its_answer_and_its_errors() -> None:
    paths = json.loads(describe_api())["paths"]
    assert set(paths) == {route.path for route in ROUTES}
    for route in ROUTES:
        operation = paths[route.path][route.method.lower()]
        assert operation["description"] == cleandoc(route.endpoint.__doc__)
        content = operation["responses"][str(route.status)].get("content", {})
        assert sorted(content) == sorted(kinds(route))
        assert all(described["schema"] for described in content.values())
        for status in ("403", "404", "409", "422", *(("412",) if route.path.endswith("{selection}") else ())):
            schema = operation["responses"][status]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}


def test_every_text_and_number_parameter_is_bounded() -> None:
    operations = [operation for path in json.loads(describe_api())["paths"].values() for operation in path.values()]
    for operation in operations:
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            (kind,) = (part for part in schema.get("anyOf", [schema]) if part["type"] != "null")
            assert {"maxLength", "maximum"} & set(kind), parameter


def test_everything_is_described() -> None:
    for path, operations in json.loads(describe_api())["paths"].items():
        for method, operation in operations.items():
            assert len(operation["description"]) > 20, (method, path)
            parts = [*operation.get("parameters", []), *operation["responses"].values()]
            assert all(len(part["description"]) > 3 for part in parts), (method, path)
            assert "Successful Response" not in {part["description"] for part in parts}, (method, path)


def test_what_may_go_wrong_with_a_body_is_described() -> None:
    for path in json.loads(describe_api())["paths"].values():
        for method, operation in path.items():
            assert {"400", "413"} <= set(operation["responses"]) or method not in ("post", "put")
            assert "412" in operation["responses"] or method not in ("put", "delete")


def test_every_list_text_and_number_of_a_body_is_bounded() -> None:
    schemas = json.loads(describe_api())["components"]["schemas"]
    for draft in ("SelectionDraft", "NamesDraft", "ExportOrder"):
        for name, field in schemas[draft]["properties"].items():
            for part in field.get("anyOf", [field]):
                bounds = {"maxLength", "maximum", "maxItems", "maxProperties", "enum"}
                assert part.get("type") == "null" or bounds & set(part), (draft, name)


def test_operations_have_names_of_their_own() -> None:
    names = [route.endpoint.__name__ for route in ROUTES]
    assert len(set(names)) == len(names)


def test_module_prints_the_same_description() -> None:
    command = [sys.executable, "-m", "whyset.viewer.openapi"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == describe_api()
