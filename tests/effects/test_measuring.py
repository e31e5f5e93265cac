"""A test of effects end to end: a planted patch, two stages, engines, interruptions, and runs that cannot be tested."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.effects import EffectTest, measure_effects
from whyset.effects.host_pool import HostChoice
from whyset.effects.measuring import measure_with
from whyset.effects.plan import Costs
from whyset.effects.trials import Trials
from whyset.engines import Local
from whyset.errors import InputError, RunMismatchError, WhysetError
from whyset.interventions import as_fill
from whyset.runner import ModelSource
from whyset.store.effects import open_effects

TEST = EffectTest(interventions=["window:side=3"], budget=None)
QUIET: dict[str, Any] = {"progress": False}


def get_line(effects: ws.store.effects.Effects, name: str) -> dict[str, Any]:
    (line,) = [line for line in effects.table.to_pylist() if line["class"] == name]
    return line


def test_the_class_with_the_planted_patch_has_by_far_the_largest_effect_on_fresh_hosts(planted, run):
    effects = measure_effects(run, TEST, **QUIET)
    marked, *clean = (get_line(effects, str(label)) for label in range(4))
    assert marked["candidate_turned"] > 0.8
    assert marked["candidate_turned_low"] > 0.6
    assert marked["candidate_null_turned"] < 0.1
    assert marked["random_turned"] < marked["candidate_turned_low"]  # half of the class has the patch
    for line in clean:
        assert line["candidate_turned"] < 0.1
        assert line["candidate_turned_low"] < 0.02
        assert line["candidate_difference"] < marked["candidate_difference_low"]
    candidates = effects.get_class("0").effects.interventions[0].candidates.rows
    assert planted.marked[list(candidates)].all()


def test_random_samples_include_those_that_were_not_selected(planted, run):
    found = measure_effects(run, TEST, **QUIET).get_class("0").effects.interventions[0]
    by_row = dict(zip(found.random.rows, found.random.turned, strict=True))
    assert not set(found.random.rows) <= set(found.candidates.rows)
    marked, others = ([by_row[row] for row in by_row if planted.marked[row] == one] for one in (True, False))
    assert min(len(marked), len(others)) > 5
    assert np.mean(marked) > np.mean(others) + 1  # the bump of the class is portable as well, and less so


def test_a_host_turns_if_its_prediction_becomes_the_class_as_an_own_computation_finds(planted, run):
    """The stored counts are those of a loop over samples and hosts that uses nothing but tensors."""
    found = measure_effects(run, TEST, **QUIET).get_class("0").effects.interventions[0]
    x, choice = torch.from_numpy(planted.x), HostChoice(planted.y, np.arange(240), 4, 16, 0)
    with torch.no_grad():
        before = planted.module(x).argmax(1)
        for row, turned in list(zip(found.candidates.rows, found.candidates.turned, strict=True))[:5]:
            relevance = torch.from_numpy(run.relevance[row]).sum(0).clamp(min=0)
            sums = relevance.unfold(0, 3, 1).unfold(1, 3, 1).sum((2, 3))
            top, left = divmod(int(sums.argmax()), sums.shape[1])
            count = 0
            for host in choice.fresh(np.array([row]), 16)[0]:
                changed = x[host].clone()
                changed[:, top : top + 3, left : left + 3] = x[row, :, top : top + 3, left : left + 3]
                count += int(planted.module(changed[None]).argmax(1) == 0 and before[host] != 0)
            assert turned == count


def test_hosts_that_select_are_never_fresh_hosts(run, monkeypatch):
    chosen: dict[int, dict[str, set[int]]] = {}
    for name in ("for_selection", "fresh", "for_null", "for_removal"):
        monkeypatch.setattr(HostChoice, name, record(getattr(HostChoice, name), name, chosen))

    def measure(*_: Any) -> Costs:
        chosen.clear()  # trials that measure the time are no part of the result
        return Costs(1.0, 1.0)

    measure_with(run, TEST, measure, **QUIET)
    tested = [stages for stages in chosen.values() if "fresh" in stages and "for_selection" in stages]
    assert len(tested) > 80
    for stages in tested:
        several = list(stages.values())
        assert sum(map(len, several)) == len(set.union(*several))
    assert {len(stages["fresh"]) for stages in tested} == {8, 16}
    labels = run.labels
    assert all(labels[host] != labels[row] for row, stages in chosen.items() for host in set.union(*stages.values()))


def record(method: Callable[..., Any], name: str, chosen: dict[int, dict[str, set[int]]]) -> Callable[..., Any]:
    def call(self: HostChoice, samples: np.ndarray, *given: int) -> np.ndarray:
        hosts = method(self, samples, *given)
        for sample, of_sample in zip(samples.tolist(), hosts.reshape(len(samples), -1).tolist(), strict=True):
            chosen.setdefault(sample, {}).setdefault(name, set()).update(of_sample)
        return hosts

    return call


def test_a_batch_on_a_processor_is_as_large_as_those_that_are_timed(planted, tmp_path, monkeypatch):
    """A larger one takes more time for each input than the plan expects."""
    run = planted.explain(tmp_path / "run", batch_size=200)
    monkeypatch.setattr(Trials, "select", record_sizes(Trials.select, sizes := []))
    monkeypatch.setattr(Trials, "measure", record_sizes(Trials.measure, sizes))
    measure_effects(run, TEST, **QUIET)
    assert 32 < max(sizes) <= 64


def record_sizes(method: Callable[..., Any], sizes: list[int]) -> Callable[..., Any]:
    def call(self: Trials, *given: Any) -> Any:
        x, n_hosts = next(one for one in given if isinstance(one, torch.Tensor)), given[-1]
        sizes.append(len(x) * n_hosts)
        return method(self, *given)

    return call


def test_workers_write_the_same_bytes(run, tmp_path, read_files):
    other = ws.open_run(shutil.copytree(run.path, tmp_path / "copy"))
    measure_effects(run, TEST, **QUIET)
    measure_effects(other, TEST, engine=Local(workers=2), **QUIET)
    assert len(read_files(run)) == 4
    assert read_files(run) == read_files(other)


def test_a_model_and_data_from_python_give_the_same_effects(planted, run, tmp_path):
    arrays = (planted.x, planted.y)
    given = {"composite": "epsilon_plus", "batch_size": 32, **QUIET}
    other = ws.explain(planted.module, arrays, tmp_path / "objects", **given)
    without = measure_effects(other, TEST, **QUIET)
    assert "the model was an object given from Python" in str(without.problem)
    found = measure_effects(other, TEST, model=planted.module, dataset=arrays, **QUIET)
    assert found.table.equals(measure_effects(run, TEST, **QUIET).table)


KILLED = """
import os, signal, sys
from whyset.effects import EffectTest, measure_effects
from whyset.store.effects.files import EffectsWriter
write, count = EffectsWriter.write, 0
def write_and_die(self, listed, effects):
    global count
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, listed, effects)
    count += 1
