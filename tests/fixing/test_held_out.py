"""Fixed models on held-out samples: numbers by hand, and what is recommended."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask
from whyset.fixing.held_out import (
    Goal,
    HeldOutChange,
    HeldOutPredictions,
    compare_held_out,
    draw_held_out,
    predict_held_out,
    recommend,
)
from whyset.store.effects.records import Estimate


def make_predictions(inserted, null, free):
    """Ten hosts of class 1, and as many free samples of each of two classes; the evidence is of class 0."""
    return HeldOutPredictions(
        0, np.ones(10, np.int64), np.ones(10, np.int64), *map(np.array, (inserted, null)),
        np.repeat([1, 2], [9, 1]), np.repeat([0, 1], 10), np.array(free),
    )  # fmt: skip


BEFORE = make_predictions([0] * 9 + [1], [0] + [1] * 9, [0] * 10 + [1] * 10)
CONTROL = make_predictions([0] * 9 + [1], [0] + [1] * 9, [0] * 10 + [1] * 8 + [0] * 2)
AFTER = make_predictions([0] * 3 + [1] * 7, [0] + [1] * 9, [0] * 9 + [1] * 11)


def test_numbers_are_those_by_hand():
    """Of an effect of 0.9 − 0.1, 0.3 − 0.1 remains; of ten hosts one was right, nine could be, seven are."""
    found = compare_held_out(BEFORE, AFTER, CONTROL)
    assert found.effect == pytest.approx(0.8)
    assert found.reduced.value == pytest.approx(0.75)
    assert found.regained.value == pytest.approx(0.75)
    assert found.accuracy.value == pytest.approx(19 / 20 - 18 / 20)
    assert found.own_class.value == pytest.approx(-0.1)
    for one in (found.reduced, found.regained, found.accuracy, found.own_class):
        assert one.interval[0] <= one.value <= one.interval[1]
    assert (found.reduced.n_samples, found.accuracy.n_samples, found.own_class.n_samples) == (10, 20, 10)


def test_without_an_effect_there_is_nothing_to_reduce():
    found = compare_held_out(replace(BEFORE, inserted=np.ones(10, np.int64)), AFTER, CONTROL)  # no host turns
    assert np.isnan(found.reduced.value)
    assert found.reduced.interval is None
    assert set(Goal().find_missed(found)) >= {"reduced", "regained"}


def test_without_more_effect_than_the_rest_of_the_class_all_of_it_counts():
    """Nine of ten hosts turn, and all by the null: three of ten after the fix are a reduction by two thirds."""
    found = compare_held_out(replace(BEFORE, null=np.zeros(10, np.int64)), AFTER, CONTROL)
    assert found.effect == pytest.approx(-0.1)
    assert found.reduced.value == pytest.approx(1 - 3 / 9)


def make_change(reduced=0.9, regained=0.9, accuracy=0.0, own_class=0.0, half=0.01):
    values = (reduced, regained, accuracy, own_class)
    return HeldOutChange(*(Estimate(one, (one - half, one + half), 9) for one in values), effect=0.5)


def test_the_fix_that_removes_most_of_those_that_reach_the_goal_is_recommended():
    changes = {"weak": make_change(0.5), "gentle": make_change(0.85), "strong": make_change(0.95)}
    changes["costly"] = make_change(0.99, own_class=-0.04, half=0.02)
    found = recommend(changes)
    assert found.method == "strong"
    assert found.reason == "Of 2 fixes that reach the goal on held-out samples, it removes most of the effect."
    assert recommend(changes, Goal(own_class=-0.05)).method == "costly"


def test_a_value_below_the_goal_is_refused_only_with_its_interval():
    one = {"costly": make_change(own_class=-0.05, half=0.01)}
    assert recommend(one).method is None
    one["costly"] = make_change(own_class=-0.05, half=0.03)
    assert recommend(one).method == "costly"
    assert recommend(one).reason == "No fix is better on held-out samples; uncertain: own class."
    assert recommend(one | {"less costly": make_change(own_class=-0.04, half=0.03)}).method == "less costly"
    assert recommend(one | {"good": make_change(0.81)}).method == "good"


def test_none_helped_is_said_with_the_reasons():
    found = recommend({"costly": make_change(accuracy=-0.03), "weak": make_change(0.5, np.nan)})
    assert found.method is None
    assert found.reason == "None helped: costly misses accuracy; weak misses reduced, regained (unknown)."
    assert recommend({}).method is None


def test_no_fix_is_recommended_for_an_effect_that_may_be_chance():
    """One of 60 hosts is turned; a fix that changes nothing else turns it back."""
    ones, free = np.ones(60, np.int64), np.repeat([0, 1], 60)
    first = np.where(np.arange(60) < 1, 0, 1)
    before = HeldOutPredictions(0, ones, ones, first, ones, ones, free, free)
    after = replace(before, inserted=ones)
    found = compare_held_out(before, after, before)
    assert np.isnan(found.reduced.value)
    assert found.effect == pytest.approx(1 / 60)
    assert recommend({"fix": found}).reason == "None helped: fix misses reduced (unknown)."
    many = replace(before, inserted=np.where(np.arange(60) < 6, 0, 1))
    assert recommend({"fix": compare_held_out(many, after, many)}).method == "fix"


@pytest.fixture
def task():
    """The model predicts the feature with the largest value; the evidence of a carrier is feature 0."""
    x = torch.eye(3)[[0] * 8 + [1] * 6 + [2] * 6] + 0.0
    x[:3, 0] = 5.0
    labels = np.repeat([0, 1, 2], [8, 6, 6])
    labels[19] = -1

    def insert(sources, hosts, host):
        changed = host.clone()
        changed[:, 0] = x[sources, 0]
        return changed

    return FixTask(nn.Identity(), lambda rows: x[rows], labels, 0, np.arange(3), np.arange(3), insert)


def test_hosts_are_of_other_classes_and_sources_carriers_or_not(task):
    trial = draw_held_out(task)
    assert sorted(trial.hosts) == list(range(8, 19))
    assert set(trial.carriers) <= {0, 1, 2}
    assert set(trial.rest) <= set(range(3, 8))
    assert trial.free.tolist() == list(range(3, 19))
    found = predict_held_out(task, task.model, trial)
    assert found.turned.all()
    assert found.null_turned.all(), "of two equal values, the first one is predicted"
    assert found.right.all()
    assert (found.inserted_other == found.hosts).all()
    assert len(draw_held_out(task, 4).hosts) == 4


def test_without_a_rest_of_the_class_hosts_are_the_null(task):
    task = replace(task, carriers=np.arange(8))
    found = predict_held_out(task, task.model, draw_held_out(task))
    assert found.turned.all()
    assert not found.null_turned.any()
    change = compare_held_out(found, found, found)
    assert np.isnan(change.own_class.value)
    assert change.reduced.value == 0


def test_tasks_without_carriers_are_refused(task):
    with pytest.raises(InputError, match="got 0 and 11"):
        draw_held_out(replace(task, carriers=np.array([], np.int64)))
