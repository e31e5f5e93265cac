"""Selections over HTTP: the viewer's only writing, with limits, revisions, and results left as they are."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from whyset.store import Run

DRAFT = {"name": "corner <b>mark</b>", "rows": [4, 2, 4], "tags": ["clever hans"], "note": "all of one photographer"}


@pytest.fixture
def path(sample: SimpleNamespace, tmp_path: Path) -> Path:
    return sample.make_sample_run(tmp_path / "sample").path


@pytest.fixture
def client(admitted: Callable[..., TestClient], path: Path) -> TestClient:
    return admitted(path)


def test_a_selection_is_kept_beside_the_run_and_nothing_else_is_touched(client: TestClient, path: Path) -> None:
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    answer = client.post("/api/runs/sample/selections", json=DRAFT)
    assert answer.status_code == 201
    kept = answer.json()
    assert (kept["rows"], kept["revision"], kept["name"]) == ([2, 4], 1, DRAFT["name"])
    assert client.get("/api/runs/sample/selections").json() == {
        "selections": [kept],
        "problems": [],
        "writable": True,
        "folder": None,
    }
    after = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert {file for file in after if after[file] != before.get(file)} == {path / "selections" / f"{kept['id']}.json"}


def test_a_lost_race_is_told_and_changes_nothing(client: TestClient) -> None:
    kept = client.post("/api/runs/sample/selections", json=DRAFT).json()
    address = f"/api/runs/sample/selections/{kept['id']}"
    mine = client.put(f"{address}?revision=1", json=DRAFT | {"name": "mine"})
    yours = client.put(f"{address}?revision=1", json=DRAFT | {"name": "yours"})
    assert (mine.status_code, mine.json()["revision"]) == (200, 2)
    assert yours.status_code == 412
    assert "'mine' was changed by another user" in yours.json()["error"]["message"]
    assert client.delete(f"{address}?revision=1").status_code == 412
    assert client.get("/api/runs/sample/selections").json()["selections"] == [mine.json()]
    assert client.delete(f"{address}?revision=2").status_code == 204
    assert client.put(f"{address}?revision=2", json=DRAFT).status_code == 412
    assert client.get("/api/runs/sample/selections").json()["selections"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": " "},
        {"name": "x" * 201},
        {"rows": [60]},
        {"rows": [-1]},
        {"rows": ["../x"]},
        {"rows": None},
        {"tags": ["x"] * 65},
        {"note": "x" * 20_001},
    ],
)
def test_what_is_beyond_the_limits_is_refused(client: TestClient, path: Path, changed: dict) -> None:
    assert client.post("/api/runs/sample/selections", json=DRAFT | changed).status_code == 422
    assert not (path / "selections").exists()


def test_half_a_character_pair_is_refused(client: TestClient) -> None:
    content = json.dumps(DRAFT | {"note": "\ud800"})  # escaped, as a browser would send it
    answer = client.post("/api/runs/sample/selections", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("id", ["..%2Frun", "%2e%2e", ".x", "a" * 128])
def test_ids_are_never_paths(client: TestClient, id: str) -> None:
    for answer in (
        client.put(f"/api/runs/sample/selections/{id}?revision=1", json=DRAFT),
        client.delete(f"/api/runs/sample/selections/{id}?revision=1"),
    ):
        assert 400 <= answer.status_code < 500


def test_another_site_can_write_nothing(client: TestClient, path: Path) -> None:
    answer = client.post("/api/runs/sample/selections", json=DRAFT, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert not (path / "selections").exists()


def test_a_damaged_file_is_told(client: TestClient, path: Path) -> None:
    (path / "selections").mkdir()
    (path / "selections" / "x.json").write_text("{")
    (problem,) = client.get("/api/runs/sample/selections").json()["problems"]
    assert "x.json is damaged" in problem


def test_a_file_edited_by_hand_hides_no_other(client: TestClient, path: Path) -> None:
    kept = [client.post("/api/runs/sample/selections", json={"name": name, "rows": [1]}).json() for name in "ab"]
    file = path / "selections" / f"{kept[0]['id']}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"revision": "first", "created": 7}))
    found = client.get("/api/runs/sample/selections").json()
    assert [selection["id"] for selection in found["selections"]] == [kept[1]["id"]]
    assert f"{file.name} is damaged" in found["problems"][0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_run_says_what_to_do(client: TestClient, path: Path) -> None:
    path.chmod(0o500)
    assert client.get("/api/runs/sample/selections").json()["writable"] is False
    answer = client.post("/api/runs/sample/selections", json=DRAFT)
    assert answer.status_code == 409
    assert "--selections FOLDER" in answer.json()["error"]["hint"]


def test_selections_may_lie_elsewhere(admitted: Callable[..., TestClient], run: Run, tmp_path: Path) -> None:
    client = admitted(run.path, selections=tmp_path / "notes")
    kept = client.post(f"/api/runs/{run.path.name}/selections", json=DRAFT).json()
    assert [file.name for file in (tmp_path / "notes" / run.path.name).iterdir()] == [f"{kept['id']}.json"]
    assert not (run.path / "selections").exists()
