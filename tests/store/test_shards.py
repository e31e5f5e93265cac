import errno
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from whyset.errors import InputError, UncommittedRowsError, WhysetError
from whyset.store import open_run
from whyset.store.jsonfile import json_checksum
from whyset.store.lease import LeaseLostError
from whyset.store.shards import discard_shard, write_shard
from whyset.testing.store import example_rows, write_pending

MAPS = "data.zarr/attribution/input/c"


def test_a_shard_is_committed_when_it_is_whole(run):
    assert run.pending_shards() == [0, 1, 2]
    write_shard(run, 2, example_rows(run, 2))
    assert run.pending_shards() == [0, 1]
    assert run.shards == ["pending", "pending", "committed"]
    assert np.flatnonzero(run.committed).tolist() == list(range(32, 37))


def test_the_commit_says_what_was_written_and_where(run):
    commit = write_shard(run, 0, example_rows(run, 0), {3: "broken JPEG"}, {"device": "cpu"})
    stored = json.loads((run.path / "commits/000000.json").read_text())
    assert stored == commit.to_json() | {"checksum": json_checksum(stored)}
    assert (stored["range"], stored["attempt"], stored["provenance"]) == ([0, 16], 1, {"device": "cpu"})
    assert stored["failed"] == [{"index": 3, "id": "dog/3.png", "error": "broken JPEG"}]
    assert stored["crc32"].keys() == {spec.name for spec in run.arrays}


def test_failed_samples_hold_fill_values_and_a_status(run):
    rows = example_rows(run, 0)
    rows["attribution/input"][3] = np.nan
    write_shard(run, 0, rows, {3: "not finite"})
    assert run.column("status")[:5].tolist() == [1, 1, 1, 2, 1]
    assert not run.relevance[3].any()
    assert run.column("prediction")[3] == -1
    assert np.isnan(run.column("confidence")[3])
    assert [tuple(failure) for failure in run.failures] == [(3, "dog/3.png", "not finite")]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("attribution/input", np.zeros((16, 2, 3, 5)), r"shape \(16, 2, 3, 5\): expected \(16, 2, 5, 3\)"),
        ("attribution/input", np.full((16, 2, 5, 3), np.inf), "not finite in 16 of 16 rows"),
        ("input", np.zeros((16, 2, 5, 3)), "has the dtype float64: expected uint8"),
        ("target", np.zeros(15, int), r"expected \(16,\)"),
        ("surplus", np.zeros(16), "expected the arrays"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_written(run, name, value, message):
    with pytest.raises(InputError, match=message):
        write_shard(run, 0, example_rows(run, 0) | {name: value})
    assert not (run.path / MAPS / "0").exists()
    assert not list((run.path / "commits").iterdir())


def test_failures_of_another_shard_are_refused(run):
    with pytest.raises(InputError, match="of shard 0, got"):
        write_shard(run, 0, example_rows(run, 0), {16: "?"})


def test_there_is_no_shard_beyond_the_last(run):
    with pytest.raises(InputError, match="shards 0 to 2"):
        write_shard(run, 3, {})


def test_a_late_twin_finds_the_commit_and_changes_nothing(run):
    first = write_shard(run, 1, example_rows(run, 1))
    before = {path: path.read_bytes() for path in (run.path / "data.zarr").rglob("*") if path.is_file()}
    second = write_shard(open_run(run.path), 1, example_rows(run, 0))
    assert second == first
    assert before == {path: path.read_bytes() for path in before}


def test_of_two_writers_at_once_one_writes_and_the_other_finds_its_commit(run):
    commits, begin = [], threading.Barrier(2)

    def write(source: int) -> None:
        begin.wait()
        commits.append(write_shard(open_run(run.path), 0, example_rows(run, source)))

    writers = [threading.Thread(target=write, args=(source,)) for source in (0, 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert commits[0] == commits[1]
    assert open_run(run.path).verify() == []


def test_what_a_truncated_attempt_left_does_not_matter(run):
    remains = run.path / MAPS / "0/0/0/0"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(b"torn")
    (run.path / "data.zarr/target/c").mkdir()
    (run.path / "data.zarr/target/c/0.abc.partial").write_bytes(b"torn")
    write_shard(run, 0, example_rows(run, 0))
    assert run.verify() == []
    assert not list(run.path.rglob("*.partial"))


def test_rows_of_zeros_are_written_too(run):
    rows = {name: np.zeros_like(values) for name, values in example_rows(run, 0).items()}
    write_shard(run, 0, rows)
    assert not run.relevance[:16].any()
    assert run.verify() == []


def test_a_full_disk_leaves_an_undamaged_run_and_says_what_to_do(run, monkeypatch):
    write_shard(run, 0, example_rows(run, 0))
    with monkeypatch.context() as broken:
        broken.setattr("whyset.store.shards.sync_file", full_disk)
        with pytest.raises(WhysetError, match=r"disk is full.*run the same command again"):
            write_shard(run, 1, example_rows(run, 1))
    assert not (run.path / MAPS / "1").exists()
    assert run.verify() == []
    assert write_pending(run).committed.all()
    assert run.verify() == []


def test_a_writer_that_lost_its_claim_leaves_its_successors_shard_as_it_is(run, monkeypatch):
    """It wakes up in the middle of its shard, after another one has taken over, written and committed."""
    from whyset.store import shards
    from whyset.store.layout import claim_path

    original, written = shards.new_file, []

    def overtaken(file):
        monkeypatch.setattr(shards, "new_file", original)
        claim_path(run.path, 0).unlink()
        write_shard(open_run(run.path), 0, example_rows(run, 0))
        written.append({path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()})
        return original(file)

    monkeypatch.setattr(shards, "new_file", overtaken)
    with pytest.raises(LeaseLostError, match=r"shard 0 of .* was taken over"):
        write_shard(run, 0, example_rows(run, 1))
    assert written[0] == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert run.verify() == []


def test_a_discarded_shard_is_pending_again(full_run):
    discard_shard(full_run, 1)
    assert full_run.pending_shards() == [1]
    assert full_run.verify() == []
    with pytest.raises(UncommittedRowsError):
        full_run.relevance[20]
    assert write_pending(full_run).verify() == []


def full_disk(_: Path) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
