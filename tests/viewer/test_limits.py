"""Bodies and lists are bounded, and the answer names the limit; what was there stays as it was."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import Run
from whyset.store.selections import MOST_SELECTIONS
from whyset.viewer import Server
from whyset.viewer.limits import MOST_BODY
from whyset.viewer.schemas import MOST_ROWS

SELECTIONS, EXPORT = "/api/runs/sample/selections", "/api/runs/sample/analyses/spray/00002/export"
DRAFT = {"name": "all", "rows": [1]}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(admitted: Callable[..., TestClient], run: Run, tmp_path: Path) -> TestClient:
    return admitted(run.path, selections=tmp_path / "notes")


@pytest.mark.parametrize("address", [SELECTIONS, EXPORT])
def test_more_samples_than_are_allowed_are_refused(client: TestClient, tmp_path: Path, address: str) -> None:
    content = f'{{"name": "all", "rows": [{"1," * MOST_ROWS}1]}}'
    answer = client.post(address, content=content, headers=JSON)
    assert answer.status_code == 422
    assert str(MOST_ROWS) in answer.json()["error"]["message"]
    assert not (tmp_path / "notes").exists()


@pytest.mark.parametrize(("method", "path"), [("POST", SELECTIONS), ("GET", "/api/runs"), ("DELETE", "/api/nothing")])
def test_a_body_announced_as_too_long_is_not_read(client: TestClient, method: str, path: str) -> None:
    for length in (str(MOST_BODY + 1), "9" * 500):
        answer = client.request(method, path, content=b"{}", headers=JSON | {"Content-Length": length})
        assert answer.status_code == 413
        assert str(MOST_BODY) in answer.json()["error"]["message"]


def test_a_body_that_does_not_end_is_cut_off(run: Run, tmp_path: Path) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while sent < 8 * MOST_BODY:
            sent += 2**20
            yield b" " * 2**20

    with Server([run.path], selections=tmp_path) as server, httpx.Client() as client:
        client.get(server.url)
        address = f"{server.origin}{SELECTIONS}"
        with suppress(httpx.TransportError):  # where the server hangs up while more is on its way
            assert client.post(address, content=chunks(), headers=JSON).status_code == 413
        assert sent < 4 * MOST_BODY
        assert client.post(address, json=DRAFT).status_code == 201


def test_strangers_bodies_are_not_even_gathered(run: Run) -> None:
    with Server([run.path]) as server:
        answer = httpx.post(f"{server.origin}{SELECTIONS}", content=b" " * 1000, headers=JSON)
        assert answer.status_code == 403


def test_there_are_only_so_many_selections(client: TestClient, tmp_path: Path) -> None:
    assert client.post(SELECTIONS, json=DRAFT).status_code == 201
    folder = tmp_path / "notes" / "sample"
    for number in range(MOST_SELECTIONS - 1):
        (folder / f"{number}.json").touch()
    answer = client.post(SELECTIONS, json=DRAFT)
    assert answer.status_code == 422
    assert str(MOST_SELECTIONS) in answer.json()["error"]["message"]


def test_a_selection_of_everything_a_large_run_has_fits_into_a_body() -> None:
    rows = np.arange(MOST_ROWS)
    assert len(",".join(map(str, rows[-1000:].tolist()))) / 1000 * MOST_ROWS < MOST_BODY
