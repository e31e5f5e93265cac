"""Maps in batches become a run that is whole or absent."""

import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyset import RelevanceWriter, open_run
from whyset.errors import InputError, RunMismatchError
from whyset.store import LeaseHeldError
from whyset.store.maps.staging import RunPlace

SHAPES = {"image": (3, 5, 4), "series": (2, 7), "text": (6,), "table": (9,)}


def make_maps(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("modality", SHAPES)
@pytest.mark.parametrize("sizes", [(40,), (1, 39), (16, 24), (7, 7, 26)])
def test_batches_of_any_size_give_one_run(modality: str, sizes: tuple[int, ...], tmp_path: Path) -> None:
    maps, labels = make_maps(40, *SHAPES[modality]), np.arange(40) % 3
    with RelevanceWriter(tmp_path / "run", modality=modality, dtype="float32") as writer:
        for start, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
            rows = slice(start, start + size)
            writer.append(maps[rows], labels=labels[rows], predictions=labels[rows], confidence=np.full(size, 0.5))
    run = open_run(tmp_path / "run")
    np.testing.assert_array_equal(run.relevance[:], maps)
    np.testing.assert_array_equal(run.labels, labels)
    np.testing.assert_array_equal(run.column("prediction"), labels)
    np.testing.assert_array_equal(run.column("confidence"), np.full(40, 0.5, np.float32))
    assert (run.modality, run.classes, run.verify()) == (modality, ["0", "1", "2"], [])
    assert names_in(tmp_path) == ["run"]


def test_shards_are_written_while_maps_come(tmp_path: Path) -> None:
    """2,500 maps are three shards, whose commits get the names of the classes at the end."""
    maps = make_maps(2500, 4)
    with RelevanceWriter(tmp_path / "run") as writer:
        writer.append(maps[:1100], labels=["cat"] * 1100)
        (hidden,) = (path for path in tmp_path.iterdir() if path.is_dir())
        assert hidden.name.startswith(".")
        assert names_in(hidden / "commits") == ["000000.json"]
        writer.append(maps[1100:], labels=["dog"] * 1400)
    run = writer.run
    assert (run.shard_count, run.classes, run.committed.all(), run.verify()) == (3, ["cat", "dog"], True, [])
    np.testing.assert_allclose(run.relevance[:], maps, rtol=2**-10, atol=2**-28)


@given(
    dtype=st.sampled_from(["float16", "float32", "float64", "int8", "int64", "uint8", ">f4", ">i2"]),
    stored=st.sampled_from(["float16", "float32"]),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    order=st.sampled_from("CF"),
    data=st.data(),
)
def test_maps_of_any_type_keep_their_values(dtype, stored, shape, order, data, tmp_path_factory) -> None:
    elements = st.integers(0, 100) if np.dtype(dtype).kind in "iu" else st.floats(-100, 100, width=16)
    count = data.draw(st.integers(1, 20))
    maps = np.asarray(data.draw(arrays(dtype, (count, *shape), elements=elements)), order=order)
    modality = {1: "table", 2: "series", 3: "image"}[len(shape)]
    with RelevanceWriter(tmp_path_factory.mktemp("any") / "run", modality=modality, dtype=stored) as writer:
        writer.append(maps)
    expected = maps.astype(np.float32)
    last = modality == "image" and shape[2] in (1, 3) and shape[0] not in (1, 3)
    last |= modality == "image" and shape[2] == 4 and not {shape[0], shape[2]} & {1, 3} and shape[0] != 4
    expected = expected.transpose(0, 3, 1, 2) if last else expected
    found = writer.run.relevance[:]
    if stored == "float32":
        np.testing.assert_array_equal(found, expected)
    else:  # eleven bits, down to 2^-29 of the map's maximum
        peaks = np.abs(expected).reshape(count, -1).max(axis=1).reshape(count, *[1] * len(shape))
        assert (np.abs(found - expected) <= np.maximum(2.0**-11 * np.abs(expected), 2.0**-29 * peaks)).all()


def test_memory_does_not_grow_with_the_number_of_maps(tmp_path: Path) -> None:
    """More shards, each of 1,024 maps, take less further memory than the relevance of a single one."""
    peaks = []
    for shards in (2, 6):
        tracemalloc.start()
        with RelevanceWriter(tmp_path / str(shards), modality="image") as writer:
            for number in range(shards * 8):
                writer.append(np.full((128, 64, 48), 1.0 + number, np.float32))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert writer.run.shard_count == shards
    assert peaks[1] - peaks[0] < 1024 * 64 * 48 * 4 < peaks[0]


def test_a_map_that_is_not_finite_is_a_failure_of_its_row(tmp_path: Path) -> None:
    maps, inputs = make_maps(1030, 4).astype(np.float64), make_maps(1030, 4)
    maps[3, 1], maps[1027, :2], maps[5, 0], inputs[8, 2] = np.nan, -np.inf, 1e300, np.nan
    with RelevanceWriter(tmp_path / "run", dtype="float32") as writer:
        writer.append(maps, inputs=inputs, labels=np.zeros(1030, int), ids=[f"row {n}" for n in range(1030)])
    run = writer.run
    assert [tuple(failure) for failure in run.failures] == [
        (3, "row 3", "the relevance is not finite: 1 of 4 values"),
        (5, "row 5", "the relevance is not finite: 1 of 4 values"),
        (8, "row 8", "the input is not finite: 1 of 4 values"),
        (1027, "row 1027", "the relevance is not finite: 2 of 4 values"),
    ]
    done = np.setdiff1d(np.arange(1030), [3, 5, 8, 1027])
    np.testing.assert_array_equal(run.relevance[done], maps[done].astype(np.float32))
    np.testing.assert_array_equal(np.flatnonzero(run.column("status") == 2), [3, 5, 8, 1027])
    assert run.verify() == []


BAD = {
    "labels and maps differ": ({"labels": [0, 1]}, r"labels has the shape \(2,\).* each of 4 maps"),
    "labels of outputs": ({"labels": np.zeros((4, 3))}, r"shape \(4, 3\).*argmax"),
    "a label is negative": ({"labels": [0, 1, -2, 0]}, "-2 of row 2 is not a class index"),
    "a label is half": ({"labels": [0, 1, 0.5, 0]}, "0.5 of row 2 is not a class"),
    "a label is text among numbers": ({"labels": [0, "cat", 1, 1]}, "'cat' of row 1 is not a class"),
    "a label is far too large": ({"labels": [0, 1, 2**40, 0]}, "1099511627776 of row 2"),
    "names and numbers": ({"labels": ["a", "b", "a", "a"], "predictions": [0, 1, 0, 0]}, "give class_names="),
    "a list of classes": ({"labels": "abcd"}, "labels is 'abcd'"),
    "complex labels": ({"labels": np.zeros(4, complex)}, "holds complex128"),
    "confidence is a percentage": ({"confidence": [50, 60, 70, 80]}, "50.0 of row 0 is not a probability"),
    "confidence is a text": ({"confidence": list("abcd")}, "confidence: expected probabilities"),
    "too few confidences": ({"confidence": [0.5]}, r"confidence has the shape \(1,\)"),
    "ids repeat": ({"ids": ["a", "b", "a", "c"]}, "ids: 'a' occurs more than once"),
    "an id is missing": ({"ids": ["a", None, "b", "c"]}, "ids: row 1 has none"),
    "ids are a generator": ({"ids": (str(n) for n in range(4))}, "ids is a generator: expected one text"),
    "ids are a number": ({"ids": 4}, "ids is a int: expected one text"),
    "uris are a text": ({"uris": "abcd"}, "uris is a str: expected one text"),
    "tokens are a number": ({"tokens": 4}, "tokens are int"),
    "metadata is a number": ({"metadata": {"age": 4}}, "metadata 'age' is a int: expected one value"),
    "too few ids": ({"ids": ["a"]}, "ids: expected 4 values, one for each map, got 1"),
    "too many words": ({"tokens": [["a"] * 7] + [["b"]] * 3}, "text 0 has 7 words, but its map has 6 values"),
    "metadata named like a column": ({"metadata": {"id": [1, 2, 3, 4]}}, "the name 'id' is taken"),
    "metadata is short": ({"metadata": {"age": [1]}}, "metadata 'age': expected 4 values"),
    "metadata of two types": ({"metadata": {"age": [1, "a", 2, 3]}}, "metadata 'age': expected numbers"),
    "metadata of objects": ({"metadata": {"age": [{}, {}, {}, {}]}}, "metadata 'age'"),
    "inputs of another number": ({"inputs": np.zeros((3, 6), int)}, r"shape \(3, 6\).* each of 4 maps"),
    "inputs of another length": ({"inputs": np.zeros((4, 5), int)}, "6 values, but inputs .* have 5"),
    "inputs of texts are floats": ({"inputs": np.zeros((4, 6)), "tokens": [["a"]] * 4}, "expected ids of tokens"),
    "inputs are complex": ({"inputs": np.zeros((4, 6), complex)}, "expected real numbers, got complex128"),
    "ids of tokens have 64 bits": ({"inputs": np.full((4, 6), 2**40)}, "at most 32 bits"),
    "targets twice": ({"targets": [0] * 4, "target": 0}, "targets are given for each map"),
    "target without predictions": ({"target": "prediction"}, "predictions are not given"),
    "target without labels": ({"target": "label"}, "labels are not given"),
    "a target beyond the classes": ({"target": 2, "class_names": ["a", "b"]}, "2 of row 0 is not one of 2 classes"),
    "a label beyond the classes": ({"labels": [0, 5, 1, 1], "class_names": ["a", "b"]}, "5 of row 1"),
    "a name beyond the classes": ({"labels": list("abca"), "class_names": ["a", "b"]}, "'c' of row 2"),
    "names repeat": ({"class_names": ["a", "b", "a"]}, "class_names: 'a' occurs more than once"),
    "class names are one text": ({"class_names": "ab"}, "class_names is 'ab'"),
    "class names are numbers": ({"class_names": [1, 2]}, "class_names holds 1"),
    "an unknown modality": ({"modality": "video"}, "modality is 'video'"),
    "an unknown type": ({"dtype": "int8"}, "dtype is 'int8'"),
    "a rate of a table": ({"rate": 5.0}, "rate is for series"),
    "a negative rate": ({"rate": -1.0}, "above 0"),
    "features of another number": ({"features": ["a", "b"]}, "6 names of features, got 2"),
    "n is no number": ({"n": 0}, "n is 0"),
    "fewer maps than promised": ({"n": 5}, "expected 5 maps, got 4"),
    "more maps than promised": ({"n": 3}, "expected 3 maps, got at least 4"),
}
FIELDS = frozenset("modality features rate class_names target dtype n".split())


@pytest.mark.parametrize("case", list(BAD))
def test_wrong_values_are_named_and_leave_nothing(case: str, tmp_path: Path) -> None:
    given, match = BAD[case]
    fields = {name: value for name, value in given.items() if name in FIELDS}
    values = {name: value for name, value in given.items() if name not in FIELDS}
    with pytest.raises(InputError, match=match), RelevanceWriter(tmp_path / "run", **fields) as writer:
        writer.append(make_maps(4, 6), **values)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("relevance", "match"),
    [
        (np.zeros((4, 6), complex), "expected real numbers, got complex128"),
        (np.zeros((4, 6), bool), "expected real numbers, got bool"),
        (np.array([[None] * 6] * 4), "expected real numbers, got object"),
        (np.array([["a"] * 6] * 4), "expected real numbers, got <U1"),
        (np.ma.masked_less(make_maps(4, 6), 0), "without masked values"),
        ([[1, 2], [3]], "pad shorter ones with zeros"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros(()), r"shape \(\)"),
        (np.zeros((2, 0)), "expected images"),
        (np.zeros((2, 3, 0, 4)), "expected images"),
        (np.zeros((2, 1, 3, 4, 5)), "batched=True"),
        (np.zeros((2, 1, 3, 4, 5, 6)), "expected images"),
        (np.zeros((4, 5, 6)), r"images \(H, W\) or series \(C, T\): state modality="),
    ],
)
def test_relevance_that_is_not_maps_is_refused(relevance: object, match: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=match), RelevanceWriter(tmp_path / "run") as writer:
        writer.append(relevance)
    assert names_in(tmp_path) == []


