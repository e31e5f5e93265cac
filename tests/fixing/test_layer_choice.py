"""The fixes without training on a network whose use of a patch is known, and the choice of their layers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.errors import InputError, NotTestedError
from whyset.fixing.fix_methods import FIX_METHODS, as_fix_method, parse_fix_method
from whyset.fixing.fix_task import FixTask
from whyset.fixing.fixed_model import load_fix
from whyset.fixing.layer_choice import list_views
from whyset.fixing.material import draw_trial, measure_outcome, predict, read_groups
from whyset.fixing.p_clarc import PClarc, ReactivePClarc
from whyset.fixing.projection import Projection
from whyset.fixing.restore import Restore
from whyset.fixing.suppress_channels import SuppressChannels

WITHOUT_TRAINING = [name for name, method in FIX_METHODS.items() if not method.changes_weights]


def turned(task: FixTask, model: Any) -> float:
    return measure_outcome(task, model, draw_trial(task, task.carriers)).turned


def test_the_patch_turns_all_hosts_and_the_clean_samples_are_recognized(task: FixTask) -> None:
    outcome = measure_outcome(task, task.model, draw_trial(task, task.carriers))
    assert (outcome.turned, outcome.recognized) == (1.0, 0.0)
    assert (outcome.accuracy, outcome.own_class) == (1.0, 1.0)


@pytest.mark.parametrize("name", WITHOUT_TRAINING)
def test_each_fix_cures_the_network_without_changing_clean_samples(task: FixTask, name: str, tmp_path: Any) -> None:
    before = {key: value.clone() for key, value in task.model.state_dict().items()}
    fixed = as_fix_method(name).apply(task)
    outcome = measure_outcome(task, fixed, draw_trial(task, task.carriers))
    assert outcome.turned <= 0.05
    assert outcome.recognized >= 0.95
    assert (outcome.accuracy, outcome.own_class) == (1.0, 1.0)
    assert fixed.remove() is task.model
    assert all(torch.equal(value, before[key]) for key, value in task.model.state_dict().items())
    assert not fixed.training
    assert "of 8 layers and poolings" in fixed.notes[0] or "layers and poolings" in fixed.notes[0]
    fixed.save(tmp_path / "fix.pt")
    x = task.read(np.arange(9))
    assert torch.equal(load_fix(tmp_path / "fix.pt", task.model)(x), fixed(x))


@pytest.mark.parametrize("samples", ["carriers", "transplants"])
def test_the_vector_of_a_given_layer_is_the_channel_of_the_patch(task: FixTask, samples: str) -> None:
    fixed = PClarc(layer="second", pooling="mean", samples=samples).apply(task)
    (change,) = fixed.changes
    assert isinstance(change, Projection)
    direction = change.directions[0] / change.directions[0].norm()
    assert float(direction[-1]) > 0.98
    assert turned(task, fixed) == 0
    assert (change.layer, change.channel_axis) == ("second", 1)
    free = np.setdiff1d(np.flatnonzero(task.labels == 0), task.carriers)
    if samples == "carriers":  # the reference is the mean of samples without the patch over all positions
        expected = task.model.second(task.model.first(task.read(free)).relu()).mean((0, 2, 3))
        torch.testing.assert_close(change.reference, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("where", ["concept", "class", "both"])
def test_a_reactive_fix_leaves_samples_without_the_condition_as_they_are(task: FixTask, where: str) -> None:
    fixed = ReactivePClarc(layer="second", where=where).apply(task)
    clean = task.read(np.flatnonzero(task.labels != 0))
    assert torch.equal(fixed(clean), task.model(clean))
    assert turned(task, fixed) == 0
    own = task.read(np.setdiff1d(np.flatnonzero(task.labels == 0), task.carriers))
    assert torch.equal(fixed(own), task.model(own)) == (where != "class")


def test_the_suppressed_channels_are_those_that_differ_most(task: FixTask) -> None:
    (change,) = SuppressChannels(layer="second").apply(task).changes
    assert change.suppressed.tolist() == [False, False, False, True]
    (change,) = SuppressChannels(layer="first", count=1).apply(task).changes
    assert change.suppressed.tolist() == [False, False, False, True, False]
    with pytest.raises(InputError, match="has 4 channels"):
        SuppressChannels(layer="second", count=5).apply(task)


def test_a_restoration_is_the_output_without_the_patch(task: FixTask) -> None:
    """The patch changes one channel by a step, which a linear map of that channel takes back."""
    fixed = Restore(layer="second", ridge=1e-9).apply(task)
    hosts = np.flatnonzero(task.labels == 1)
    x = task.read(hosts)
    changed = task.insert(np.resize(task.carriers, len(hosts)), hosts, x)
    before, after = task.model(changed) - task.model(x), fixed(changed) - task.model(x)
    assert after.abs().max() < 0.15 * before.abs().max()


def test_a_layer_at_which_a_fix_harms_is_not_chosen(task: FixTask) -> None:
    """With two patches that overlap with the class signal in all layers but the last, accuracy decides."""
    trial = draw_trial(task, task.carriers)
    for name in WITHOUT_TRAINING:
        outcome = measure_outcome(task, as_fix_method(name).apply(task), trial)
        assert outcome.accuracy >= 0.99


def test_the_choice_by_effect_uses_other_carriers_than_the_fit(task: FixTask, monkeypatch: Any) -> None:
    from whyset.fixing import layer_choice

    fitted, tried = [], []
    read, draw = read_groups, draw_trial
    monkeypatch.setattr(layer_choice, "read_groups", lambda *given: (fitted.append(set(given[2])), read(*given))[1])
    monkeypatch.setattr(layer_choice, "draw_trial", lambda *given: (tried.append(set(given[1])), draw(*given))[1])
    PClarc().apply(task)
    assert not fitted[0] & tried[0]
    assert fitted[0] | tried[0] == set(task.carriers.tolist())
    assert fitted[1] == set(task.carriers.tolist())  # the chosen one is fitted with all


def test_judging_samples_are_never_read(task: FixTask) -> None:
    read: list[int] = []
    counted = replace(task, read=lambda rows: (read.extend(np.asarray(rows).tolist()), task.read(rows))[1])
    PClarc(layer="second").apply(counted)
    assert set(read) <= set(range(len(task.labels)))


def test_a_class_whose_samples_all_carry_the_evidence_is_compared_with_others(task: FixTask) -> None:
    everyone = replace(task, carriers=np.flatnonzero(task.labels == 0))
    view = list_views(task.model, task.read(np.arange(2)), "second", "mean")
    groups = read_groups(everyone, view, everyone.carriers, "carriers")
    assert len(groups.others[view[0]]) == (task.labels != 0).sum()
    outcome = measure_outcome(everyone, task.model, draw_trial(everyone, everyone.carriers))
    assert np.isnan(outcome.own_class)
    PClarc(layer="second").apply(everyone)


def test_scores_of_a_model_with_other_outputs_are_those_of_the_task(task: FixTask) -> None:
    class Named(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.inner(x)}

    named = replace(task, model=Named(task.model).eval(), get_scores=lambda model, x: model(x)["logits"])
    rows = np.arange(20)
    assert predict(named, named.model, iter([task.read(rows)])).tolist() == task.labels[rows].tolist()
    fixed = PClarc(layer="inner.second").apply(named)
    assert turned(named, fixed) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p_clarc:choice=luck", "choice: expected one of effect, auroc"),
        ("p_clarc:samples=all", "samples: expected one of carriers, transplants"),
        ("p_clarc:pooling=min", "pooling: expected one of max, mean"),
        ("p_clarc:layer=nothing", "nothing"),
        ("p_clarc:method=lda", "unknown concept method 'lda'"),
    ],
)
def test_wrong_options_are_refused(task: FixTask, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_fix_method(text).apply(task)


@pytest.mark.parametrize(
    "text", ["reactive_p_clarc:where=never", "suppress_channels:count=0", "restore:ridge=-1", "p_clark"]
)
def test_wrong_methods_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_fix_method(text)


class Several(nn.Module):
    """A layer that runs twice, and one that returns two values."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.head = nn.Conv2d(4, 4, 1), nn.Linear(4, 3)
        self.pair = Pair()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pair(self.twice(self.twice(x).relu()))[0].mean((2, 3)))


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.inner(x)
        return y, y.sum()


