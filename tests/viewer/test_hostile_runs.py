"""A hostile run is listed with its problem, and the healthy run beside it is shown as ever."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from whyset.store import Run
from whyset.store.jsonfile import json_checksum as json_checksum


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file and its checksum, where it has one."""
    stored = json.loads(file.read_text())
    change(stored)
    if "checksum" in stored:
        stored["checksum"] = json_checksum(stored)
    file.write_text(json.dumps(stored))


def set_count(count: object) -> Callable[[Path], None]:
    return lambda run: edit(run / "run.json", lambda stored: stored["samples"].update(count=count))


def set_config(**fields: object) -> Callable[[Path], None]:
    return lambda run: edit(run / "run.json", lambda stored: stored["config"].update(fields))


def nest(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def replace_by(make: Callable[[Path], object], name: str) -> Callable[[Path], None]:
    def replace(run: Path) -> None:
        (run / name).unlink()
        make(run / name)

    return replace


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


UNREADABLE = {
    "a count of -5": set_count(-5),
    "a count of 1e11": set_count(10**11),
    "a count of text": set_count("60"),
    "shards of 1e11 rows": set_config(shard_rows=10**11),
    "classes that are numbers": set_config(class_names=[1, 2, 3]),
    "a deep run.json": nest("run.json"),
    "a deep commit in every shard": lambda run: [nest(f"commits/{shard:06d}.json")(run) for shard in range(4)],
    "a shape beyond any memory": lambda run: edit(
        run / "run.json", lambda stored: stored["arrays"][0].update(shape=[2**20, 2**20])
    ),
    "run.json in a folder": replace_by(Path.mkdir, "run.json"),
    "run.json as a pipe": replace_by(os.mkfifo, "run.json"),
    "run.json without an end": replace_by(endless, "run.json"),
}
READABLE_IN_PART = {
    "a commit as a pipe": replace_by(os.mkfifo, "commits/000001.json"),
    "a commit as a folder": replace_by(Path.mkdir, "commits/000001.json"),
    "samples as a pipe": replace_by(os.mkfifo, "samples.parquet"),
    "samples without an end": replace_by(endless, "samples.parquet"),
    "a deep analysis": nest("analyses/spray/analysis.json"),
    "a deep category": nest("analyses/spray/00001/category.json"),
    "an analysis as a pipe": replace_by(os.mkfifo, "analyses/spray/analysis.json"),
    "a column as a pipe": replace_by(os.mkfifo, "analyses/spray/00001/index.npy"),
    "a lease as a pipe": lambda run: os.mkfifo(run / "leases/rank-00001.json"),
    "a deep lease": lambda run: nest("leases/rank-00001.json")(run),
    "a category of another alphabet": lambda run: (run / "analyses/spray" / os.fsdecode(b"\xff\xfe")).mkdir(),
}


@pytest.fixture
def hostile(run: Run, tmp_path: Path) -> Path:
    """A copy of the sound run, to be spoilt."""
    shutil.copytree(run.path, tmp_path / "hostile")
    (tmp_path / "hostile/leases").mkdir(exist_ok=True)
    return tmp_path / "hostile"


def addresses(client: TestClient, run: str) -> list[str]:
    """What a page asks for."""
    home = f"/api/runs/{run}"
    parts = ["", "/progress", "/selections", "/columns/label", "/samples?indices=0,20", "/maps?indices=0,20"]
    more = ["/analyses/spray", "/analyses/spray/00001", "/analyses/spray/00001/columns/index", "/find?text=cat"]
    return [home + part for part in parts + more]


def require_healthy(client: TestClient, run: Run) -> None:
    listed = {row["id"]: row for row in client.get("/api/runs").json()}
    assert (listed["sample"]["n_explanations"], listed["sample"]["problem"]) == (len(run), None)
    assert {client.get(address).status_code for address in addresses(client, "sample")} == {200}


@pytest.mark.parametrize("spoil", UNREADABLE.values(), ids=UNREADABLE)
def test_a_run_that_cannot_be_read_is_listed_with_its_problem(
    admitted: Callable[..., TestClient], run: Run, hostile: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(hostile)
    client = admitted(hostile, run.path)
    (row,) = (row for row in client.get("/api/runs").json() if row["id"] == "hostile")
    assert row["n_explanations"] == 0
    assert row["problem"].startswith("this run cannot be read: ")
    assert "hostile" in row["problem"]
    answers = [client.get(address) for address in addresses(client, "hostile")]
    assert {answer.status_code for answer in answers} <= {200, 404, 409}  # progress counts commits without reading them
    assert client.get("/api/runs/hostile").status_code in (404, 409)
    require_healthy(client, run)


@pytest.mark.parametrize("spoil", READABLE_IN_PART.values(), ids=READABLE_IN_PART)
def test_a_run_with_one_hostile_file_fails_no_request(
    admitted: Callable[..., TestClient], run: Run, hostile: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(hostile)
    client = admitted(hostile, run.path)
    assert client.get("/api/runs").status_code == 200
    answers = [client.get(address) for address in addresses(client, "hostile")]
    assert {answer.status_code for answer in answers} <= {200, 404, 409}
    require_healthy(client, run)


def test_a_fault_that_no_boundary_foresees_is_the_problem_of_its_run(
    admitted: Callable[..., TestClient], run: Run, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = type(run).committed.fget  # type: ignore[attr-defined]

    def fail(self: Run) -> object:
        if self.path == hostile:
            raise MemoryError
        return read(self)

    monkeypatch.setattr(type(run), "committed", property(fail))
    client = admitted(hostile, run.path)
    (row,) = (row for row in client.get("/api/runs").json() if row["id"] == "hostile")
    assert row["problem"] == "this run cannot be read: MemoryError: "
    assert client.get("/api/runs/hostile").status_code == 409
    require_healthy(client, run)
