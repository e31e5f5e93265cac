"""The record of effects: what is written is read again, and what contradicts itself is refused."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from whyset.errors import BrokenRunError, InputError
from whyset.store.analyses import ListedClass
from whyset.store.effects import (
    ClassEffects,
    EffectPlan,
    EffectSummary,
    Estimate,
    FreshTrials,
    InterventionEffects,
    Planned,
    SelectionTrials,
    find_plan,
    open_effects,
    open_writer,
)
from whyset.store.effects.codec import class_effects_from_json, plan_from_json, to_json
from whyset.store.effects.files import list_effects
from whyset.store.jsonfile import json_checksum, read_json, replace_json
from whyset.store.remote import RemotePath
from whyset.store.verify_effects import verify_effects

PLAN = EffectPlan(100, 0.01, 0.002, 60, None, None, 20, 20, 5000, 3.0, 2.5, 2.5)
CLASSES = (ListedClass("00000", "cat"), ListedClass("00001", "dog"))
CONFIG: dict[str, Any] = {"seed": 0, "interventions": [{"name": "window", "fields": {"side": 3}}]}

shares = st.floats(0, 1).map(lambda value: round(value, 6))
estimates = st.builds(Estimate, shares, st.none() | st.tuples(shares, shares), st.integers(1, 99))


@st.composite
def fresh_trials(draw: Any) -> FreshTrials:
    n = draw(st.integers(0, 5))
    hosts = draw(st.lists(st.integers(1, 16), min_size=n, max_size=n))
    counts = [tuple(draw(st.integers(0, most)) for most in hosts) for _ in range(2)]
    changes = [tuple(draw(st.floats(-9, 9)) for _ in range(n)) for _ in range(3)]
    flags = [tuple(draw(st.booleans()) for _ in range(n)) for _ in range(3)]
    rows = tuple(draw(st.lists(st.integers(0, 99), min_size=n, max_size=n)))
    null_removed = draw(st.sampled_from([None, flags[2]]))
    return FreshTrials(
        rows, tuple(hosts), counts[0], changes[0], counts[1], changes[1], flags[0], flags[1], changes[2], null_removed
    )


summaries = st.builds(
    EffectSummary, estimates, estimates, estimates, estimates, st.none() | estimates, st.none() | estimates
)
effects = st.builds(
    ClassEffects,
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(0, 10**9),
    st.none() | st.text(),
    st.none() | st.dictionaries(st.text(), st.text(), max_size=2),
    st.lists(
        st.builds(
            InterventionEffects,
            st.just({"name": "window", "fields": {"side": [6, 4]}}),
            st.text(),
            st.text(),
            st.just("host"),
            st.integers(0, 9),
            st.sampled_from([SelectionTrials(), SelectionTrials((3, 4, 5), (1, 1, 1), (0, 1, 0), (0.5, 1.0, 0.0))]),
            st.just(SelectionTrials((3, 4), (4, 4), (0, 4), (0.5, -1.25))),
            fresh_trials(),
            fresh_trials(),
            summaries,
            summaries,
        ),
        max_size=2,
    ).map(tuple),
)


@given(effects)
def test_effects_are_read_as_they_were_stored(given: ClassEffects) -> None:
    assert class_effects_from_json(to_json(given), 100) == given


def test_a_plan_is_read_as_it_was_stored() -> None:
    assert plan_from_json(to_json(PLAN)) == PLAN
    assert not PLAN.is_reduced
    assert replace(PLAN, complete=4.0).is_reduced


ONE = InterventionEffects(
    {}, "window", "another", "host", 0, SelectionTrials(), SelectionTrials((3, 4), (4, 4), (0, 4), (0.5, 1.0)),
    FreshTrials(), FreshTrials(), *[EffectSummary(*[Estimate(0.5, None, 1)] * 4)] * 2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rows": [3]}, "columns of one length"),
        ({"rows": [3, 100]}, "rows from 0 to 99, got 100"),
        ({"rows": [3, -1]}, "rows from 0 to 99, got -1"),
        ({"turned": [0, 5]}, "counts from 0 to the number of hosts"),
        ({"turned": [0, "4"]}, "valid integer"),
        ({"log_odds": [0.5, None]}, "valid number"),
    ],
    ids=str,
)
def test_contradictions_are_refused(changed: dict[str, Any], message: str) -> None:
    stored: Any = to_json(ClassEffects(2, 2, 16, None, None, (ONE,)))
    stored["interventions"][0]["selection"] |= changed
    with pytest.raises(BrokenRunError, match=message):
        class_effects_from_json(stored, 100)


def test_nan_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(PLAN))
    bad = replace(ONE, selection=SelectionTrials((3,), (4,), (0,), (float("nan"),)))
    with pytest.raises(InputError, match="nan"):
        writer.write(CLASSES[0], ClassEffects(interventions=(bad,)))
    assert [file.name for file in writer.path.iterdir()] == ["effects.json"]


def test_a_test_is_continued_only_with_the_same_configuration_and_classes(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(PLAN, {"frame": "too wide"}))
    writer.write(CLASSES[0], ClassEffects(n_samples=3))
    assert find_plan(tmp_path, "effects", CONFIG, CLASSES) == Planned(PLAN, {"frame": "too wide"})
    assert find_plan(tmp_path, "effects", CONFIG | {"seed": 1}, CLASSES) is None
    assert find_plan(tmp_path, "effects", CONFIG, CLASSES[:1]) is None
    assert find_plan(tmp_path, "other", CONFIG, CLASSES) is None
    again = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(replace(PLAN, explain_seconds=9.0), {}))
    assert again == writer  # times of the first process are kept
    assert [again.has(one) for one in CLASSES] == [True, False]
    other = open_writer(tmp_path, "effects", CONFIG | {"seed": 1}, CLASSES, Planned(PLAN))
    assert [other.has(one) for one in CLASSES] == [False, False]
    found = open_effects(tmp_path)
    assert ["another configuration" in str(one.problem) for one in found.classes] == [True, False]
    assert [problem.kind for problem in verify_effects(tmp_path, 100)] == ["outdated", "unfinished"]


def test_effects_are_kept_in_an_object_store() -> None:
    run = RemotePath(MemoryStore(), "runs/mine")
    writer = open_writer(run, "effects", CONFIG, CLASSES, Planned(PLAN))
    writer.write(CLASSES[0], ClassEffects(2, 2, 16, None, None, (ONE,)))
    assert open_writer(run, "effects", CONFIG, CLASSES, Planned(PLAN)).has(CLASSES[0])
    assert list_effects(run) == ["effects"]
    assert len(open_effects(run).table) == 1
    assert [problem.kind for problem in verify_effects(run, 100)] == ["unfinished"]


def test_files_that_do_not_belong_to_it_are_strays(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "effects", CONFIG, (), Planned(PLAN))
    (writer.path / "notes.txt").write_text("mine")
    (tmp_path / "effects" / "empty").mkdir()
    assert [(one.kind, one.where) for one in verify_effects(tmp_path, 100)] == [
        ("stray", "effects/empty"),
        ("stray", "effects/effects/notes.txt"),
    ]


@pytest.mark.parametrize("schema", ["2.0", "0.9", None])
def test_another_format_is_refused(schema: str | None, tmp_path: Path) -> None:
    file = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(PLAN)).path / "effects.json"
    changed = read_json(file) | {"schema": schema}
    replace_json(file, changed | {"checksum": json_checksum(changed)})
    with pytest.raises(InputError, match="format version"):
        open_effects(tmp_path)


def test_effects_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it has none yet: whyset test-effects"):
        open_effects(tmp_path)
    open_writer(tmp_path, "mine", CONFIG, CLASSES, Planned(PLAN))
    with pytest.raises(InputError, match="it has mine"):
        open_effects(tmp_path, "effects")
    with pytest.raises(InputError, match="no class 'bird'; they have cat, dog"):
        open_effects(tmp_path, "mine").get_class("bird")


def test_the_table_has_the_estimates_of_the_record(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(PLAN))
    summary = replace(ONE.random_effect, turned=Estimate(0.25, (0.1, 0.5), 7), removed=Estimate(1.0, None, 1))
    writer.write(CLASSES[1], ClassEffects(9, 8, 100, None, None, (replace(ONE, random_effect=summary),)))
    (line,) = open_effects(tmp_path).table.to_pylist()
    expected = {"class": "dog", "intervention": "window", "samples": 9, "tested": 2, "candidates": 0, "random": 0}
    expected |= {"random_turned": 0.25, "random_turned_low": 0.1, "random_turned_high": 0.5, "random_removed": 1.0}
    expected |= {"random_removed_low": None, "candidate_turned": 0.5, "candidate_removed": None}
    assert {name: line[name] for name in expected} == expected
    assert set(asdict(summary)) == {name.removeprefix("random_") for name in line if name.startswith("random_")} - {
        f"{name}_{end}" for name in asdict(summary) for end in ("low", "high")
    }


def test_a_notebook_shows_a_line_for_each_class(tmp_path: Path) -> None:
    writer = open_writer(tmp_path, "effects", CONFIG, CLASSES, Planned(PLAN))
    writer.write(CLASSES[1], ClassEffects(9, 8, 100, None, None, (ONE,)))
    shown = open_effects(tmp_path)._repr_html_()
    assert "window: 0.50 of fresh hosts" in shown
    assert "it is not finished" in shown