class WithoutModules(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :3].mean((2, 3))


def test_a_layer_without_one_output_is_refused_and_never_chosen(task: FixTask) -> None:
    task = replace(task, model=Several().eval())
    with pytest.raises(InputError, match="layer 'twice' runs 2 times"):
        PClarc(layer="twice").apply(task)
    with pytest.raises(InputError, match="layer 'pair' returns a tuple"):
        PClarc(layer="pair").apply(task)
    views = list_views(task.model, task.read(np.arange(2)), None, None)
    assert {view.layer for view in views} == {"pair.inner"}
    with pytest.raises(NotTestedError, match="WithoutModules has no module that runs once"):
        PClarc().apply(replace(task, model=WithoutModules()))


@pytest.mark.parametrize("name", WITHOUT_TRAINING)
def test_tasks_without_carriers_are_refused_and_unknown_labels_are_not_judged(task: FixTask, name: str) -> None:
    with pytest.raises(InputError, match=r"carry the evidence \(carriers\), got none"):
        as_fix_method(name).apply(replace(task, carriers=np.array([], np.int64)))
    unknown = replace(task, labels=np.where(np.arange(len(task.labels)) % 3 == 1, -1, task.labels))
    trial = draw_trial(unknown, task.carriers)
    assert (unknown.labels[trial.clean] >= 0).all()
    assert measure_outcome(unknown, unknown.model, trial).accuracy == 1.0
