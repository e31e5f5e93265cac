"""What may be read of a file that anyone may have written, and what it costs."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whyset.errors import BrokenRunError, WhysetError
from whyset.store import open_run
from whyset.store.boundary import DEEPEST, load_array, parse_json, read_regular
from whyset.store.jsonfile import encode, json_checksum, read_json
from whyset.testing.store import example_run, write_pending

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), parts),
    max_leaves=30,
)  # fmt: skip


@given(JSON)
def test_what_we_write_is_read(value):
    assert parse_json(encode(value)) == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "nested"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e400]", "too large"),
        (b"[%d]" % 10**400, "64 bits"),
        (b"[%d]" % 2**64, "64 bits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'["\\ud800"]', "surrogates not allowed"),
        (b'["\xff"]', "codec"),
        ("[1]".encode("utf-16"), "codec"),
        (b"[" + b"[]," * 13_000_000 + b"[]]", "values"),
        (b"", "Expecting value"),
    ],
    ids=range(14),
)
def test_what_is_beyond_the_limits_is_refused(text, what):
    with pytest.raises(ValueError, match=what):
        parse_json(text)


def test_a_byte_order_mark_is_passed_over():
    assert parse_json(b'\xef\xbb\xbf{"label": "\xc3\xa4"}') == {"label": "ä"}


def test_values_as_deep_as_the_limit_are_read():
    assert parse_json(b"[" * DEEPEST + b"]" * DEEPEST)


@given(st.binary(max_size=60) | st.text('[]{}:,"\\u0d8-eE+.19NaInfty ').map(str.encode))
@example(b'{"a":1e999}')
def test_any_bytes_are_a_value_or_a_value_error(data):
    try:
        value = parse_json(data)
    except ValueError:
        return
    encode(value)


def make_fifo(file):
    os.mkfifo(file)


def make_folder(file):
    file.mkdir()


def make_endless_link(file):
    file.symlink_to("/dev/zero")


def make_circle(file):
    file.symlink_to(file.name)


def make_huge(file):
    file.touch()
    os.truncate(file, 2**40)


@pytest.mark.parametrize("make", [make_fifo, make_folder, make_endless_link, make_circle, make_huge])
def test_only_regular_files_with_content_are_read(tmp_path, make):
    file = tmp_path / "record.json"
    make(file)
    with pytest.raises(OSError, match=r"record\.json"):
        read_regular(file)
    with pytest.raises(BrokenRunError, match=r"record\.json is damaged"):
        read_json(file)
    with pytest.raises(OSError, match=r"record\.json"):
        load_array(file)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b"[1, 2]")
    assert read_regular(tmp_path / "a.json", 6) == b"[1, 2]"
    with pytest.raises(ValueError, match="expected at most 5"):
        read_regular(tmp_path / "a.json", 5)


@pytest.mark.parametrize("values", [np.arange(6), np.zeros((0, 3), "<f4"), np.float32(7), np.asfortranarray(np.eye(3))])
def test_arrays_are_read_as_numpy_wrote_them(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    found = load_array(tmp_path / "a.npy")
    assert (found.dtype, found.shape) == (np.asarray(values).dtype, np.shape(values))
    assert np.array_equal(found, values)


HEADERS = [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 4}",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': 'f4,(', 'fortran_order': False, 'shape': (1,)}",
    "{'shape': (1,)}",
    "(" * 9000,
    "[]",
    "__import__('os').abort()",
]


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_arrays_are_compared_with_the_size_of_the_file(tmp_path, header):
    text = header.encode() + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(16))
    with pytest.raises(ValueError, match=r"header|begin"):
        load_array(tmp_path / "a.npy")


@given(st.binary(max_size=40), st.integers(0, 200))
def test_any_bytes_are_an_array_or_a_value_error(tmp_path_factory, data, place):
    file = tmp_path_factory.mktemp("any") / "a.npy"
    np.save(file, np.arange(4))
    whole = file.read_bytes()
    file.write_bytes(whole[:place] + data + whole[place + len(data) :])
    with suppress(ValueError):
        assert load_array(file).size < 20


def edit(run: Path, change) -> None:
    """Change run.json as someone does who knows how its checksum is made."""
    stored = json.loads((run / "run.json").read_text())
    change(stored)
    stored["checksum"] = json_checksum(stored)
    (run / "run.json").write_text(json.dumps(stored))


HOSTILE = {
    "negative": lambda r: r["samples"].update(count=-5),
    "many": lambda r: r["samples"].update(count=10**11),
    "text": lambda r: r["samples"].update(count="37"),
    "true": lambda r: r["samples"].update(count=True),
    "shard": lambda r: r["config"].update(shard_rows=10**11),
    "no shard": lambda r: r["config"].update(shard_rows=0),
    "targets": lambda r: r["config"].update(targets_per_sample=2),
    "classes": lambda r: r["config"].update(class_names=[1, None]),
    "class": lambda r: r["config"].update(class_names="cat"),
    "model": lambda r: r["config"].update(model=7),
    "composite": lambda r: r["config"].update(composite=[]),
    "config": lambda r: r.update(config=[]),
    "arrays": lambda r: r.update(arrays=7),
    "array": lambda r: r.update(arrays=[7]),
    "shape": lambda r: r["arrays"][0].update(shape=[2**20, 2**20, 2**20]),
    "sides": lambda r: r["arrays"][0].update(shape=[1] * 100),
    "side": lambda r: r["arrays"][0].update(shape=[-1]),
    "dtype": lambda r: r["arrays"][0].update(dtype="O"),
    "dtypes": lambda r: r["arrays"][0].update(dtype="f4,("),
    "escape": lambda r: r["arrays"][0].update(name="../../../etc"),
    "absolute": lambda r: r["arrays"][0].update(name="/etc/passwd"),
    "twice": lambda r: r["arrays"].append(r["arrays"][0]),
    "samples": lambda r: r.update(samples=None),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_run_that_claims_what_no_run_has_is_refused(full_run, change):
    edit(full_run.path, change)
    with pytest.raises(BrokenRunError, match=r"run\.json"):
        open_run(full_run.path)


MEASURE = """
import resource, sys
from whyset.errors import WhysetError
from whyset.store import open_run
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
try:
    run = open_run(sys.argv[1])
    run.samples, run.committed, run.column("status"), run.relevance[:], run.failures
    print([str(problem) for problem in run.verify()])
