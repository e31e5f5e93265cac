"""A samples.parquet that stands for far more than it holds, or holds something else, is refused before it is read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyset.errors import BrokenRunError, WhysetError
from whyset.store import open_run
from whyset.store.layout import commit_path
from whyset.store.samples import SCHEMA, read_samples, read_tokens, sample_columns, samples_table, write_samples
from whyset.testing.store import example_run, write_pending

ROWS = 300_000


def columns(**others):
    rows = others.pop("rows", ROWS)
    own = {
        "index": pa.array(np.arange(rows)),
        "id": pa.array(["x"] * rows),
        "label": pa.array(np.zeros(rows, np.int64)),
        "uri": pa.array([None] * rows, pa.string()),
    }
    return pa.table(own | others)


def repeat(text, rows=ROWS):
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text])).cast(pa.string())


HOSTILE = {
    "a long id for every row": lambda: columns(id=repeat("a" * 1000), index=pa.array(np.zeros(ROWS, np.int64))),
    "a long uri for every row": lambda: columns(uri=repeat("u" * 1000), index=pa.array(np.zeros(ROWS, np.int64))),
    "a long text for every row": lambda: columns(note=repeat("n" * 1000), index=pa.array(np.zeros(ROWS, np.int64))),
    "an id in codes": lambda: columns(rows=9, id=pa.array(["x"] * 9).dictionary_encode()),
    "an id that is a number": lambda: columns(rows=9, id=pa.array(range(9))),
    "a label that is a list": lambda: columns(rows=9, label=pa.array([[1]] * 9)),
    "a note that is a list": lambda: columns(rows=9, note=pa.array([[1]] * 9)),
    "a note that is a decimal": lambda: columns(rows=9, note=pa.array([1] * 9).cast(pa.decimal128(30))),
    "tokens that are numbers": lambda: columns(rows=9, tokens=pa.array([[1]] * 9)),
    "a sample that is a text": lambda: columns(rows=9, sample=pa.array(["x"] * 9)),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused(make, tmp_path):
    file = tmp_path / "samples.parquet"
    pq.write_table(make(), file, compression="zstd")
    with pytest.raises(BrokenRunError, match=r"samples\.parquet is damaged: it"):
        read_samples(file)


def test_one_long_token_in_every_place_is_refused(tmp_path):
    words = pa.ListArray.from_arrays(
        pa.array(np.arange(0, 4097 * 64, 64, dtype=np.int32)), repeat("w" * 1000, 4096 * 64)
    )
    pq.write_table(columns(rows=4096, tokens=words), tmp_path / "samples.parquet")
    with pytest.raises(BrokenRunError, match=r"claims 262,144,000 bytes"):
        read_tokens(tmp_path / "samples.parquet", np.array([0]))
    assert read_samples(tmp_path / "samples.parquet").num_rows == 4096


@pytest.mark.parametrize("rows", [1, 5000, 70_000])
def test_ordinary_tables_are_read_whatever_repeats(rows, tmp_path):
    camera = ["Nikon D850 with a rather long name" if row % 3 else "none" for row in range(rows)]
    tokens = [["the", "same", "words", str(row % 7)] for row in range(rows)]
    table = samples_table(
        [f"class/{row:09d}.png" for row in range(rows)],
        [row % 10 for row in range(rows)],
        ["file:///data/the/same/for/all.h5"] * rows,
        tokens=tokens,
        further={"camera": camera, "flag": [True] * rows, "number": [0.5] * rows, "nothing": [None] * rows},
    )
    write_samples(tmp_path / "samples.parquet", table)
    assert read_samples(tmp_path / "samples.parquet", rows=rows).equals(table.drop_columns(["tokens"]))
    assert read_tokens(tmp_path / "samples.parquet", np.array([0, rows - 1])) == [tokens[0], tokens[-1]]
    assert sample_columns(tmp_path / "samples.parquet")[:4] == SCHEMA.names


MEASURE = """
import resource, sys
from pathlib import Path
from whyset.errors import BrokenRunError
from whyset.store.samples import read_samples
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
try:
    read_samples(Path(sys.argv[1]))
except BrokenRunError as error:
    print(error)
"""


def test_terabytes_in_a_small_file_cost_no_memory(tmp_path):
    text = pa.array(["a" * 500_000])
    codes = pa.array(np.zeros(2_000_000, np.int32))
    table = pa.table(
        {
            "index": pa.array(np.zeros(2_000_000, np.int64)),
            "id": pa.DictionaryArray.from_arrays(codes, text),
            "label": pa.array(np.zeros(2_000_000, np.int64)),
            "uri": pa.array([None] * 2_000_000, pa.string()),
        }
    )
    file = tmp_path / "samples.parquet"
    pq.write_table(table, file, store_schema=False)
    done = subprocess.run([sys.executable, "-c", MEASURE, file], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "claims 1,000,000,000,000 bytes" in done.stdout


def test_tokens_have_the_hash_that_the_run_states(tmp_path):
    run = example_run(tmp_path / "run")
    table = samples_table([f"other {row}" for row in range(len(run))], tokens=[["changed"]] * len(run))
    write_samples(run.path / "samples.parquet", table)
    with pytest.raises(BrokenRunError, match="is damaged: its SHA-256 is"):
        open_run(run.path).tokens(np.array([0]))


def make_folder(commit: Path) -> None:
    commit.mkdir()


def make_dead_link(commit: Path) -> None:
    commit.symlink_to("nowhere")


@pytest.mark.parametrize("make", [os.mkfifo, make_folder, make_dead_link, Path.touch])
def test_what_lies_in_place_of_a_commit_is_a_commit_for_all(make, tmp_path):
    run = write_pending(example_run(tmp_path / "run"))
    commit = commit_path(run.path, 1)
    commit.unlink()
    make(commit)
    again = open_run(run.path)
    listed = again.committed_shards()
    assert [shard for shard in range(again.shard_count) if again.is_committed(shard)] == listed
    assert 1 in listed
    assert again.pending_shards() == []
    with pytest.raises(WhysetError, match="000001"):
        again.relevance[run.shard_range(1)[0]]


def test_a_commit_of_a_shard_beyond_the_run_belongs_to_verify_alone(tmp_path):
    run = write_pending(example_run(tmp_path / "run"))
    stored = json.loads(commit_path(run.path, 0).read_text())
    commit_path(run.path, run.shard_count).write_text(json.dumps(stored))
    again = open_run(run.path)
    assert again.committed_shards() == list(range(run.shard_count))
    assert not again.is_committed(run.shard_count)
    assert [failure.index for failure in again.failures] == [failure.index for failure in run.failures]
    assert again.committed.all()
    assert any(f"{run.shard_count:06d}" in problem.where for problem in again.verify())
