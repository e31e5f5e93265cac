import importlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.sparse import csr_array

from whyset.analysis import Memo, Pipeline, Processor, Spray, Step
from whyset.analysis.memo_values import DamagedEntryError, decode, digest, encode
from whyset.analysis.processors import Absolute, Neighbors
from whyset.errors import InputError


@dataclass(frozen=True)
class Counted(Processor):
    factor: float = 2.0
    shift: float = 0.0
    calls: ClassVar[list[str]] = []
    seeded = True

    def __call__(self, values: np.ndarray, *, seed: int) -> np.ndarray:
        self.calls.append("called")
        return values * self.factor + self.shift + seed % 7


@dataclass(frozen=True)
class Sparse(Processor):
    calls: ClassVar[list[str]] = []

    def __call__(self, values: np.ndarray) -> csr_array:
        self.calls.append("called")
        return csr_array(np.where(values > 0, values, 0))


VALUES = np.linspace(-1, 1, 12).reshape(3, 4)


def pipeline(part: Processor, name: str = "made") -> Pipeline:
    return Pipeline("one", (Step(name, part, ("values",)),))


def calls(part: Processor, memo: Memo, values: np.ndarray = VALUES, seed: int = 0, name: str = "made") -> int:
    """How often a step is really done."""
    before = len(part.calls)
    fresh = pipeline(part, name).run({"values": values}, seed=seed)[name]
    kept = pipeline(part, name).run({"values": values}, seed=seed, memo=memo)[name]
    assert type(kept) is type(fresh)
    np.testing.assert_array_equal(*(x.toarray() if isinstance(x, csr_array) else x for x in (kept, fresh)))
    return len(part.calls) - before - 1


def test_what_is_the_same_is_done_once(tmp_path: Path) -> None:
    memo = Memo(tmp_path / "memo")
    assert [calls(Counted(), memo) for _ in range(3)] == [1, 0, 0]
    assert calls(Counted(), Memo(str(tmp_path / "memo")), np.asfortranarray(VALUES)) == 0


def test_every_field_seed_and_bit_of_the_input_counts(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    assert calls(Counted(), memo) == 1
    assert calls(Counted(factor=np.nextafter(2.0, 3)), memo) == 1
    assert calls(Counted(shift=1e-300), memo) == 1
    assert calls(Counted(), memo, seed=1) == 1
    assert calls(Counted(), memo, name="other") == 1  # its own name gives it its own seed
    nudged = VALUES.copy()
    nudged[2, 3] = np.nextafter(1, 2)
    for values in (nudged, VALUES.reshape(4, 3), VALUES.astype(np.float32), VALUES.ravel()):
        assert calls(Counted(), memo, values) == 1
    assert calls(Counted(), memo) == 0


def test_made_inputs_count_by_how_they_were_made(tmp_path: Path) -> None:
    def chain(factor: float) -> Pipeline:
        return Pipeline("two", (Step("first", Counted(factor), ("values",)), Step("second", Sparse(), ("first",))))

    memo = Memo(tmp_path)
    before = len(Sparse.calls)
    for factor in (2.0, 2.0, 3.0, 2.0):
        made = chain(factor).run({"values": VALUES}, seed=0, memo=memo)
        fresh = chain(factor).run({"values": VALUES}, seed=0)
        np.testing.assert_array_equal(made["second"].toarray(), fresh["second"].toarray())
    assert len(Sparse.calls) - before == 4 + 2


def test_sparse_results_come_back_as_they_were(tmp_path: Path) -> None:
    memo = Memo(tmp_path)
    assert [calls(Sparse(), memo), calls(Sparse(), memo)] == [1, 0]


def test_a_whole_analysis_comes_back_equal(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    chain, memo = Spray(n_neighbors=4).pipeline(), Memo(tmp_path)
    first, again = (chain.run({"features": features}, seed=3, workers=2, memo=memo) for _ in range(2))
    assert len(list(tmp_path.glob("*.memo"))) == len(chain.steps)
    assert [digest(first[step.name]) for step in chain.steps] == [digest(again[step.name]) for step in chain.steps]


def test_an_edited_source_is_another_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = (
        "from dataclasses import dataclass\n"
        "from whyset.analysis import Processor\n"
        "def helper(values):\n    return values + 1\n"
        "@dataclass(frozen=True)\n"
        "class Own(Processor):\n"
        "    def __call__(self, values):\n        return helper(values)\n"
    )

    def result(text: str) -> np.ndarray:
        (tmp_path / "edited.py").write_text(text)
        sys.modules.pop("edited", None)
        importlib.invalidate_caches()
        own = importlib.import_module("edited").Own()
        return pipeline(own).run({"values": VALUES}, seed=0, memo=Memo(tmp_path / "memo"))["made"]

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    np.testing.assert_array_equal(result(source), VALUES + 1)
    np.testing.assert_array_equal(result(source.replace("values + 1", "values + 22")), VALUES + 22)


def test_what_a_processor_is_derived_from_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its base in another file, and the code of this package that it calls upon."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "derived.py").write_text(
        "from dataclasses import dataclass\nfrom base_of_mine import Base\n@dataclass(frozen=True)\n"
        "class Derived(Base):\n    pass\n"
    )
    base = "from whyset.analysis import KMeans\nclass Base(KMeans):\n    restart = {}\n"

    def key(number: int, package: str) -> str:
        (tmp_path / "base_of_mine.py").write_text(base.format(number))
        for name in ("base_of_mine", "derived"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        memo = Memo(tmp_path / "memo")
        object.__setattr__(memo, "package", package)
        return memo.step_key(importlib.import_module("derived").Derived(), [], {})

    keys = [key(1, "a"), key(2, "a"), key(1, "b")]
    assert len(set(keys)) == 3
    assert key(1, "a") == keys[0]


@pytest.mark.parametrize("package", ["umap-learn", "pynndescent", "pillow", "openTSNE", "graspologic-native"])
def test_the_version_of_a_package_that_does_the_work_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    def told(name: str, known: str) -> str:
        if name == package and known == "none":
            raise PackageNotFoundError(name)
        return known if name == package else "1.0"

    def key(known: str) -> str:
        monkeypatch.setattr("whyset.optional.version", lambda name: told(name, known))
        return Memo(tmp_path).step_key(Absolute(), [], {})

    assert len({key("1.0"), key("1.1"), key("none")}) == 3


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "other"])
def test_a_damaged_entry_is_told_and_computed_again(tmp_path: Path, damage: str) -> None:
    memo = Memo(tmp_path)
    assert calls(Counted(), memo) == 1
    (entry,) = tmp_path.glob("*.memo")
    good = entry.read_bytes()
    flipped = bytearray(good)
    flipped[-40] ^= 1
    entry.write_bytes({"truncated": good[:-9], "one bit": bytes(flipped), "empty": b"", "other": b"PK\3\4"}[damage])
    with pytest.warns(UserWarning, match=r"\.memo is damaged .*computed again"):
        assert calls(Counted(), memo) == 1
    assert entry.read_bytes() == good
    assert calls(Counted(), memo) == 0


