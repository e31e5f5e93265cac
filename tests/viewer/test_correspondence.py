"""The same sample is found in another run by its id, wherever it stands there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.viewer.correspondence import rows_in

CONFIG = RunConfig(
    model="m.py:m",
    weights_hash="sha256:0",
    composite=None,
    target="label",
    preprocessing={},
    dataset_fingerprint="sha256:1",
    class_names=("a",),
    shard_rows=6,
)


def made(path: Path, ids: Sequence[str], targets: int = 1) -> Run:
    table = samples_table(ids, targets_per_sample=targets)
    return create_run(path, replace(CONFIG, targets_per_sample=targets), table, standard_arrays((1, 2, 3)))


@pytest.fixture
def reordered(sample: SimpleNamespace, tmp_path: Path) -> Run:
    """The samples of the run in another order."""
    return sample.make_sample_run(tmp_path / "other", order=np.random.default_rng(1).permutation(60).tolist())


def test_samples_of_runs_in_another_order_find_each_other(
    admitted: Callable[..., TestClient], run: Run, reordered: Run
) -> None:
    client = admitted(run.path, reordered.path)
    answer = client.get("/api/runs/sample/correspondence", params={"other": "other"})
    assert (answer.status_code, answer.headers["x-dtype"], answer.headers["x-shape"]) == (200, "int8", "60")
    rows = np.frombuffer(answer.content, "i1")
    assert [reordered.ids[row] for row in rows] == run.ids
    back = np.frombuffer(client.get("/api/runs/other/correspondence?other=sample").content, "i1")
    assert back[rows].tolist() == list(range(60))
    again = client.get("/api/runs/sample/correspondence?other=other", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_equal_ids_mean_equal_rows(client: TestClient) -> None:
    rows = np.frombuffer(client.get("/api/runs/sample/correspondence?other=half").content, "i1")
    assert rows.tolist() == list(range(60))


def test_samples_that_the_other_run_lacks_are_minus_one(tmp_path: Path) -> None:
    rows = rows_in(made(tmp_path / "a", ["x", "y", "z"]), made(tmp_path / "b", ["z", "w", "x", "v"]))
    assert (rows.dtype, rows.tolist()) == (np.int32, [2, -1, 0])


def test_targets_of_a_sample_keep_their_order_where_both_runs_have_as_many(tmp_path: Path) -> None:
    two = made(tmp_path / "two", ["x", "y", "z"], targets=2)
    other = made(tmp_path / "other", ["z", "x"], targets=2)
    one = made(tmp_path / "one", ["z", "y"])
    assert rows_in(two, other).tolist() == [2, 3, -1, -1, 0, 1]
    assert rows_in(two, one).tolist() == [-1, -1, 1, 1, 0, 0]
    assert rows_in(one, two).tolist() == [4, 2]


@pytest.mark.parametrize("query", ["", "?other=", "?other=unknown", "?other=..%2Fsample", f"?other={'x' * 200}"])
def test_other_run_is_looked_up_and_never_a_path(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/runs/sample/correspondence{query}")
    assert answer.status_code == (404 if "unknown" in query or "sample" in query else 422)
    assert answer.json()["error"]["message"]