EffectsWriter.write = write_and_die
measure_effects(sys.argv[1], EffectTest(interventions=["window:side=3"]), progress=False)
"""


def test_a_killed_test_is_continued_with_the_same_plan_and_the_same_record(planted, run, tmp_path, read_files):
    test = replace(TEST, budget=3.0)
    killed = planted.explain(tmp_path / "killed")
    ended = subprocess.run([sys.executable, "-c", KILLED, str(killed.path)], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    begun = killed.effects()
    assert [one.problem is None for one in begun.classes] == [True, True, False, False]
    kept = read_files(killed)
    finished = measure_effects(killed, test, **QUIET)
    assert finished.plan == begun.plan
    assert {name: content for name, content in read_files(killed).items() if name in kept} == kept
    assert finished.table.equals(measure_effects(run, test, **QUIET).table)
    assert killed.verify() == []


def test_a_rank_takes_the_plan_of_the_one_that_was_first(run):
    """Another process stores its plan while this one measures the costs."""

    def measure(*_: Any) -> Costs:
        measure_with(run, TEST, lambda *_: Costs(5.0, 5.0), **QUIET)
        file = run.path / "effects" / "effects" / "00002.json"
        file.unlink()
        return Costs(1.0, 1.0)

    effects = measure_with(run, TEST, measure, **QUIET)
    assert effects.plan is not None
    assert effects.plan.explain_seconds == 5.0
    assert [one.problem for one in effects.classes] == [None] * 4


def test_finished_classes_are_kept_and_other_options_replace_them(run, read_files):
    measure_effects(run, TEST, **QUIET)
    written = {file: file.stat().st_mtime_ns for file in run.effects().path.glob("0*.json")}
    measure_effects(run, TEST, **QUIET)
    assert {file: file.stat().st_mtime_ns for file in written} == written
    other = measure_effects(run, replace(TEST, seed=1), **QUIET)
    assert other.config["seed"] == 1
    assert all(file.stat().st_mtime_ns > time for file, time in written.items())


@pytest.mark.parametrize("damage", ["torn", "changed", "of another class"])
def test_a_damaged_class_is_refused_reported_and_computed_again(damage, run, read_files):
    effects = measure_effects(run, TEST, **QUIET)
    good, file = read_files(run), effects.path / "00001.json"
    text = file.read_text()
    changed = {
        "torn": text[: len(text) // 2],
        "changed": text.replace('"n_samples": 60', '"n_samples": 61'),
        "of another class": (effects.path / "00002.json").read_text(),
    }
    assert changed[damage] != text
    file.write_text(changed[damage])
    (bad,) = [one for one in run.effects().classes if one.problem]
    assert bad.name == "1"
    assert bad.effects.interventions == ()
    assert len(run.effects().table) == 3
    (problem,) = run.verify()
    assert (problem.kind, problem.where) == ("damaged", "effects/effects/00001.json")
    measure_effects(run, TEST, **QUIET)
    assert read_files(run) == good


def test_a_changed_head_is_refused(run):
    file = measure_effects(run, TEST, **QUIET).path / "effects.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(WhysetError, match="its checksum does not match"):
        run.effects()
    assert [problem.kind for problem in run.verify()] == ["damaged"]


def test_the_budget_bounds_the_inputs_that_the_model_is_called_with(planted, tmp_path, monkeypatch):
    """Counted by a hook on the model; one explanation costs 30 evaluations here, and the budget is half of that."""
    run = planted.explain(tmp_path / "run")
    counts: list[int] = []

    def count(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        counts.append(len(inputs[0]))

    model = nn.Sequential(*planted.module)
    given = {"composite": "epsilon_plus", "batch_size": 32, **QUIET}
    run = ws.explain(model, (planted.x, planted.y), tmp_path / "counted", **given)
    before: list[int] = []

    def measure(*_: Any) -> Costs:
        before.append(sum(counts))
        return Costs(explanation=30.0, evaluation=1.0)

    model.register_forward_pre_hook(count)
    test = EffectTest(interventions=["window:side=3"], budget=0.5)
    effects = measure_with(run, test, measure, model=model, dataset=(planted.x, planted.y), **QUIET)
    used = sum(counts) - before[0]
    plan = effects.plan
    assert plan is not None
    assert plan.is_reduced
    assert used == sum(one.effects.n_evaluations for one in effects.classes) + plan.n_hosts
    assert used == plan.n_evaluations <= 0.5 * 30.0 * 240
    assert plan.n_evaluations > 0.8 * 0.5 * 30.0 * 240


def test_runs_without_a_model_are_not_tested(tmp_path):
    maps = np.random.default_rng(0).normal(size=(60, 2, 8, 6))
    run = ws.from_arrays(maps, out=tmp_path / "maps", labels=[0, 1] * 30, predictions=[0, 1] * 30)
    effects = measure_effects(run, **QUIET)
    assert "its relevance maps were given" in str(effects.problem)
    assert effects.classes == []
    assert len(effects.table) == 0
    assert not (run.path / "effects").exists()


def test_a_model_file_that_is_not_trusted_is_not_executed(planted, run, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
    executed, load = [], ModelSource.load
    monkeypatch.setattr(ModelSource, "load", lambda source: executed.append(source) or load(source))
    assert "add --trust" in str(measure_effects(run, TEST, **QUIET).problem)
    assert executed == []
    assert measure_effects(run, TEST, trust=True, **QUIET).problem is None
    assert len(executed) > 0


def test_moved_and_changed_data(planted, run, tmp_path):
    moved = tmp_path / "moved.npz"
    planted.data.rename(moved)
    try:
        assert "does not exist" in str(measure_effects(run, TEST, **QUIET).problem)
        assert measure_effects(run, TEST, data=moved, **QUIET).problem is None
        np.savez(tmp_path / "other.npz", images=planted.x + 1, labels=planted.y)
        with pytest.raises(RunMismatchError):
            measure_effects(run, replace(TEST, seed=1), data=tmp_path / "other.npz", **QUIET)
    finally:
        moved.rename(planted.data)


def test_another_model_is_refused(planted, run):
    other = nn.Sequential(nn.Flatten(), nn.Linear(640, 4))
    with pytest.raises(RunMismatchError, match="which the model does not have: it is another model"):
        measure_effects(run, TEST, model=other, **QUIET)


def test_other_kinds_of_outputs_are_not_tested(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    model = nn.Sequential(nn.Linear(5, 1))
    run = ws.explain(model, x, tmp_path / "run", output_kind="regression", target=0, **QUIET)
    assert "outputs of kind regression" in str(measure_effects(run, model=model, dataset=x, **QUIET).problem)


def test_too_few_hosts_are_a_reason(tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    model, dataset = nn.Sequential(nn.Linear(5, 3)), (x, np.arange(30) % 2)
    run = ws.explain(model, dataset, tmp_path / "run", **QUIET)
    problem = measure_effects(run, model=model, dataset=dataset, **QUIET).problem
    assert problem is not None
    assert "at least 22 samples of other classes" in problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"interventions": []},
        {"interventions": ["window"]},
        {"interventions": ["window:side=3", "window:side=3"]},
        {"interventions": 3},
        {"budget": 0},
        {"budget": "much"},
        {"n_hosts": 0},
        {"n_candidates": 1},
        {"seed": -1},
        {"fill": "sand"},
        {"name": "../effects"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError):
        EffectTest(**wrong)


def test_an_intervention_that_does_not_fit_the_inputs_is_refused_if_it_was_given(run):
    for wrong in ("token_span", "window:side=17", "layer_channels:layer=0"):
        with pytest.raises(InputError):
            measure_effects(run, EffectTest(interventions=[wrong]), **QUIET)
    assert not (run.path / "effects").exists()


def test_chosen_interventions_that_do_not_fit_are_left_out_with_the_reason(planted, tmp_path):
    """Maps of reduced size do not say where evidence is; frames and statistics need no relevance."""
    run = planted.explain(tmp_path / "pooled", pool=10)
    effects = measure_effects(run, EffectTest(n_candidates=2, n_random=2), **QUIET)
    assert list(effects.not_tested) == ["window of 3", "window of 5"]
    assert "not reduced in size" in effects.not_tested["window of 3"]
    assert len(effects.get_class("0").effects.interventions) == 4


def test_the_channels_of_a_layer_are_tested_by_their_recorded_relevance(planted, tmp_path):
    run = planted.explain(tmp_path / "run", concepts=["1"])
    effects = measure_effects(run, replace(TEST, interventions=["layer_channels:layer=1:count=2"]), **QUIET)
    line = get_line(effects, "0")
    assert line["candidate_turned"] > 0.5
    assert line["candidate_turned"] > 3 * line["candidate_null_turned"]


def test_removed_evidence_is_replaced_by_the_fill(run):
    test = EffectTest(interventions=["window:side=3", "frequency_band:low=0.25"], fill="mean")
    found = measure_effects(run, test, **QUIET).get_class("1").effects.interventions
    assert [one.fill for one in found] == ["mean", "mean"]
    assert found[0].random.null_removed is not None
    assert found[1].random.null_removed is None
    test = EffectTest(interventions=["color_statistics"], fill=as_fill("blur"))
    assert measure_effects(run, test, **QUIET).get_class("1").effects.interventions[0].fill == "host"


def test_an_effect_is_read_again_from_the_run(run):
    effects = measure_effects(run, TEST, **QUIET)
    assert open_effects(run.path).table.equals(effects.table)
    assert ws.open_run(run.path).effects().classes == effects.classes