def test_a_wrong_batch_loses_nothing_of_those_before(tmp_path: Path) -> None:
    maps = make_maps(9, 3, 5, 4)
    writer = RelevanceWriter(tmp_path / "run", dtype="float32")
    writer.append(maps[:4], labels=["a", "b", "a", "b"], ids=list("stuv"), metadata={"age": [1, 2, 3, 4]})
    wrong = [
        {"relevance": make_maps(5, 3, 5, 3)},
        {"relevance": maps[4:], "labels": [0] * 5},
        {"relevance": maps[4:], "ids": list("wxyzs")},
        {"relevance": maps[4:], "inputs": np.zeros((5, 3, 5, 4), np.uint8)},
        {"relevance": maps[4:], "metadata": {}},
        {"relevance": maps[4:], "metadata": {"age": list("abcde")}},
        {"relevance": maps[4:], "metadata": {"age": [5] * 5}, "tokens": [["a"]] * 5},
        {"relevance": maps[4:], "metadata": {"age": [5] * 5}, "targets": [0] * 5},
    ]
    for batch in wrong:
        with pytest.raises(InputError):
            writer.append(**{"ids": list("wxyz0"), **batch})
    assert len(writer) == 4
    writer.append(maps[4:], labels=["c"] * 5, ids=list("wxyz0"), metadata={"age": [0.5] * 5})
    run = writer.close()
    np.testing.assert_array_equal(run.relevance[:], maps)
    assert (run.ids, run.classes) == (list("stuvwxyz0"), ["a", "b", "c"])
    assert run.samples["age"].to_pylist() == [1, 2, 3, 4, *[0.5] * 5]
    with pytest.raises(InputError, match="is closed"):
        writer.append(maps)
    assert writer.close() is run


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    def fail(writer: RelevanceWriter) -> None:
        with writer:
            writer.append(make_maps(1500, 4))
            raise ZeroDivisionError

    writer = RelevanceWriter(tmp_path / "run")
    with pytest.raises(ZeroDivisionError):
        fail(writer)
    assert names_in(tmp_path) == []
    with pytest.raises(InputError, match="close the writer first"):
        _ = writer.run


