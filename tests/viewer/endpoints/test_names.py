"""Names of clusters over HTTP: kept beside selections, bounded, and never attached to other clusters."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import CategoryResult, Run, open_run

ADDRESS = "/api/runs/sample/analyses/spray/00002/names"
NAMES = {"kmeans": {"0": "mark <b>", "2": "nobody"}, "hdbscan": {"1": "körper"}}


@pytest.fixture
def run(run: Run, tmp_path: Path) -> Run:
    """A copy that may be changed."""
    return open_run(shutil.copytree(run.path, tmp_path / "sample"))


@pytest.fixture
def client(admitted: Callable[..., TestClient], run: Run) -> TestClient:
    return admitted(run.path)


def put(client: TestClient, names: object, revision: int = 0) -> object:
    return client.put(ADDRESS, json={"names": names, "revision": revision})


def test_names_are_kept_beside_the_selections_and_nothing_else_is_touched(client: TestClient, run: Run) -> None:
    none = {"names": {}, "outdated": {}, "revision": 0, "changed": None, "writable": True}
    assert client.get(ADDRESS).json() == none
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    kept = put(client, NAMES).json()
    assert (kept["names"], kept["revision"]) == (NAMES, 1)
    assert client.get(ADDRESS).json() == kept
    after = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    file = run.path / "selections" / "names" / "spray" / "00002.json"
    assert {each for each in after if after[each] != before.get(each)} == {file}
    told = {"selections": [], "problems": [], "writable": True, "folder": None}
    assert client.get("/api/runs/sample/selections").json() == told
    assert client.get(ADDRESS.replace("00002", "00001")).json() == none
    assert [problem for problem in run.verify() if not problem.harmless] == []


def test_a_lost_race_is_told_and_changes_nothing(client: TestClient) -> None:
    assert put(client, NAMES).status_code == 200
    late = put(client, {"kmeans": {"0": "mine"}})
    assert late.status_code == 412
    assert "changed by another user" in late.json()["error"]["message"]
    assert client.get(ADDRESS).json()["names"] == NAMES
    assert put(client, {}, 1).json()["names"] == {}
    assert put(client, {}, 1).status_code == 412


@pytest.mark.parametrize(
    "names",
    [
        {"other": {"0": "x"}},
        {"kmeans": {"3": "there are three"}},
        {"kmeans": {"-1": "noise"}},
        {"kmeans": {"00": "x"}},
        {"kmeans": {"٣": "x"}},
        {"kmeans": {"9" * 30: "x"}},
        {"kmeans": {"0": ""}},
        {"kmeans": {"0": "  "}},
        {"kmeans": {"0": "x" * 201}},
        {"kmeans": {"0": None}},
        {"kmeans": ["x"]},
        {"../x": {"0": "x"}},
        {f"c{number}": {"0": "x"} for number in range(65)},
        None,
    ],
)
def test_what_cannot_be_a_name_is_refused(client: TestClient, run: Run, names: object) -> None:
    assert put(client, names).status_code == 422
    assert not (run.path / "selections" / "names").exists() or not list((run.path / "selections").rglob("*.json"))


def test_names_of_other_clusters_are_outdated_until_new_ones_are_given(client: TestClient, run: Run) -> None:
    put(client, NAMES)
    stored = run.analysis("spray").category("horse")
    columns = {name: np.array(stored.column(name)) for name in stored.columns}
    same = CategoryResult(stored.id, stored.name, columns, stored.evidence)
    exchanged = replace(same, columns=columns | {"clustering.kmeans": 1 - columns["clustering.kmeans"]})
    writer = run.analysis_writer("spray", run.analysis("spray").config)
    writer.write(exchanged)
    told = client.get(ADDRESS).json()
    assert told["names"] == {"hdbscan": NAMES["hdbscan"]}
    assert told["outdated"] == {"kmeans": NAMES["kmeans"]}
    told = put(client, told["names"], 1).json()
    assert (told["names"], told["outdated"]) == ({"hdbscan": NAMES["hdbscan"]}, {"kmeans": NAMES["kmeans"]})
    writer.write(same)
    assert client.get(ADDRESS).json()["names"] == NAMES  # the clusters of before are there again
    writer.write(exchanged)
    told = put(client, {"kmeans": {"1": "mark"}}, 2).json()
    assert (told["names"], told["outdated"]) == ({"kmeans": {"1": "mark"}}, {})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": "whyset-cluster-names", "schema": "9.0"}',
     '{"format": "whyset-cluster-names", "schema": "1.0", "revision": 1, "changed": "", "clusterings": {"kmeans": 3}}',
     '{"format": "whyset-cluster-names", "schema": "1.0", "revision": "x", "changed": "", "clusterings": {}}',
     '{"format": "whyset-cluster-names", "schema": "1.0", "revision": 1, "changed": "", '
     '"clusterings": {"kmeans": {"crc32": "", "names": {"007": "x"}}}}'],
)  # fmt: skip
def test_a_damaged_file_is_told_and_stays(client: TestClient, run: Run, text: str) -> None:
    put(client, NAMES)
    file = run.path / "selections" / "names" / "spray" / "00002.json"
    file.write_text(text)
    for answer in (client.get(ADDRESS), put(client, NAMES, 1)):
        assert answer.status_code == 409
        assert str(file) in answer.json()["error"]["message"]
    assert file.read_text() == text


def test_names_may_lie_elsewhere(admitted: Callable[..., TestClient], run: Run, tmp_path: Path) -> None:
    client = admitted(run.path, selections=tmp_path / "notes")
    assert put(client, NAMES).status_code == 200
    assert (tmp_path / "notes" / "sample" / "names" / "spray" / "00002.json").is_file()
    assert not (run.path / "selections").exists()


def test_exports_carry_the_names(client: TestClient, run: Run) -> None:
    put(client, NAMES)
    category = run.analysis("spray").category("horse")
    rows = [0, *np.asarray(category.column("index"))[:4].tolist()]
    order = {"rows": rows, "form": "json"}
    lines = json.loads(client.post("/api/runs/sample/analyses/spray/00002/export", json=order).content)
    clusters = [line["cluster.kmeans"] for line in lines]
    assert [line["cluster_name.kmeans"] for line in lines] == [NAMES["kmeans"].get(str(each)) for each in clusters]
    assert {None, "mark <b>"} == {line["cluster_name.kmeans"] for line in lines}
