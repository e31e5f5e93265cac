"""The plan: within its budget, whatever the sizes of classes, and complete if the budget allows it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.effects import EffectTest
from whyset.effects.plan import LEAST_SECONDS, Costs, Workload, make_plan, plan_affordable
from whyset.errors import NotTestedError

SIZES = st.lists(st.integers(1, 500), min_size=1, max_size=8)


def test_the_number_of_evaluations_is_counted_as_stated():
    work = Workload(EffectTest(), [100, 5], passes=3, n_hosts=70)
    of_candidates, of_random = 2 * 16 + 3, 2 * 8 + 3
    by_hand = (100 + 5) * 4 + (20 + 5) * of_candidates + (20 + 5) * of_random
    assert work.count(100, 100, 20, 20) == 70 + 3 * by_hand
    screened = 90 + (40 + 5) * 4 + (10 + 5) * of_candidates + (7 + 5) * of_random
    assert work.count(90, 40, 10, 7) == 70 + 3 * screened  # the small class is not screened


@given(SIZES, st.floats(0.05, 50), st.floats(1, 100), st.integers(1, 5))
def test_a_plan_is_within_its_budget_or_refused(sizes, budget, ratio, passes):
    work = Workload(EffectTest(budget=budget), sizes, passes, n_hosts=min(2048, sum(sizes)))
    costs = Costs(explanation=1000.0 * ratio, evaluation=1000.0)  # so slow that the least time is less than one
    permitted = budget * ratio * sum(sizes)
    try:
        plan = make_plan(work, costs, sum(sizes))
    except NotTestedError:
        assert permitted < work.count(8, 8, 2, 2)
        return
    assert plan.n_evaluations <= permitted * (1 + 1e-9)
    assert plan.planned <= budget * (1 + 1e-9)
    assert plan.n_candidates >= 2
    assert plan.n_random >= 2
    complete = work.count(max(sizes), max(sizes), 20, 20)
    assert plan.is_reduced == (plan.n_evaluations < complete)
    if complete <= permitted:
        assert (plan.n_tested, plan.n_selection, plan.n_candidates, plan.n_random) == (None, None, 20, 20)
    else:
        assert plan.n_selection in (None, 4 * plan.n_candidates)
    if plan.n_tested is not None:  # samples are left out only with few candidates, and as few as possible
        assert plan.n_candidates <= 10
        assert plan.n_candidates <= 5 or plan.n_tested >= max(sizes) / 2
        n_selection = 4 * plan.n_candidates
        assert work.count(plan.n_tested + 1, n_selection, plan.n_candidates, plan.n_random) > permitted * (1 - 1e-9)


@given(SIZES, st.floats(0.05, 20), st.integers(1, 5))
def test_chosen_interventions_are_left_out_rather_than_candidates(sizes, budget, count):
    work = Workload(EffectTest(budget=budget), sizes, count, n_hosts=min(2048, sum(sizes)))
    costs, permitted = Costs(explanation=5000.0, evaluation=1000.0), budget * 5.0 * sum(sizes)
    try:
        found = plan_affordable(work, [1] * count, costs, sum(sizes))
    except NotTestedError:
        assert permitted < replace(work, passes=1).count(8, 8, 2, 2)
        return
    assert found.plan.n_evaluations <= permitted * (1 + 1e-9)
    assert found.plan.n_candidates >= (2 if found.n_interventions == 1 else 5)
    if found.n_interventions > 1 and found.plan.n_tested is not None:
        assert found.plan.n_tested >= max(sizes) / 4
    assert bool(found.reason) == (found.n_interventions < count)
    if found.n_interventions < count:  # one more would not be affordable
        with pytest.raises(NotTestedError):
            make_plan(replace(work, passes=found.n_interventions + 1), costs, sum(sizes), 5, 0.25)
        assert found.plan.is_reduced


def test_interventions_that_are_given_are_never_left_out():
    work = Workload(EffectTest(interventions=["window:side=6", "frame"], budget=2.0), [50] * 10, 2, 500)
    costs = Costs(explanation=5000.0, evaluation=1000.0)
    found = plan_affordable(work, [1, 1], costs, 500)
    assert (found.n_interventions, found.plan.n_candidates) == (2, 3)
    assert plan_affordable(replace(work, test=EffectTest(budget=2.0)), [1, 1], costs, 500).n_interventions == 1


def test_without_a_budget_everything_is_planned():
    plan = make_plan(Workload(EffectTest(budget=None), [1000] * 10, 4, 2048), Costs(1e-9, 1.0), 10_000)
    assert not plan.is_reduced
    assert (plan.n_tested, plan.n_selection) == (None, None)


def test_with_less_than_everything_all_samples_are_screened():
    work = Workload(EffectTest(budget=3.0), [1000] * 10, passes=4, n_hosts=2048)
    plan = make_plan(work, Costs(2.5, 1.0), 10_000)
    assert plan.n_tested is None
    assert plan.n_selection == 4 * plan.n_candidates
    assert 10 < plan.n_candidates < 20


def test_with_still_less_there_are_ten_candidates_of_at_least_half_of_the_samples():
    work = Workload(EffectTest(budget=3.0), [1000] * 10, passes=6, n_hosts=2048)
    plan = make_plan(work, Costs(2.8, 1.0), 10_000)
    assert plan.n_candidates == 10
    assert 500 <= plan.n_tested < 1000


def test_a_test_of_a_few_seconds_is_permitted_by_any_budget():
    work = Workload(EffectTest(budget=1e-6), [50] * 3, 1, 150)
    assert not make_plan(work, Costs(1e-3, LEAST_SECONDS / work.count(50, 50, 20, 20)), 150).is_reduced
    assert make_plan(work, Costs(1e-3, 2 * LEAST_SECONDS / work.count(50, 50, 20, 20)), 150).is_reduced


def test_a_budget_that_is_too_small_says_what_is_needed():
    with pytest.raises(NotTestedError, match=r"expected at least .* for everything"):
        make_plan(Workload(EffectTest(budget=0.1), [100] * 1000, 4, 2048), Costs(1.0, 1.0), 100_000)
