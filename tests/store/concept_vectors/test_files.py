"""The record of concept vectors: what is written is read again, and what contradicts itself is refused."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import BrokenRunError, InputError
from whyset.store import Run, open_run
from whyset.store.concept_vectors import (
    ConceptVector,
    TcavScore,
    list_concept_vectors,
    open_concept_vector,
    write_concept_vector,
)
from whyset.store.effects import Estimate
from whyset.store.jsonfile import json_checksum, replace_json
from whyset.store.sealed_json import validate_record
from whyset.testing.store import example_run, write_pending

PAGE = (Path(__file__).parents[3] / "docs/file-format.md").read_text()

ONE = ConceptVector(
    layer="layer2", channel_axis=1, pooling="max", vector=(0.5, -1.0), center=(0.0, 2.0), mean_without=(0.1, 0.2),
    mean_with=(0.3, 0.4), scale=0.7, threshold=1.5, method={"name": "pattern", "fields": {}}, source="finding 1",
    rows=(1, 5), rows_without=(2, 3, 8), auroc=Estimate(0.9, (0.7, 1.0), 5),
    tcav=TcavScore(Estimate(0.8, (0.6, 0.9), 30), 0.02, 100, 0.5), class_id="00001", weights_hash="ab",
)  # fmt: skip

numbers = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(write_pending(example_run(tmp_path / "run")).path)


@given(st.text(), st.tuples(numbers, numbers), st.none() | st.text(), st.sampled_from(["max", "mean"]))
def test_vectors_are_read_as_they_were_stored(layer: str, center: Any, class_id: Any, pooling: Any) -> None:
    one = replace(ONE, layer=layer, center=center, class_id=class_id, pooling=pooling)
    assert validate_record(ConceptVector, json.loads(json.dumps(asdict(one))), "vectors") == one


def test_a_vector_is_in_the_run_until_it_is_replaced(run: Run) -> None:
    assert run.concept_vector_names == []
    assert write_concept_vector(run, "one", ONE) == ONE
    assert write_concept_vector(run, "two", replace(ONE, tcav=None)).tcav is None
    assert list_concept_vectors(run.path) == ["one", "two"]
    assert write_concept_vector(run, "one", replace(ONE, layer="layer3")).layer == "layer3"
    assert run.concept_vector("one").layer == "layer3"
    assert run.verify() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"center": (0.0,)}, "expected 2 channels of center, got 1"),
        ({"vector": (0.0, 0.0)}, "other than 0"),
        ({"scale": 0.0}, "positive scale"),
        ({"rows": (1, 2)}, "each row once"),
        ({"rows": (1, 10**6)}, "expected rows from 0"),
        ({"auroc": Estimate(1.1, None, 5)}, "AUROC from 0 to 1"),
    ],
)
def test_contradictions_are_refused_when_written_and_when_read(run: Run, change: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_concept_vector(run, "one", replace(ONE, **change))
    write_concept_vector(run, "one", ONE)
    file = run.path / "concept_vectors" / "one.json"
    stored = json.loads(file.read_text())
    stored["concept_vector"] |= json.loads(json.dumps({key: asdict_value(value) for key, value in change.items()}))
    replace_json(file, stored | {"checksum": json_checksum(stored)})
    with pytest.raises(BrokenRunError, match=message):
        open_concept_vector(run, "one")


def asdict_value(value: Any) -> Any:
    return asdict(value) if isinstance(value, Estimate) else value


def test_what_json_cannot_hold_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match="finite"):
        write_concept_vector(run, "one", replace(ONE, threshold=float("nan")))
    with pytest.raises(InputError, match="concept vector"):
        write_concept_vector(run, "../one", ONE)


def test_missing_damaged_and_newer_vectors_are_refused(run: Run) -> None:
    write_concept_vector(run, "one", ONE)
    with pytest.raises(InputError, match="has no concept vector 'two'; it has one"):
        run.concept_vector("two")
    file = run.path / "concept_vectors" / "one.json"
    stored = json.loads(file.read_text())
    for changed, error, message in (
        ({"schema": "2.0"}, InputError, "update whyset"),
        ({"concept_vector": []}, BrokenRunError, "expected a JSON object"),
        ({"concept_vector": stored["concept_vector"] | {"vector": "x"}}, BrokenRunError, "vector"),
    ):
        content = stored | changed
        replace_json(file, content | {"checksum": json_checksum(content)})
        with pytest.raises(error, match=message):
            run.concept_vector("one")
    file.write_text(json.dumps(stored | {"name": "other"}))
    with pytest.raises(BrokenRunError, match="checksum"):
        run.concept_vector("one")
    assert [problem.kind for problem in run.verify()] == ["damaged"]


def test_vectors_of_other_commits_are_outdated_and_strays_are_reported(run: Run) -> None:
    write_concept_vector(run, "one", ONE)
    file = run.path / "concept_vectors" / "one.json"
    content = json.loads(file.read_text()) | {"data": "sha256:other"}
    replace_json(file, content | {"checksum": json_checksum(content)})
    (run.path / "concept_vectors" / "notes.txt").write_text("")
    assert sorted(problem.kind for problem in run.verify()) == ["outdated", "stray"]


def test_an_exported_vector_needs_numpy_only(tmp_path: Path) -> None:
    ONE.export(tmp_path / "one.npz")
    with np.load(tmp_path / "one.npz", allow_pickle=False) as arrays:
        assert arrays["vector"].tolist() == [0.5, -1.0]
        assert (str(arrays["layer"]), int(arrays["channel_axis"]), str(arrays["weights_hash"])) == ("layer2", 1, "ab")


def test_the_page_names_each_field() -> None:
    section = PAGE.partition("## `concept_vectors/<name>.json`")[2].partition("\n## ")[0]
    missing = [
        part.name for kind in (ConceptVector, TcavScore) for part in fields(kind) if f"`{part.name}`" not in section
    ]
    assert missing == []
