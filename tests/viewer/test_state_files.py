"""State files and ViRelAy's bookmarks: what the API says that they show of the runs here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from whyset.errors import InputError
from whyset.store import Run
from whyset.viewer.run_registry import RunRegistry
from whyset.viewer.state_files import find_opening, parse_document, read_document, sort_arguments


def state_of(run: Run, **changed: Any) -> dict[str, Any]:
    named = {"id": "theirs", "name": "runs/theirs", "path": str(run.path), "hash": run.config_hash}
    address = "#/theirs/spray/00002?color=confidence&with=theirs%2Fspray%2F00000&with-embedding=tsne"
    return {"format": "whyset-state", "schema": "1.0", "runs": [named], "address": address, **changed}


def bookmark_of(**changed: Any) -> dict[str, Any]:
    """As ViRelAy 0.6.1 exports it, of an export of the sample run."""
    return {
        "projectId": 0,
        "projectName": "sample",
        "modelName": "sample.py:network",
        "datasetName": "sample images",
        "selectedAnalysisMethod": "spray",
        "selectedAnalysisCategory": "class_00002",
        "selectedCategoryHumanReadableName": "horse",
        "selectedEmbeddingName": "spectral",
        "selectedClustering": "hdbscan",
        "numberOfClusters": 2,
        "selectedColorMap": "black-fire-red",
        "selectedImageMode": "attribution",
        "selectedEmbeddingVectorsIndices": [5, 2, 8],
        "selectedEmbeddingVectorsClusters": [-1, -1, -1],
        "allEmbeddingVectorsIndices": [2, 5, 8],
        "allEmbeddingVectorsClusters": [-1, -1, -1],
        **changed,
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[object], Path]:
    """Writes a value as JSON into a file."""

    def write(value: object) -> Path:
        file = tmp_path / "passed-on.json"
        file.write_text(json.dumps(value))
        return file

    return write


def test_a_state_file_is_told_in_the_ids_of_the_runs_here(client: TestClient, run: Run) -> None:
    answer = client.post("/api/opening", json=state_of(run, selected=[2, 5], appearance={"theme": "dark"}))
    assert answer.json() == {
        "address": "#/sample/spray/00002?color=confidence&with=sample%2Fspray%2F00000&with-embedding=tsne",
        "selected": [2, 5],
        "theme": "dark",
        "told": [],
    }


def test_a_run_is_known_by_its_hash_wherever_it_lies_and_an_absent_one_is_named(client: TestClient, run: Run) -> None:
    state = state_of(run)
    state["runs"][0]["path"] = "/elsewhere/theirs"
    absent = {"id": "gone", "name": "runs/gone", "path": "/elsewhere/gone", "hash": "sha256:1"}
    answer = client.post("/api/opening", json=state | {"runs": [*state["runs"], absent]}).json()
    assert answer["address"].startswith("#/sample/")
    assert answer["told"] == ["the run runs/gone (/elsewhere/gone) is not open: start `whyset view /elsewhere/gone`"]
    refused = client.post("/api/opening", json=state | {"runs": [absent], "address": "#/gone"})
    assert (refused.status_code, "start `whyset view /elsewhere/gone`" in refused.text) == (422, True)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "got no format"),
        ({"format": "whyset-selection"}, "got the format 'whyset-selection'"),
        ({"format": "whyset-state", "schema": "2.0"}, "schema"),
        ({"format": "whyset-state", "schema": "1.0", "runs": [], "address": "#/"}, "runs"),
        ({"selectedAnalysisMethod": 3}, "selectedAnalysisMethod"),
        (bookmark_of(selectedEmbeddingVectorsIndices=[-1]), "selectedEmbeddingVectorsIndices.0"),
    ],
)
def test_other_files_are_refused_with_what_was_expected(client: TestClient, document: dict, words: str) -> None:
    answer = client.post("/api/opening", json=document)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]
    assert "expected a state file (format 'whyset-state', schema 1.0)" in answer.json()["error"]["message"]


def test_a_bookmark_is_read_for_the_run_that_it_was_exported_from(client: TestClient) -> None:
    opening = client.post("/api/opening", json=bookmark_of()).json()
    expected = "#/sample/spray/00002?clustering=hdbscan&embedding=spectral&colorMap=black-fire-red&pictures=map"
    assert opening == {"address": expected, "selected": [2, 5, 8], "theme": None, "told": []}


def test_what_a_bookmark_names_and_the_run_has_not_is_told(client: TestClient) -> None:
    changed = {"selectedClustering": "dbscan", "selectedColorMap": "nope", "selectedEmbeddingVectorsIndices": [2, 3]}
    opening = client.post("/api/opening", json=bookmark_of(**changed)).json()
    assert opening["address"] == "#/sample/spray/00002?embedding=spectral&pictures=map"
    assert opening["selected"] == [2]
    assert [line.partition(" '")[0] for line in opening["told"]] == [
        "the bookmark's clustering",
        "the bookmark's color map",
        "1 of the bookmark's 2 selected samples are not in this class",
    ]
    refused = client.post("/api/opening", json=bookmark_of(selectedAnalysisMethod="other"))
    assert refused.status_code == 422
    assert "analysis 'other'" in refused.json()["error"]["message"]


def test_the_page_is_told_what_it_was_asked_to_show_first(admitted: Callable[..., TestClient], run: Run) -> None:
    assert admitted(run.path).get("/api/opening").json() is None
    shown = admitted(run.path, document=parse_document(state_of(run), "it")).get("/api/opening").json()
    assert shown["address"].startswith("#/sample/spray/00002?")


def test_the_command_opens_the_runs_that_a_state_file_names(save: Callable[[object], Path], run: Run) -> None:
    asked = sort_arguments([save(state_of(run))])
    assert asked.runs == (run.path,)
    assert find_opening(asked.document, RunRegistry(asked.runs)).told == []


def test_a_run_that_was_moved_with_the_file_is_found_beside_it_and_that_is_told(
    save: Callable[[object], Path], run: Run, tmp_path: Path
) -> None:
    (tmp_path / run.path.name).symlink_to(run.path)
    state = state_of(run)
    state["runs"][0]["path"] = f"/gone/{run.path.name}"
    asked = sort_arguments([save(state)])
    assert asked.runs == (tmp_path / run.path.name,)
    assert "is the same run and is opened instead" in asked.told[0]
    state["runs"][0]["path"] = run.path.name
    assert sort_arguments([save(state)]).told == ()


def test_a_missing_run_is_told_with_what_to_do(save: Callable[[object], Path], run: Run, half: Run) -> None:
    state = state_of(run)
    state["runs"][0]["path"] = "/gone/away"
    with pytest.raises(InputError, match=r"/gone/away is missing .* `whyset view NEW/PATH "):
        sort_arguments([save(state)])
    assert sort_arguments([run.path, save(state)]).runs == (run.path,)
    state["runs"][0] |= {"path": str(half.path), "hash": "sha256:other"}
    with pytest.raises(InputError, match="is now another run"):
        sort_arguments([save(state)])


def test_wrong_arguments_are_refused(save: Callable[[object], Path], run: Run, tmp_path: Path) -> None:
    bookmark = save(bookmark_of())
    with pytest.raises(InputError, match="is a bookmark; also name the run: `whyset view RUN "):
        sort_arguments([bookmark])
    with pytest.raises(InputError, match="at most one state file"):
        sort_arguments([run.path, bookmark, bookmark])
    with pytest.raises(InputError, match="cannot be read"):
        read_document(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("[1,")
    with pytest.raises(InputError, match="is not JSON"):
        sort_arguments([tmp_path / "text.json"])
