"""A search end to end: a planted patch is found and confirmed, a clean network has no suspicion, and what is stored."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import whyset as ws
from whyset.effects.class_job import ClassTester
from whyset.engines import Static
from whyset.errors import InputError
from whyset.store.findings import Findings

TEST = ws.EffectTest(interventions=["window:side=3"], budget=None)


@pytest.fixture(scope="module")
def found(planted: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[ws.store.Run, Findings]:
    run = planted.explain(tmp_path_factory.mktemp("found") / "run")
    return run, ws.find(run, TEST, n_examples=3, progress=False)


def test_the_patch_is_the_only_suspicion_and_its_samples_are_named(planted: Any, found: Any) -> None:
    findings = found[1]
    suspicions = [one for one in findings if one.kind == "suspicion"]
    assert [one.class_name for one in suspicions] == ["0"]
    (one,) = suspicions
    assert findings[0] == one  # suspicions come first
    rows = set(one.rows)
    assert rows <= set(np.flatnonzero(planted.marked).tolist())
    assert len(rows) > 0.8 * planted.marked.sum()
    assert one.others_share.value < 0.01
    assert one.effect.turned.interval[0] > one.effect.null_turned.value + 0.3
    assert one.place is None  # the patch is anywhere
    assert "class 0: 2" in one.sentence


def test_the_effect_is_that_of_an_own_computation_on_marked_and_unmarked_samples(planted: Any, found: Any) -> None:
    """The patch, cut out where the test put it, turns about as many images as the finding says."""
    one = found[1][0]
    x, y = torch.from_numpy(planted.x), planted.y
    random = np.random.default_rng(1)
    checks = torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]]) * 2.5
    turned = []
    with torch.no_grad():
        for host in random.permutation(np.flatnonzero(y != 0))[:200]:
            changed = x[host].clone()
            top, left = random.integers(0, 14), random.integers(0, 18)
            changed[:, top : top + 3, left : left + 3] = checks
            turned.append(int(planted.module(changed[None]).argmax(1)) == 0)
    low, high = one.effect.turned.interval
    assert low - 0.1 < np.mean(turned) < high + 0.1


def test_the_effect_is_measured_on_carriers_that_no_effect_selected(
    found: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    run, findings = found
    copy = ws.open_run(shutil.copytree(run.path, tmp_path / "copy"))
    candidates = set(run.effects().get_class("0").effects.interventions[0].candidates.rows)
    measured: list[int] = []
    measure = ClassTester.measure_rows

    def record(self: ClassTester, group: Any, intervention: Any, rows: Any) -> Any:
        measured.extend(rows.tolist())
        return measure(self, group, intervention, rows)

    monkeypatch.setattr(ClassTester, "measure_rows", record)
    again = ws.find(copy, TEST, n_examples=3, progress=False)
    assert measured
    assert not set(measured) & candidates
    assert set(measured) <= {row for one in again for row in one.rows}
    assert again.findings == findings.findings


def test_examples_are_the_hosts_as_the_model_saw_them(planted: Any, found: Any) -> None:
    run, findings = found
    stored, (first, *_) = findings.examples(), findings
    assert stored.dtype == run.inputs.dtype
    assert stored.shape[1:] == run.inputs.shape[1:]
    for example in first.examples:
        assert planted.marked[example.row]
        assert planted.y[example.host_row] != 0
        ((top, bottom), (left, right)) = example.region
        host, source, changed = run.inputs[example.host_row], run.inputs[example.row], stored[example.index]
        expected = host.copy()
        expected[:, top:bottom, left:right] = source[:, top:bottom, left:right]
        assert np.abs(changed.astype(int) - expected).max() <= 1
        assert (example.before, example.after) == (planted.y[example.host_row], 0)
        assert example.probability_before < 0.5 < example.probability_after


def test_a_clean_network_has_no_suspicion(clean: Any, tmp_path: Path) -> None:
    findings = ws.find(clean.explain(tmp_path / "run"), TEST, progress=False)
    assert findings.problem is None
    assert findings.n_searched == 4
    assert [one for one in findings if one.kind == "suspicion"] == []


def test_findings_are_stored_and_verified(found: Any) -> None:
    run, findings = found
    again = ws.open_run(run.path).findings()
    assert again.findings == findings.findings
    assert again.effects_name == "effects"
    assert again.config["test"]["interventions"] == run.effects().config["interventions"]
    assert run.verify() == []
    frame = findings.table.to_pandas()
    assert frame["class"].iloc[0] == "0"


def test_a_model_object_finds_the_same(planted: Any, found: Any, tmp_path: Path) -> None:
    run = ws.explain(
        planted.module,
        (planted.x, planted.y),
        tmp_path / "run",
        composite="epsilon_plus",
        batch_size=32,
        progress=False,
    )
    one = ws.find(run, TEST, n_examples=0, model=planted.module, dataset=(planted.x, planted.y), progress=False)[0]
    assert (one.kind, one.rows) == ("suspicion", found[1][0].rows)
    assert one.examples == ()


def test_a_run_without_a_model_states_the_reason_and_stores_nothing(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(60, 3, 8, 6))
    run = ws.from_arrays(maps, out=tmp_path / "run", labels=[0, 1] * 30)
    findings = ws.find(run, progress=False)
    assert "its relevance maps were given" in findings.problem
    assert not (run.path / "findings").exists()


def test_wrong_arguments_are_refused_before_anything_is_computed(found: Any, tmp_path: Path) -> None:
    run = found[0]
    copy = shutil.copytree(run.path, tmp_path / "copy")
    shutil.rmtree(copy / "effects")
    shutil.rmtree(copy / "findings")
    for given, message in (
        ({"n_examples": -1}, "n_examples"),
        ({"name": "../up"}, "name of findings"),
        ({"test": "window"}, "EffectTest"),
    ):
        with pytest.raises(InputError, match=message):
            ws.find(ws.open_run(copy), progress=False, **given)
    assert not (copy / "effects").exists()


def test_a_rank_waits_for_the_classes_of_the_others(planted: Any, tmp_path: Path) -> None:
    run = planted.explain(tmp_path / "run")
    first = ws.find(run, TEST, engine=Static(0, 2), progress=False)
    assert first.problem == "2 classes are tested by other ranks: search again when these are finished"
    assert not (run.path / "findings").exists()
    last = ws.find(run, TEST, engine=Static(1, 2), progress=False)
    assert (last.problem, last.n_searched) == (None, 4)
