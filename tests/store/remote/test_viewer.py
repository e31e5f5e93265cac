"""The viewer over a run in an object store: what changes there is seen, without a folder that could tell when."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from whyset.store import CategoryResult
from whyset.store.files import remove
from whyset.store.remote import as_path
from whyset.store.shards import discard_shard, write_shard
from whyset.testing.store import example_rows, example_run, write_pending
from whyset.viewer import create_app
from whyset.viewer.changes import get_stamp


def client_of(path):
    client = TestClient(create_app([path], token="t"), base_url="http://127.0.0.1:8765")
    client.get("/?token=t", follow_redirects=False)
    return client


def written(run, confidence):
    """The run with this confidence everywhere; its provenance is that of any other such run."""
    for shard in run.pending_shards():
        rows = example_rows(run, shard)
        write_shard(run, shard, rows | {"confidence": np.full_like(rows["confidence"], confidence)})
    return run


def told(client):
    """The run's id, the name of its state, and the confidence of its samples."""
    (row,) = client.get("/api/runs").json()
    detail = client.get(f"/api/runs/{row['id']}").json()
    column = client.get(f"/api/runs/{row['id']}/columns/confidence?v={detail['version']}")
    assert "immutable" in column.headers["cache-control"]
    assert client.get(f"/api/runs/{row['id']}/progress").json()["version"] == detail["version"]
    return row["id"], detail["version"], set(np.frombuffer(column.content, np.float32).tolist())


def test_a_run_that_was_made_anew_in_the_same_place_is_another_one(place):
    """With the same configuration and as many commits as before, so that nothing but the store can tell."""
    path = as_path(place)
    before = written(example_run(path), 0.25)
    client = client_of(path)
    id, version, values = told(client)
    assert (told(client)[1], values) == (version, {0.25})
    remove(path)
    assert client.get(f"/api/runs/{id}").status_code == 409
    assert written(example_run(path), 0.75).config_hash == before.config_hash
    stale = client.get(f"/api/runs/{id}/columns/confidence?v={version}")
    assert "immutable" not in stale.headers["cache-control"]
    _, anew, values = told(client)
    assert (anew != version, values) == (True, {0.75})


def test_a_shard_that_was_explained_again_is_read_again(place):
    path = as_path(place)
    run = written(example_run(path), 0.25)
    client = client_of(path)
    _, version, _ = told(client)
    discard_shard(run, 1)
    written(run, 0.75)
    _, anew, values = told(client)
    assert (anew != version, values) == (True, {0.25, 0.75})


def test_a_category_that_was_done_again_is_noticed(place):
    path = as_path(place)
    run = write_pending(example_run(path))
    client = client_of(path)
    (id,) = (row["id"] for row in client.get("/api/runs").json())
    versions = set()
    for rows in ([3, 4], [4, 5]):
        run.analysis_writer("spray", {}).write(CategoryResult("0", "cat", {"index": np.array(rows)}))
        (match,) = client.get(f"/api/runs/{id}/find?text=3.png&analysis=spray&limit=1").json()["matches"]
        assert match["categories"] == (["0"] if 3 in rows else [])
        (progress,) = client.get(f"/api/runs/{id}/progress").json()["analyses"]
        (row,) = client.get(f"/api/runs/{id}").json()["analyses"]
        assert (progress["name"], progress["categories"]) == ("spray", 1)
        assert progress["version"] == row["version"]
        versions.add(row["version"])
    assert len(versions) == 2


@pytest.mark.parametrize("commits", [0, 3])
def test_to_see_whether_a_run_has_changed_takes_one_listing(counting, commits):
    """As many more requests as there are commits would be asked with every request of a page."""
    run = example_run(counting / "run")
    if commits:
        write_pending(run)
    counting.store.taken()
    stamp = get_stamp(run.path)
    assert counting.store.taken() == (1 if commits else 2)
    assert get_stamp(run.path) == stamp