def test_a_writer_that_is_never_closed_leaves_nothing(tmp_path: Path) -> None:
    writer = RelevanceWriter(tmp_path / "run")
    writer.append(make_maps(1500, 4))
    assert names_in(tmp_path) == [".run.maps.lease", ".run.maps.partial"]
    del writer
    assert names_in(tmp_path) == []


def test_no_map_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="relevance is empty"), RelevanceWriter(tmp_path / "run") as writer:
        writer.append(np.zeros((0, 4)))
    assert names_in(tmp_path) == []


def write(out: Path, maps: np.ndarray, **fields: object) -> None:
    with RelevanceWriter(out, **fields) as writer:
        writer.append(maps, labels=np.arange(len(maps)) % 2)


def test_the_same_run_stays_and_another_one_is_refused(tmp_path: Path) -> None:
    maps = make_maps(30, 4)
    write(tmp_path / "run", maps)
    record = tmp_path / "run" / "run.json"
    before = record.stat().st_mtime_ns, record.read_bytes()
    (tmp_path / "run" / "analyses" / "mine").mkdir()
    write(tmp_path / "run", maps)
    assert (record.stat().st_mtime_ns, record.read_bytes()) == before
    assert (tmp_path / "run" / "analyses" / "mine").is_dir()
    changed = maps.copy()
    changed[29, 3] += 1
    others = [
        (changed, {}, "attribution/input.* of rows 0 to 29 differ"),
        (maps[:29], {}, "is another run"),
        (make_maps(30, 5), {}, "shape"),
        (maps, {"dtype": "float32"}, "dtype is .float16. there and .float32. here"),
        (maps, {"method": "IG"}, "composite.name is 'given maps' there and 'IG' here"),
        (maps, {"class_names": ["a", "b"]}, "class_names"),
    ]
    for other, fields, match in others:
        with pytest.raises(RunMismatchError, match=match):
            write(tmp_path / "run", other, **fields)
        assert (record.stat().st_mtime_ns, record.read_bytes()) == before
        assert names_in(tmp_path) == ["run"]


