"""Runs that grow, are damaged or vanish while they are open, and several viewers on one of them."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.analysis import Spray
from whyset.store import ArraySpec, CategoryResult, Run, RunConfig, open_run
from whyset.store.analyses import ListedClass
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import from_info
from whyset.store.rank_lease import run_lease
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

Admitted = Callable[..., TestClient]


def progress(client: TestClient, id: str = "run") -> dict:
    answer = client.get(f"/api/runs/{id}/progress")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """A copy of the complete run that may be changed."""
    return open_run(shutil.copytree(run.path, tmp_path / "run"))


def test_progress_tells_what_the_description_will_say(
    admitted: Admitted, sample: SimpleNamespace, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    run = sample.make_sample_run(path, shards=(), analyses=())
    client, versions, tags, states = admitted(path), set(), set(), set()
    for shard, committed in enumerate((16, 32, 48, 60)):
        sample.make_sample_run(path, shards=(shard,), analyses=())
        now, detail = progress(client), client.get("/api/runs/run").json()
        assert (now["committed"], now["n_explanations"]) == (committed, 60)
        assert now["version"] == detail["version"]
        assert detail["problem"] == (
            f"{60 - committed} of 60 samples have not been explained yet" if shard < 3 else None
        )
        versions.add(now["version"])
        tags.add(client.get("/api/runs/run/columns/status").headers["etag"])
    assert len(versions) == len(tags) == 4
    assert now["analyses"] == []
    writer = run.analysis_writer("spray", {})
    for label, done in ((0, 1), (1, 2), (1, 2)):  # the last one again
        columns = {"index": np.arange(label, 60, 3)}
        writer.write(CategoryResult(f"{label:05d}", sample.CLASSES[label], columns, from_info({"size": 20})))
        (spray,) = progress(client)["analyses"]
        assert (spray["name"], spray["categories"]) == ("spray", done)
        described = spray | {"title": "spray", "view": "spray", "expected": None, "problem": None}
        assert client.get("/api/runs/run").json()["analyses"] == [described]
        states.add(spray["version"])
    assert len(states) == 3
    assert progress(client)["version"] == now["version"]


GROUPED = [("auto", 3), ("label", 3), ("prediction", 2), ("target", 4), ("dance", None), (["label"], None)]


def test_an_analysis_tells_how_many_classes_it_will_have(admitted: Admitted, tmp_path: Path) -> None:
    """Of explained samples only: the one that is alone in its class by any grouping failed."""
    config = RunConfig(
        model="m", weights_hash="w", composite=None, target="label", preprocessing={}, dataset_fingerprint="d",
        class_names=tuple("abcdefghij"), shard_rows=16,
    )  # fmt: skip
    rows, alone = np.arange(16), np.arange(16) == 7
    labels = np.where(alone, 9, rows % 3).tolist()
    run = create_run(tmp_path / "run", config, samples_table(list(map(str, rows)), labels), standard_arrays((1, 3, 5)))
    columns = {"prediction": np.where(alone, 9, rows % 2), "target": np.where(alone, 9, rows % 4)}
    maps = {"attribution/input": np.ones((16, 1, 3, 5), np.float32), "confidence": np.ones(16, np.float32)}
    write_shard(run, 0, maps | columns, {7: "unreadable"})
    for number, (by, _) in enumerate(GROUPED):
        pipeline = Spray().to_dict()
        pipeline["fields"]["group_by"] = by
        writer = run.analysis_writer(f"{number}", {"pipeline": pipeline})
        writer.write(CategoryResult("00000", "cat", {"index": np.arange(4)}))
    run.analysis_writer("other", {"pipeline": ["Spray"]})
    *grouped, other = admitted(run.path).get("/api/runs/run").json()["analyses"]
    assert [analysis["categories"] for analysis in grouped] == [1] * len(GROUPED)
    assert [analysis["expected"] for analysis in grouped] == [expected for _, expected in GROUPED]
    assert other["expected"] is None


def test_a_process_that_explains_is_followed(admitted: Admitted, sample: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "run"
    sample.make_sample_run(path, shards=(0,), analyses=())
    client = admitted(path)
    assert progress(client)["growing"] is False
    before = progress(client)["version"]
    (path / "commits" / "000001.claim").touch()
    assert progress(client)["version"] == before  # a claim alone is nothing that could be shown
    (path / "commits" / "000001.claim").unlink()
    with run_lease(path):
        assert progress(client)["growing"] is True
        assert client.get("/api/runs/run").json()["growing"] is True
    assert progress(client)["growing"] is False
    support = Path(__file__).parents[1] / "support" / "sample_run.py"
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['make_sample_run'](__import__('pathlib').Path(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", code, support, path], check=True)
    assert progress(client)["committed"] == 60
    assert client.get("/api/runs/run").json()["analyses"][0]["categories"] == 3
    assert client.get("/api/runs/run/maps?indices=59").status_code == 200


def test_a_run_that_was_made_anew_in_the_same_place_is_another_one(
    admitted: Admitted, copy: Run, sample: SimpleNamespace
) -> None:
    client = admitted(copy.path)
    before = client.get("/api/runs/run").json()["version"]
    shutil.rmtree(copy.path)
    for answer in (client.get("/api/runs/run"), client.get("/api/runs/run/progress")):
        assert answer.status_code == 409
        assert "is not a run" in answer.json()["error"]["message"]
    sample.make_sample_run(copy.path)
    assert client.get("/api/runs/run").json()["version"] != before
    assert "immutable" not in client.get(f"/api/runs/run/columns/label?v={before}").headers["cache-control"]


@pytest.mark.parametrize("array", ["status", "prediction", "confidence"])
def test_one_lost_shard_hides_no_other(admitted: Admitted, copy: Run, array: str) -> None:
    (copy.path / "data.zarr" / array / "c" / "1").unlink()
    client = admitted(copy.path)
    detail = client.get("/api/runs/run").json()
    assert "1 of 4 shards cannot be read; the first is shard 1: " in detail["problem"]
    assert array in detail["problem"]
    assert detail["committed"] == 60
    column = client.get(f"/api/runs/run/columns/{array}?v={detail['version']}")
    assert "immutable" not in column.headers["cache-control"]
    samples = client.get("/api/runs/run/samples?indices=15,16,32")
    assert [each["id"] for each in samples.json()] == [copy.ids[row] for row in (15, 16, 32)]
    assert client.get("/api/runs/run/maps?indices=15,32").status_code == 200
    if array == "status":
        refused = client.get("/api/runs/run/maps?indices=16")
        assert refused.status_code == 409
        assert "is missing" in refused.json()["error"]["message"]


def test_one_lost_shard_of_a_further_column_hides_no_other(admitted: Admitted, tmp_path: Path) -> None:
    config = RunConfig(
        model="m", weights_hash="w", composite=None, target="label", preprocessing={}, dataset_fingerprint="d",
        class_names=("cat",), shard_rows=16,
    )  # fmt: skip
    arrays = [*standard_arrays((1, 3, 5)), ArraySpec("sample_index", (), "int64", -1)]
    run = create_run(tmp_path / "run", config, samples_table(list(map(str, range(32)))), arrays)
    names = ("target", "prediction", "sample_index", "confidence")
    for shard in range(2):
        maps = {"attribution/input": np.ones((16, 1, 3, 5), np.float32)}
        write_shard(run, shard, maps | {name: np.zeros(16, np.int64) for name in names})
    (run.path / "data.zarr" / "sample_index" / "c" / "1").unlink()
    client = admitted(run.path)
    detail = client.get("/api/runs/run").json()
    assert "sample_index" in detail["problem"]
    values = np.frombuffer(client.get("/api/runs/run/columns/sample_index").content, np.int8)
    assert values.tolist() == [0] * 16 + [-1] * 16


def test_maps_lost_while_the_run_is_open_are_told(admitted: Admitted, copy: Run) -> None:
    client = admitted(copy.path)
    assert client.get("/api/runs/run/maps?indices=16").status_code == 200
    shutil.rmtree(copy.path / "data.zarr" / "attribution" / "input" / "c" / "1")
    assert client.get("/api/runs/run/maps?indices=16").status_code == 409
    assert client.get("/api/runs/run/maps?indices=15").status_code == 200


def test_a_shard_that_is_mended_is_read_again(admitted: Admitted, copy: Run) -> None:
    file = copy.path / "commits" / "000001.json"
    record = file.read_bytes()
    file.write_text("[]")
    client = admitted(copy.path)
    assert "000001.json" in client.get("/api/runs/run").json()["problem"]
    file.unlink()
    file.write_bytes(record)
    assert client.get("/api/runs/run").json()["problem"] is None


def test_of_many_who_change_a_selection_at_once_one_wins_each_round(admitted: Admitted, copy: Run) -> None:
    """Two viewers on one run, each asked by several people at the same time."""
    clients = [admitted(copy.path) for _ in range(2)]
    address = "/api/runs/run/selections"
    kept = clients[0].post(address, json={"name": "mark", "rows": [1]}).json()
    assert clients[1].get(address).json()["selections"] == [kept]

    def change(person: int) -> int:
        draft = {"name": f"by {person}", "rows": [person]}
        return clients[person % 2].put(f"{address}/{kept['id']}?revision={kept['revision']}", json=draft).status_code

    for revision in (2, 3):
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(change, range(6)))
        assert sorted(statuses) == [200, *[412] * 5]
        (kept,) = clients[revision % 2].get(address).json()["selections"]
        assert kept["revision"] == revision
        assert kept["name"] == f"by {statuses.index(200)}"


SERVE = """
import sys
from whyset.viewer import Server
server = Server([sys.argv[1]])
print(server.url, flush=True)
server.run()
"""


def test_a_killed_server_loses_no_selection(copy: Run) -> None:
    confirmed: dict[str, str] = {}
    for round in range(2):
        process = subprocess.Popen([sys.executable, "-c", SERVE, copy.path], stdout=subprocess.PIPE, text=True)
        url = process.stdout.readline().strip()
        try:
            with httpx.Client(base_url=url.partition("/?")[0]) as client:
                client.get(url)
                known = client.get("/api/runs/run/selections").json()
                assert known["problems"] == []
                assert confirmed.items() <= {each["id"]: each["name"] for each in known["selections"]}.items()
                for number in range(4):
                    draft = {"name": f"{round}.{number}", "rows": [number], "note": "x" * 10_000}
                    kept = client.post("/api/runs/run/selections", json=draft).json()
                    confirmed[kept["id"]] = kept["name"]
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    assert len(confirmed) == 8
    assert [problem for problem in copy.verify() if not problem.harmless] == []


def test_a_folder_that_an_analysis_does_not_list_is_no_class_anywhere(admitted: Admitted, copy: Run) -> None:
    folder = copy.path / "analyses/listed"
    run_analysis = copy.analysis("spray")
    writer = copy.analysis_writer("listed", {}, [ListedClass("00000", "cat")])
    writer.write(CategoryResult("00000", "cat", {"index": np.arange(4)}))
    shutil.copytree(run_analysis.categories[0].path, folder / "00009")
    (folder / "00008").mkdir()
    (folder / "notes.txt").touch()
    client = admitted(copy.path)
    home = "/api/runs/run/analyses/listed"
    (row,) = (one for one in client.get("/api/runs/run").json()["analyses"] if one["name"] == "listed")
    (now,) = (one for one in progress(client)["analyses"] if one["name"] == "listed")
    detail = client.get(home).json()
    assert (row["categories"], row["expected"], now["categories"]) == (1, 1, 1)
    assert ([one["id"] for one in detail["categories"]], detail["n_finished"]) == (["00000"], 1)
    assert [client.get(f"{home}/{id}").status_code for id in ("00000", "00008", "00009")] == [200, 404, 404]
    matches = client.get("/api/runs/run/find?text=0&analysis=listed").json()["matches"]
    assert {id for match in matches for id in match["categories"]} == {"00000"}


def test_progress_of_an_analysis_with_a_damaged_head_counts_as_the_description_does(
    admitted: Admitted, copy: Run
) -> None:
    (copy.path / "analyses/spray/analysis.json").write_text("{")
    client = admitted(copy.path)
    row = next(one for one in client.get("/api/runs/run").json()["analyses"] if one["name"] == "spray")
    now = next(one for one in progress(client)["analyses"] if one["name"] == "spray")
    assert row["categories"] == now["categories"] == 0
    assert "whyset analyze" in row["problem"]