WRITER = """
import os, sys, time
import numpy as np
from whyset.analysis import Memo, Pipeline, Step
from whyset.analysis.processors import Absolute
import whyset.store.files

def stuck(descriptor):
    print("writing", flush=True)
    time.sleep(600)

os.fsync = stuck  # the bytes lie in the unfinished file by now
values = np.linspace(-1, 1, 300_000)[None]
Pipeline("one", (Step("made", Absolute(), ("values",)),)).run({"values": values}, seed=0, memo=Memo(sys.argv[1]))
"""


def test_a_writer_killed_in_the_middle_leaves_nothing_that_counts(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".partial")
    old = time.time() - 7200
    os.utime(left, (old, old))
    values = np.linspace(-1, 1, 300_000)[None]
    for _ in range(2):
        made = pipeline(Absolute()).run({"values": values}, seed=0, memo=Memo(tmp_path))["made"]
        np.testing.assert_array_equal(made, np.abs(values))
    assert [file.suffix for file in tmp_path.iterdir()] == [".memo"]


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ARRAYS = arrays(st.sampled_from([np.float32, np.float64, np.int32, np.uint8, np.bool_]), array_shapes(min_side=0))


@given(st.recursive(PLAIN | ARRAYS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6))
def test_values_come_back_bit_by_bit(value: Any) -> None:
    again = decode(encode(value))
    assert digest(again) == digest(value)
    assert type(again) is type(value)


def test_dataclasses_sparse_arrays_and_numpy_scalars_come_back() -> None:
    value = (Neighbors(np.array([[1], [0]]), np.array([[0.5], [0.5]]), 1), csr_array(np.eye(3)), np.float32(0.1), 0.1)
    again = decode(encode(value))
    assert isinstance(again[0], Neighbors)
    assert again[0].redone == 1
    assert again[1].toarray().tolist() == np.eye(3).tolist()
    assert (type(again[2]), again[2], again[3]) == (np.float32, np.float32(0.1), 0.1)


def test_values_that_look_alike_have_different_digests() -> None:
    alike = [
        1,
        1.0,
        True,
        "1",
        np.float32(1),
        np.float64(1),
        np.ones(1),
        np.ones((1, 1)),
        [1],
        (1,),
        None,
        "",
        0.0,
        -0.0,
    ]
    assert len({digest(value) for value in alike}) == len(alike)


def test_what_cannot_be_kept_exactly_is_refused() -> None:
    for value in (object(), {1: 2}, {3, 4}, np.array([None]), csr_array(np.eye(2)).tolil()):
        with pytest.raises(InputError, match="cannot be kept"):
            encode(value)
    with pytest.raises(DamagedEntryError):
        decode(b"")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        Memo(tmp_path / "file")
