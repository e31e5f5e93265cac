"""The record of an evaluation: what is written is read again, and what contradicts itself is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from whyset.errors import BrokenRunError, InputError
from whyset.store.effects.records import Estimate
from whyset.store.evaluations import (
    EvaluatedSamples,
    ListedMetric,
    MetricValues,
    list_evaluations,
    open_evaluation,
    open_writer,
)
from whyset.store.evaluations.codec import samples_from_json, to_json, values_from_json
from whyset.store.jsonfile import json_checksum, read_json, replace_json
from whyset.store.remote import RemotePath
from whyset.store.verify_evaluations import verify_evaluations

SAMPLES = EvaluatedSamples((3, 5, 8), 0, "sha256:ab", None)
FORM: dict[str, Any] = {"name": "sparseness", "fields": {}}
METRIC = ListedMetric.of(FORM, "sparseness")
OTHER = ListedMetric.of({"name": "deletion", "fields": {"steps": 8}}, "deletion, steps 8")
VALUES = MetricValues(FORM, "sparseness", "higher", (0.5, None, 0.25), Estimate(0.375, (0.25, 0.5), 2), 0.1)
CURVES = replace(VALUES, fractions=(0.0, 0.5, 1.0), curves=((1.0, 0.5, 0.0), None, (0.5, 0.25, 0.0)))

numbers = st.floats(-1e6, 1e6)


@st.composite
def metric_values(draw: Any) -> MetricValues:
    n = draw(st.integers(0, 5))
    values = tuple(draw(st.lists(st.none() | numbers, min_size=n, max_size=n)))
    known = sum(value is not None for value in values)
    mean = Estimate(draw(numbers), draw(st.none() | st.tuples(numbers, numbers)), known) if known else None
    steps = draw(st.none() | st.integers(1, 3))
    curve = st.none() | st.tuples(*[numbers] * (steps or 0))
    return MetricValues(
        draw(st.just(FORM)),
        draw(st.text()),
        draw(st.sampled_from(["higher", "lower", None])),
        values,
        mean,
        draw(st.floats(0, 99)),
        None if steps is None else draw(st.tuples(*[numbers] * steps)),
        None if steps is None else tuple(draw(st.lists(curve, min_size=n, max_size=n))),
    )


@given(metric_values())
def test_values_are_read_as_they_were_stored(given: MetricValues) -> None:
    assert values_from_json(to_json(given), len(given.values)) == given


def test_samples_are_read_as_they_were_stored() -> None:
    assert samples_from_json(to_json(SAMPLES), 9) == SAMPLES


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"values": [0.5, 0.25]}, "a value for each of 3 samples, got 2"),
        ({"values": [0.5, None, "0.25"]}, "valid number"),
        ({"values": [0.5, 0.1, 0.25]}, "the mean of 3 defined values"),
        ({"mean": None}, "the mean of 2 defined values"),
        ({"better": "larger"}, "better"),
        ({"fractions": None}, "curves together with their positions"),
        ({"fractions": [0.0, 1.0]}, "curves of 2 steps"),
        ({"curves": [[1.0, 0.5, 0.0]]}, "a curve for each of 3 samples"),
        ({"problem": "no model"}, "no values of a metric that has a problem"),
    ],
    ids=str,
)
def test_contradictions_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BrokenRunError, match=message):
        values_from_json(to_json(CURVES) | changed, 3)


@pytest.mark.parametrize(
    ("rows", "message"), [([3, 9], "rows from 0 to 8, got 9"), ([5, 3], "ascending order"), ([3, 3], "ascending order")]
)
def test_rows_that_are_not_those_of_the_run_are_refused(rows: list[int], message: str) -> None:
    with pytest.raises(BrokenRunError, match=message):
        samples_from_json(to_json(SAMPLES) | {"rows": rows}, 9)


def test_nan_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC])
    with pytest.raises(InputError, match="nan"):
        writer.write(METRIC, replace(VALUES, values=(0.5, float("nan"), 0.25)))
    assert [file.name for file in writer.path.iterdir()] == ["evaluation.json"]


def test_equal_metrics_have_one_file_and_others_another(tmp_path: Path) -> None:
    assert ListedMetric.of({"fields": {}, "name": "sparseness"}, "sparseness") == METRIC
    assert ListedMetric.of({"name": "deletion", "fields": {"steps": 9}}, "deletion").id != OTHER.id
    writer = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC])
    writer.write(METRIC, VALUES)
    again = open_writer(tmp_path, "evaluation", SAMPLES, [OTHER])
    assert again.find(METRIC) == VALUES
    found = open_evaluation(tmp_path, n_rows=9)
    assert [(one.text, one.problem is None) for one in found.metrics] == [("sparseness", True), (OTHER.text, False)]
    assert [problem.kind for problem in verify_evaluations(tmp_path, 9)] == ["unfinished"]
    assert found.get_metric("sparseness").values == VALUES
    with pytest.raises(InputError, match=r"unknown metric .*did you mean sparseness\?"):
        found.get_metric("sparsenes")


def test_other_samples_replace_an_evaluation(tmp_path: Path) -> None:
    open_writer(tmp_path, "evaluation", SAMPLES, [METRIC, OTHER]).write(METRIC, VALUES)
    writer = open_writer(tmp_path, "evaluation", replace(SAMPLES, seed=1), [OTHER])
    assert writer.find(OTHER) is None
    assert [file.name for file in writer.path.iterdir()] == ["evaluation.json"]
    assert [one.text for one in open_evaluation(tmp_path).metrics] == [OTHER.text]


def test_a_metric_that_was_not_measured_is_measured_again(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC])
    writer.write(METRIC, MetricValues(FORM, "sparseness", "higher", problem="no model"))
    assert writer.find(METRIC) is None
    found = open_evaluation(tmp_path)
    assert found.metrics[0].problem == "no model"
    assert found.table.to_pylist()[0]["problem"] == "no model"
    assert list(verify_evaluations(tmp_path, 9)) == []
    assert "no model" in found._repr_html_()


@pytest.mark.parametrize("damage", ["torn", "changed", "of another metric", "of other samples"])
def test_a_damaged_metric_is_refused_and_reported(damage: str, tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC, OTHER])
    writer.write(METRIC, VALUES)
    writer.write(OTHER, VALUES)
    file = writer.path / f"{METRIC.id}.json"
    text = file.read_text()
    other = read_json(file) | {"config_hash": "sha256:00"}
    if damage == "of other samples":
        replace_json(file, other | {"checksum": json_checksum(other)})
    else:
        changed = {
            "torn": text[: len(text) // 2],
            "changed": text.replace("0.25", "0.75"),
            "of another metric": (writer.path / f"{OTHER.id}.json").read_text(),
        }
        file.write_text(changed[damage])
    assert writer.find(METRIC) is None
    (problem,) = verify_evaluations(tmp_path, 9)
    assert problem.kind == ("outdated" if damage == "of other samples" else "damaged")
    assert problem.where == f"evaluations/evaluation/{METRIC.id}.json"
    assert len(open_evaluation(tmp_path).table) == 1


def test_a_changed_head_is_refused_and_replaced(tmp_path: Path) -> None:
    file = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC]).path / "evaluation.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(BrokenRunError, match="its checksum does not match; evaluate again: whyset evaluate"):
        open_evaluation(tmp_path)
    assert [problem.kind for problem in verify_evaluations(tmp_path, 9)] == ["damaged"]
    open_writer(tmp_path, "evaluation", SAMPLES, [METRIC])
    assert open_evaluation(tmp_path).samples == SAMPLES


@pytest.mark.parametrize("schema", ["2.0", None])
def test_another_format_is_refused(schema: str | None, tmp_path: Path) -> None:
    file = open_writer(tmp_path, "evaluation", SAMPLES, [METRIC]).path / "evaluation.json"
    changed = read_json(file) | {"schema": schema}
    replace_json(file, changed | {"checksum": json_checksum(changed)})
    with pytest.raises(InputError, match="format version"):
        open_evaluation(tmp_path)


def test_evaluations_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it has none yet: whyset evaluate"):
        open_evaluation(tmp_path)
    open_writer(tmp_path, "mine", SAMPLES, [METRIC])
    with pytest.raises(InputError, match="it has mine"):
        open_evaluation(tmp_path)


def test_evaluations_are_kept_in_an_object_store() -> None:
    run = RemotePath(MemoryStore(), "runs/mine")
    open_writer(run, "evaluation", SAMPLES, [METRIC, OTHER]).write(METRIC, VALUES)
    open_writer(run, "evaluation", replace(SAMPLES, seed=1), [METRIC]).write(METRIC, VALUES)
    assert list_evaluations(run) == ["evaluation"]
    assert len(open_evaluation(run).table) == 1
    assert list(verify_evaluations(run, 9)) == []


def test_files_that_do_not_belong_to_it_are_strays(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "evaluation", SAMPLES, [])
    (writer.path / "notes.txt").write_text("mine")
    (tmp_path / "evaluations" / "empty").mkdir()
    assert [(one.kind, one.where) for one in verify_evaluations(tmp_path, 9)] == [
        ("stray", "evaluations/empty"),
        ("stray", "evaluations/evaluation/notes.txt"),
    ]


def test_the_table_and_the_mean_curve_are_those_of_the_values(tmp_path: Path) -> None:
    open_writer(tmp_path, "evaluation", SAMPLES, [METRIC]).write(METRIC, CURVES)
    (line,) = open_evaluation(tmp_path).table.to_pylist()
    expected = {"metric": "sparseness", "better": "higher", "mean": 0.375, "low": 0.25, "high": 0.5, "n_samples": 2}
    assert {name: line[name] for name in expected} == expected
    assert line["n_undefined"] == 1
    values = open_evaluation(tmp_path).metrics[0].values
    assert values is not None
    assert np.array_equal(values.mean_curve, [0.75, 0.375, 0.0])
    assert np.array_equal(values.array, [0.5, np.nan, 0.25], equal_nan=True)