def test_another_place_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("b")
    for name in ("file", "folder"):
        with pytest.raises(InputError, match="exists and is not empty"):
            write(tmp_path / name, make_maps(3, 4))
    with pytest.raises(InputError, match="local folder"):
        write("s3://bucket/run", make_maps(3, 4))  # type: ignore[arg-type]
    assert ((tmp_path / "file").read_text(), (tmp_path / "folder" / "mine").read_text()) == ("a", "b")
    with pytest.raises(InputError, match="file is not a folder"):
        write(tmp_path / "file" / "run", make_maps(3, 4))
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", make_maps(3, 4))
    assert len(open_run(tmp_path / "empty")) == 3


def test_a_second_writer_to_one_place_is_refused(tmp_path: Path) -> None:
    with RelevanceWriter(tmp_path / "run") as writer:
        writer.append(make_maps(5, 4))
        with pytest.raises(LeaseHeldError):
            write(tmp_path / "run", make_maps(5, 4))
        writer.append(make_maps(5, 4))
    assert len(writer.run) == 10


PROGRAM = """
import sys, time
import numpy as np
from whyset import RelevanceWriter
with RelevanceWriter(sys.argv[1]) as writer:
    for number in range(10**6):
        writer.append(np.full((600, 4), 1.0 + number))
        print(number, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("batches", [1, 5])
def test_after_a_kill_nothing_is_visible_and_the_next_writer_starts_again(batches: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(batches):
        assert process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert all(name.startswith(".") for name in names_in(tmp_path))
    write(tmp_path / "run", make_maps(30, 4))
    assert names_in(tmp_path) == ["run"]
    assert open_run(tmp_path / "run").verify() == []


def test_a_kill_at_any_moment_of_closing_leaves_a_whole_run_or_none(tmp_path: Path) -> None:
    """The moment is chosen by the number of file operations before it."""
    seen = set()
    for calls in range(0, 60, 6):
        out = tmp_path / str(calls) / "run"
        program = (
            "import os, sys, signal\n"
            "import numpy as np\n"
            "from whyset import RelevanceWriter\n"
            "writer = RelevanceWriter(sys.argv[1]); writer.append(np.ones((20, 4)), labels=['a', 'b'] * 10)\n"
            "left = int(sys.argv[2])\n"
            "def count(event, args):\n"
            "    global left\n"
            "    if event in ('open', 'os.rename', 'os.link', 'os.remove', 'os.mkdir', 'shutil.rmtree'):\n"
            "        left -= 1\n"
            "        if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
            "sys.addaudithook(count)\n"
            "writer.close()\n"
        )
        code = subprocess.run([sys.executable, "-c", program, str(out), str(calls)]).returncode
        seen.add(code)
        if out.exists():
            run = open_run(out)
            assert (run.committed.all(), run.classes, run.verify()) == (True, ["a", "b"], [])
        with RelevanceWriter(out) as writer:
            writer.append(np.ones((20, 4)), labels=["a", "b"] * 10)
        assert names_in(out.parent) == ["run"]
    assert -signal.SIGKILL in seen


def test_the_hidden_folder_is_next_to_the_run(tmp_path: Path) -> None:
    place = RunPlace.of(tmp_path / "run")
    assert place.hidden == tmp_path / ".run.maps.partial"
