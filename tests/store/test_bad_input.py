"""What can befall a run folder: each ends in a sentence that says what is wrong, and in an undamaged run."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pyarrow.parquet
import pytest

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.store import open_run
from whyset.store.shards import discard_shard, write_shard
from whyset.testing.store import example_rows, example_run, write_pending

MAPS = "data.zarr/attribution/input"

WRITE = """
import sys
from whyset.errors import WhysetError
from whyset.store import open_run
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows

run = open_run(sys.argv[1])
rows = example_rows(run, 1)
if len(sys.argv) > 2:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    write_shard(run, 1, rows, provenance={"note": 2000 * "-"})
except WhysetError as error:
    print(error)
    sys.exit(17)
"""


@pytest.mark.parametrize("limit", [0, 40, 700, 1000, 1300])
def test_no_space_for_a_shard_or_for_its_commit(run, limit):
    write_shard(run, 0, example_rows(run, 0))
    before = contents(run.path)
    done = subprocess.run([sys.executable, "-c", WRITE, run.path, str(limit)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (17, "")
    assert "exceeds the size limit" in done.stdout
    assert "run the same command again" in done.stdout
    assert contents(run.path) == before
    assert run.verify() == []
    assert write_pending(run).verify() == []
    assert run.committed.all()


def test_a_full_file_system(tiny_disk):
    """A real one of 256 kB, filled to the last byte by another program."""
    full = example_run(tiny_disk / "run", samples=37)
    write_shard(full, 0, example_rows(full, 0))
    fill(tiny_disk / "film.mov")
    with pytest.raises(WhysetError, match=r"disk is full.*committed data is safe.*run the same command again"):
        write_shard(full, 1, example_rows(full, 1))
    assert open_run(full.path).shards == ["committed", "pending", "pending"]
    assert [problem for problem in full.verify() if not problem.harmless] == []
    (tiny_disk / "film.mov").unlink()
    assert write_pending(full).verify() == []


@pytest.fixture
def tiny_disk(tmp_path):
    yield from mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=256k", "tmpfs")


def mounted(place, *what):
    place.mkdir()
    made = subprocess.run(["mount", *what, place], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_folder_that_may_only_be_read(run):
    """Root may write everywhere, so the attempt is made without that power."""
    without = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
    folders = [run.path, *(path for path in run.path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    done = subprocess.run([*without, sys.executable, "-c", WRITE, run.path], capture_output=True, text=True)
    for folder in folders:
        folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (17, "")
    assert "writing is not permitted" in done.stdout
    assert write_pending(run).verify() == []


@pytest.fixture
def read_only(full_run, tmp_path):
    for place in mounted(tmp_path / "read_only", "--bind", full_run.path):
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        yield place


def test_a_read_only_file_system_is_read_and_refuses_to_be_written(read_only):
    run = open_run(read_only)
    assert run.verify() == []
    assert run.relevance[3].any()
    assert example_run(read_only).pending_shards() == []
    with pytest.raises(WhysetError, match=r"the file system is read-only.*committed data is safe"):
        discard_shard(run, 1)
    with pytest.raises(WhysetError, match="the file system is read-only"):
        run.analysis_writer("spray", {})
    assert run.committed.all()


def test_a_truncated_shard(full_run):
    file = full_run.path / MAPS / "c/1/0/0/0"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(BrokenRunError, match=r"c/1/0/0/0 cannot be read \(the checksum of the index.*`whyset verify"):
        full_run.relevance[20]
    assert full_run.relevance[3].any()
    assert [problem.shard for problem in full_run.verify()] == [1]


def test_a_missing_commit_costs_its_shard_and_nothing_else(full_run):
    wanted = np.asarray(full_run.relevance)
    (full_run.path / "commits/000001.json").unlink()
    again = open_run(full_run.path)
    assert again.shards == ["committed", "pending", "committed"]
    assert [problem.kind for problem in again.verify()] == ["uncommitted"]
    assert np.array_equal(write_pending(again).relevance, wanted)


def test_a_commit_of_another_configuration_is_neither_read_nor_continued(tmp_path):
    run = example_run(tmp_path / "run")
    other = write_pending(example_run(tmp_path / "other", seed=1))
    for name in (f"{MAPS}/c/0/0/0", "commits"):
        (run.path / name).mkdir(parents=True, exist_ok=True)
    for name in (f"{MAPS}/c/0/0/0/0", "commits/000000.json"):
        (run.path / name).write_bytes((other.path / name).read_bytes())
    message = r"000000.json does not belong to this run: it was made with another configuration.*delete that file"
    with pytest.raises(BrokenRunError, match=message):
        run.relevance[3]
    with pytest.raises(BrokenRunError, match=message):
        run.column("status")
    with pytest.raises(BrokenRunError, match=message):
        write_shard(run, 0, example_rows(run, 0))
    assert [problem.kind for problem in run.verify() if not problem.harmless] == ["mismatch"]


@pytest.mark.parametrize("field", ["config", "arrays", "samples", "created", "config_hash"])
def test_an_edited_run_json(full_run, field):
    file = full_run.path / "run.json"
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {field: "edited"}))
    with pytest.raises(BrokenRunError, match=r"run.json was changed after the run was made.*restore the file"):
        open_run(full_run.path)
    file.write_text(json.dumps(stored))
    assert open_run(full_run.path).verify() == []


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: bytes(len(data))]
)
def test_a_damaged_table_of_samples(full_run, damage):
    file = full_run.path / "samples.parquet"
    file.write_bytes(damage(file.read_bytes()))
    run = open_run(full_run.path)
    assert run.relevance[3].any()
    with pytest.raises(BrokenRunError, match=r"samples.parquet is damaged"):
        _ = run.samples
    assert [(problem.kind, problem.where) for problem in run.verify()] == [("damaged", "samples.parquet")]


def test_one_changed_byte_in_an_id_is_noticed_when_it_is_read(full_run):
    file = full_run.path / "samples.parquet"
    column = pyarrow.parquet.read_metadata(file).row_group(0).column(1)
    data = bytearray(file.read_bytes())
    data[column.dictionary_page_offset + column.total_compressed_size - 3] ^= 1
    file.write_bytes(data)
    with pytest.raises(BrokenRunError, match=r"samples.parquet is damaged: its SHA-256 is .*restore it"):
        _ = open_run(full_run.path).ids
    with pytest.raises(BrokenRunError, match=r"samples.parquet is damaged"):
        _ = open_run(full_run.path).labels


def test_a_table_of_other_samples(full_run, tmp_path):
    other = example_run(tmp_path / "other", samples=36)
    (full_run.path / "samples.parquet").write_bytes((other.path / "samples.parquet").read_bytes())
    with pytest.raises(BrokenRunError, match=r"samples.parquet is damaged: its SHA-256 is "):
        _ = open_run(full_run.path).ids


def test_stray_files_and_unknown_arrays_are_told_and_do_no_harm(full_run):
    wanted = np.asarray(full_run.relevance)
    strays = [
        "notes.txt",
        "commits/000001 (copy).json",
        "commits/7.json",
        "data.zarr/later/zarr.json",
        "data.zarr/attribution/layer9/zarr.json",
    ]
    for name in strays:
        (full_run.path / name).parent.mkdir(exist_ok=True)
        (full_run.path / name).write_text("{}")
    (full_run.path / ".DS_Store").touch()
    run = open_run(full_run.path)
    assert np.array_equal(run.relevance, wanted)
    assert (run.layers, run.shards) == ([], ["committed"] * 3)
    problems = run.verify()
    assert all(problem.harmless for problem in problems)
    assert [problem.where for problem in problems] == [
        "notes.txt",
        "commits/000001 (copy).json",
        "commits/7.json",
        "data.zarr/later",
        "data.zarr/attribution/layer9",
    ]


def test_an_array_that_is_not_there(full_run):
    with pytest.raises(InputError, match=r"no array 'attribution/layer3'; it has \['attribution/input', "):
        full_run.array("attribution/layer3")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            lambda stored: json.dumps(stored | {"shape": [36, 2, 5, 3]}),
            "mismatch",
            "shape is [36, 2, 5, 3]: expected [",
        ),
        (lambda stored: json.dumps(stored | {"fill_value": 1.0}), "mismatch", "fill_value is 1.0"),
        (lambda stored: "{", "damaged", "it cannot be read as JSON"),
        (lambda stored: "[]", "damaged", "got list"),
    ],
)
def test_a_changed_zarr_json_misleads_other_programs_and_is_told(full_run, change, kind, message):
    file = full_run.path / MAPS / "zarr.json"
    file.write_text(change(json.loads(file.read_text())))
    (problem,) = full_run.verify()
    assert (problem.kind, problem.where) == (kind, f"{MAPS}/zarr.json")
    assert message in problem.message
    assert full_run.relevance[3].any()


def fill(file):
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(512))


def contents(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
