"""Runs in an object store: what is promised for folders holds there too."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from whyset.engines import Local
from whyset.errors import BrokenRunError, InputError, RunMismatchError, UncommittedRowsError
from whyset.store import CategoryResult, ClassEvidence, LeaseHeldError, RemoteError, RemotePath, open_run
from whyset.store.commits import read_commit
from whyset.store.create import require_free_space
from whyset.store.default_arrays import standard_arrays
from whyset.store.files import new_file, replace_file
from whyset.store.layout import shard_file
from whyset.store.rank_lease import run_lease
from whyset.store.shards import discard_shard, write_shard
from whyset.testing.engines import read_stored_bytes, require_serial, write_shards
from whyset.testing.store import example_rows, example_run, write_pending

WRITER = """
import sys
from whyset.store import open_run
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows
run = open_run(sys.argv[1])
sys.stdin.read()  # until all are ready
print(write_shard(run, 1, example_rows(run, 1), provenance={"writer": sys.argv[2]}).provenance["writer"])
"""

IMPATIENT_WRITER = """
import sys
from whyset.store import RemotePath, open_run
from whyset.testing.store import write_pending
write_pending(open_run(RemotePath.of(sys.argv[1], retry_config={"max_retries": 1})))
"""


def cut(file, size):
    whole = file.read_bytes()
    replace_file(file, whole[:size])


def test_a_run_is_the_local_run_byte_for_byte(place, tmp_path):
    local, remote = write_pending(example_run(tmp_path / "run")), write_pending(example_run(place))
    assert read_stored_bytes(remote) == read_stored_bytes(local)
    assert remote.samples == local.samples
    assert remote.config == local.config
    assert remote.failures == local.failures
    assert remote.verify() == []
    for key in (17, slice(3, 20), [36, 0, 1], np.arange(37) % 5 == 0):
        np.testing.assert_array_equal(open_run(remote.path).relevance[key], local.relevance[key])


def test_the_same_objects_lie_there_as_files_in_a_folder(memory, tmp_path):
    local, remote = write_pending(example_run(tmp_path)), write_pending(example_run(memory / "run"))

    def listed(path, files):
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in files if file.name[0] != "."}

    there = listed(remote.path, remote.path.below())
    here = listed(local.path, (file for file in local.path.rglob("*") if file.is_file()))
    assert there.keys() == here.keys()
    same = [name for name in here if not name.startswith("commits/") and name != "run.json"]  # they hold the time
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


def test_a_run_is_continued_or_refused(place):
    write_shard(example_run(place), 1, example_rows(example_run(place), 1))
    run = example_run(place)
    assert run.shards == ["pending", "committed", "pending"]
    with pytest.raises(UncommittedRowsError):
        run.relevance[0]
    with pytest.raises(RunMismatchError, match="seed is 0 there and 1 here"):
        example_run(place, seed=1)
    assert write_pending(run).pending_shards() == []


def test_what_is_no_run_is_told_and_left(memory):
    replace_file(memory / "other" / "precious.txt", b"mine")
    with pytest.raises(InputError, match=r"neither empty nor a run \(it holds precious.txt\)"):
        example_run(memory / "other")
    assert [path.name for path in memory.below()] == ["precious.txt"]
    write_pending(example_run(memory / "runs" / "mine"))
    with pytest.raises(InputError, match=r"is not a run.*it holds the runs mine"):
        open_run(memory / "runs")
    with pytest.raises(InputError, match=r"is not a run.*does not exist"):
        open_run(memory / "nothing")


def test_a_store_has_room(memory, tmp_path):
    specs = standard_arrays((3, 224, 224))
    with pytest.raises(InputError, match="GB free"):
        require_free_space(tmp_path, specs, 10**12)
    assert require_free_space(memory, specs, 10**12) > 10**15


def test_damage_is_found_and_mended(place, tmp_path):
    run = write_pending(example_run(place))
    maps, column = (shard_file(run.path, name, 1, axes) for name, axes in (("attribution/input", 4), ("target", 1)))
    cut(maps, 100)
    column.unlink()
    cut(run.path / "commits" / "000002.json", 20)
    assert sorted((problem.kind, problem.shard) for problem in run.verify()) == [
        ("damaged", 1), ("damaged", 2), ("missing", 1),
    ]  # fmt: skip
    for name in ("attribution/input", "target"):
        with pytest.raises(BrokenRunError, match="whyset verify"):
            run.array(name)[20]
    for shard in (1, 2):
        discard_shard(run, shard)
    assert open_run(place).verify() == []
    write_pending(example_run(place))
    assert read_stored_bytes(open_run(place)) == read_stored_bytes(write_pending(example_run(tmp_path / "run")))


def test_two_processes_race_for_a_shard_and_one_commits(url, undisturbed):
    run = example_run(url)
    command = [sys.executable, "-c", WRITER, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, str(number)], **pipes) for number in range(2)]
    for writer in writers:
        writer.stdin.close()
    told = [writer.stdout.read().strip() for writer in writers]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert told == [read_commit(run.path, 1).provenance["writer"]] * 2
    assert read_stored_bytes(write_pending(run)) == undisturbed
    assert run.verify() == []


def test_a_worker_killed_inside_a_shard_changes_no_byte(url, tmp_path):
    results = write_shards(Local(2), example_run(url), tmp_path / "marks", deaths=2)
    assert (results[1].value, results[1].attempts) == (3, 3)
    require_serial(open_run(url), tmp_path / "reference")


def test_a_late_twin_cannot_overwrite_what_its_successor_wrote(memory):
    run = write_pending(example_run(memory / "run"))
    file = shard_file(run.path, "attribution/input", 0, 4)
    with pytest.raises(FileExistsError), new_file(file) as late:
        late.write(b"from a writer that lost its claim")
    assert run.verify() == []


def test_a_second_job_is_refused_while_the_first_one_lives(place):
    run = example_run(place)
    with run_lease(run.path), pytest.raises(LeaseHeldError, match="held by process"), run_lease(run.path):
        pass
    with run_lease(run.path):
        pass


@pytest.mark.parametrize("budget", [0, 3_000, 40_000])
def test_a_connection_lost_at_any_moment_leaves_the_run_undamaged(wire, url, undisturbed, budget):
    example_run(url)
    wire.budget = budget
    command = [sys.executable, "-c", IMPATIENT_WRITER, url]
    cut_off = subprocess.run(command, env={**os.environ, "AWS_ENDPOINT_URL": wire.endpoint}, capture_output=True)
    assert b"RemoteError: s3://bucket/runs/" in cut_off.stderr
    assert b"the request to the store failed" in cut_off.stderr
    run = open_run(url)
    assert [problem for problem in run.verify() if not problem.harmless] == []
    assert read_stored_bytes(write_pending(run)) == undisturbed


def test_a_short_outage_is_waited_out(wire, url, undisturbed):
    run = example_run(RemotePath.of(url, endpoint=wire.endpoint))
    wire.budget = 2_000
    back = threading.Timer(2, lambda: setattr(wire, "budget", float("inf")))
    back.start()
    write_pending(run)
    back.join()
    assert read_stored_bytes(open_run(url)) == undisturbed
    assert run.verify() == []


def test_a_server_that_dies_is_told(own_server):
    url = own_server.new_url()
    run = write_pending(example_run(url))
    path = RemotePath.of(url, retry_config={"max_retries": 1})
    own_server.process.kill()
    for reading in (lambda: open_run(path), lambda: replace(run, path=path).relevance[0]):
        with pytest.raises(RemoteError, match="the request to the store failed"):
            reading()


def test_an_analysis_appears_when_it_is_complete(place, monkeypatch):
    run = write_pending(example_run(place))
    writer = run.analysis_writer("spray", {"neighbors": 3})
    first = CategoryResult(
        "0", "cat", {"index": np.arange(0, 37, 2), "x": np.ones((2, 3))}, ClassEvidence(n_explanations=1)
    )
    writer.write(first)
    with monkeypatch.context() as patch:
        patch.setattr("whyset.store.analysis_writer.replace_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        for category in ("0", "1"):
            with pytest.raises(KeyboardInterrupt):
                writer.write(CategoryResult(category, "dog", {"index": np.arange(5)}))
    analysis = open_run(place).analysis("spray")
    assert [(category.id, category.name, category.problem) for category in analysis.categories] == [("0", "cat", None)]
    np.testing.assert_array_equal(analysis.category("cat").column("index"), first.columns["index"])
    assert (writer.has("0"), writer.has("1")) == (True, False)
    assert run.verify() == []
    writer.write(CategoryResult("0", "cat", {"index": np.arange(5)}))
    assert open_run(place).analysis("spray").category("0").column("index").tolist() == [0, 1, 2, 3, 4]
    cut(next(file for file in run.path.below() if file.name == "index.npy"), 10)


def test_a_damaged_column_of_an_analysis_is_found(memory):
    run = write_pending(example_run(memory / "run"))
    run.analysis_writer("spray", {}).write(CategoryResult("0", "cat", {"index": np.arange(9)}))
    file = next(file for file in run.path.below() if file.name == "index.npy")
    cut(file, len(file.read_bytes()) - 1)
    assert [problem.kind for problem in run.verify()] == ["damaged"]