except WhysetError as error:
    print(error)
"""


def claim_rows(run: Path) -> None:
    edit(run, lambda r: r["samples"].update(count=2**20))


def claim_rows_in_a_sparse_file(run: Path) -> None:
    os.truncate(run / "samples.parquet", 2**40)
    edit(run, lambda r: r["samples"].update(count=10**11))


def enlarge_rows(run: Path) -> None:
    edit(run, lambda r: r["arrays"][0].update(shape=[2**10, 2**10, 2**9]))


def block_samples(run: Path) -> None:
    (run / "samples.parquet").unlink()
    os.mkfifo(run / "samples.parquet")


def block_commit(run: Path) -> None:
    (run / "commits/000001.json").unlink()
    os.mkfifo(run / "commits/000001.json")


def block_shard(run: Path) -> None:
    file = run / "data.zarr/status/c/1"
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    "change", [claim_rows, claim_rows_in_a_sparse_file, enlarge_rows, block_samples, block_commit, block_shard]
)
def test_a_hostile_run_costs_neither_memory_nor_time(full_run, change):
    change(full_run.path)
    done = subprocess.run([sys.executable, "-c", MEASURE, full_run.path], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(full_run.path) in done.stdout


def test_a_footer_with_other_rows_is_refused_before_they_are_read(tmp_path):
    run, other = write_pending(example_run(tmp_path / "run")), example_run(tmp_path / "other", samples=38)
    (run.path / "samples.parquet").write_bytes((other.path / "samples.parquet").read_bytes())
    with pytest.raises(WhysetError, match=r"samples\.parquet"):
        _ = open_run(run.path).samples
