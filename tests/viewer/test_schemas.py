"""The viewer answers what is suspicious about a run, how much relevance arrives, and the columns to color by."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlus
from whyset.report.relevance import summarize_relevance
from whyset.store import Check, Run
from whyset.store.checks import LEAST_SHARE, MOST_TIMES, write_checks
from whyset.store.layout import commit_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(75, 2)).eval()
    net[1].bias.data[:] = 1e6
    images = np.random.default_rng(0).random((40, 3, 5, 5)).astype(np.float32)
    run = ws.explain(
        net, (images, np.arange(40) % 2), tmp_path_factory.mktemp("runs") / "made", composite=EpsilonPlus()
    )
    ws.analyze(run, ws.Spray())
    return run


def test_a_run_names_its_checks_and_how_much_relevance_arrives(made: Run, admitted: Callable[..., TestClient]) -> None:
    client = admitted(made.path)
    run = client.get("/api/runs/made").json()
    assert [(check["name"], check["count"]) for check in run["checks"]][:1] == [("relevance_lost", 40)]
    assert len(run["checks"]) == len(made.checks)
    summary = summarize_relevance(made)
    assert run["relevance"]["arrived"]["median"] == summary.arrived.median
    assert (run["relevance"]["lost"], run["relevance"]["too_large"]) == (40, 0)
    assert (run["relevance"]["least_share"], run["relevance"]["most_times"]) == (LEAST_SHARE, MOST_TIMES)
    assert run["relevance"]["losses"]["shares"]["bias"] == pytest.approx(1, abs=1e-3)
    assert {"relevance_arrived", "relevance_max"} <= {column["name"] for column in run["columns"]}
    sent = client.get("/api/runs/made/columns/relevance_arrived").content
    assert np.array_equal(np.frombuffer(sent, "<f4"), made.column("relevance_arrived"))


def test_checks_stored_later_are_answered(made: Run, admitted: Callable[..., TestClient]) -> None:
    client = admitted(made.path)
    before = client.get("/api/runs/made").json()["checks"]
    stored = made.path / "checks.json"
    kept = stored.read_bytes() if stored.exists() else None
    write_checks(made.path, [Check("labels", "warning", 1, 40, "one")])
    assert [check["name"] for check in client.get("/api/runs/made").json()["checks"]][-1] == "labels"
    stored.write_text("{}")
    assert client.get("/api/runs/made").json()["checks"][-1]["name"] == "checks_unreadable"
    stored.unlink() if kept is None else stored.write_bytes(kept)
    assert client.get("/api/runs/made").json()["checks"] == before


def test_a_run_of_an_older_version_has_none(run: Run, client: TestClient) -> None:
    answer = client.get(f"/api/runs/{run.path.name}").json()
    assert (answer["checks"], answer["relevance"]) == ([], None)


def test_a_damaged_commit_leaves_the_rest_readable(
    made: Run, admitted: Callable[..., TestClient], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(made.path, tmp_path / "copy"))
    commit_path(copy, 0).write_text("{")
    assert admitted(copy).get("/api/runs").status_code == 200


def test_exports_carry_the_columns(made: Run, admitted: Callable[..., TestClient]) -> None:
    order = {"rows": [0, 2, 4], "form": "csv"}
    client = admitted(made.path)
    answer = client.post("/api/runs/made/analyses/spray/00000/export", json=order)
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    arrived = [float(row["relevance_arrived"]) for row in rows]
    assert np.allclose(arrived, made.column("relevance_arrived")[[0, 2, 4]])
    assert all(float(row["relevance_max"]) > 0 for row in rows)
