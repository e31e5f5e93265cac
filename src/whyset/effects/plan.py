"""The plan of a test of effects: as many samples and candidates as the budget permits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from whyset.effects.effect_test import EffectTest
from whyset.errors import NotTestedError
from whyset.store.effects import EffectPlan

LEAST_SECONDS = 10.0
"""A test that takes less time than this is permitted by any budget: small runs are explained in a fraction of it."""
REMOVALS = 3
"""Evaluations of a sample besides those of hosts: of the sample itself, and without its evidence or its null."""
SELECTED = 4
"""Samples of the selection for each candidate, if not all samples take part in it."""
_MANY, _FEW = 10, 5
"""With more than the first, all samples are tested; with more than the second, half of them."""
_LEAST_TESTED = 0.25
"""Interventions are left out rather than more samples than this share leaves."""


@dataclass(frozen=True)
class Costs:
    """Measured seconds of one explanation, and of one evaluation of the model on a changed input."""

    explanation: float
    evaluation: float


@dataclass(frozen=True)
class Workload:
    """The evaluations of a test for classes of the given sizes.

    `passes` counts the evaluations of one insertion over all interventions: one for each, two for those that also need
    the output of a layer for the sample. `n_hosts` samples are evaluated once, to be hosts.
    """

    test: EffectTest
    sizes: Sequence[int]
    passes: int
    n_hosts: int

    def count(self, n_tested: int, n_selection: int, n_candidates: int, n_random: int) -> int:
        """Return the number of evaluations if at most so many samples of each class take part."""
        test = self.test
        of_candidate = 2 * test.n_candidate_hosts + REMOVALS
        of_random = 2 * test.n_hosts + REMOVALS
        each = 0
        for size in self.sizes:
            tested = min(size, n_tested)
            each += tested if tested > n_selection else 0
            each += min(tested, n_selection) * test.n_selection_hosts
            each += min(tested, n_selection, n_candidates) * of_candidate + min(size, n_random) * of_random
        return self.n_hosts + self.passes * each


@dataclass(frozen=True)
class Affordable:
    """The number of interventions that a budget allows, the plan for these, and the reason why others are left out."""

    n_interventions: int
    plan: EffectPlan
    reason: str = ""


def plan_affordable(work: Workload, passes: Sequence[int], costs: Costs, n_explanations: int) -> Affordable:
    """Plan a test of as many of the first interventions as the budget allows, with five candidates and a quarter of the
    samples at least.

    `passes` has the evaluations of one insertion for each intervention. Interventions that a test states are all kept.
    """
    whole = replace(work, passes=sum(passes))
    if work.test.interventions is not None:
        return Affordable(len(passes), make_plan(whole, costs, n_explanations))
    for count in range(len(passes), 0, -1):
        least = (min(_FEW, work.test.n_candidates), _LEAST_TESTED) if count > 1 else (2, 0.0)
        try:
            plan = make_plan(replace(work, passes=sum(passes[:count])), costs, n_explanations, *least)
        except NotTestedError:
            if count == 1:
                raise
            continue
        if count == len(passes):
            return Affordable(count, plan)
        largest = max(work.sizes)
        everything = whole.count(largest, largest, work.test.n_candidates, work.test.n_random)
        complete = everything * costs.evaluation / (costs.explanation * n_explanations)
        reason = f"the budget of {work.test.budget:g} does not allow it; {complete:.2g} would allow everything"
        return Affordable(count, replace(plan, complete=complete), reason)
    raise AssertionError("at least one intervention is planned")


def make_plan(
    work: Workload, costs: Costs, n_explanations: int, least: int = 2, least_tested: float = 0.0
) -> EffectPlan:
    """Plan a test within its budget.

    If the budget is too small for everything, all samples are screened on one host, and a share of them takes part in
    the selection: four for each candidate, of which there are fewer, but at least ten; and fewer random samples. If it
    is too small for this as well, not all samples are tested, but at least half of them with six candidates or more.

    Raises NotTestedError if the budget does not permit `least` candidates and the share `least_tested` of the samples.
    """
    test, largest = work.test, max(work.sizes)
    explained = costs.explanation * n_explanations
    complete = work.count(largest, largest, test.n_candidates, test.n_random)
    permitted = complete
    if test.budget is not None:
        permitted = int(max(test.budget * explained, LEAST_SECONDS) / costs.evaluation)

    def finish(n_tested: int, n_selection: int, n_candidates: int, n_random: int) -> EffectPlan:
        planned = work.count(n_tested, n_selection, n_candidates, n_random)
        return EffectPlan(
            n_explanations=n_explanations,
            explain_seconds=costs.explanation,
            evaluation_seconds=costs.evaluation,
            n_hosts=work.n_hosts,
            n_tested=None if n_tested >= largest else n_tested,
            n_selection=None if n_selection >= largest else n_selection,
            n_candidates=n_candidates,
            n_random=n_random,
            n_evaluations=planned,
            budget=test.budget,
            planned=planned * costs.evaluation / explained,
            complete=complete * costs.evaluation / explained,
        )

    if complete <= permitted:
        return finish(largest, largest, test.n_candidates, test.n_random)
    for n_candidates in range(test.n_candidates, least - 1, -1):
        n_selection = SELECTED * n_candidates
        n_random = max(2, test.n_random * n_candidates // test.n_candidates)
        n_tested = _find_largest(work, permitted, n_selection, n_candidates, n_random)
        share = 1.0 if n_candidates > _MANY else 0.5 if n_candidates > _FEW else least_tested
        if n_tested >= max(share * largest, min(n_selection, largest)):
            return finish(n_tested, n_selection, n_candidates, n_random)
    few = work.count(SELECTED * least, SELECTED * least, least, 2) * costs.evaluation / explained
    raise NotTestedError(
        f"the budget of {test.budget:g} times the time of explain ({explained:.3g} s) is too small for the "
        f"{len(work.sizes)} classes: expected at least {few:.2g}, and {complete * costs.evaluation / explained:.2g} "
        "for everything; give a larger budget (budget=, --budget) or fewer interventions"
    )


def _find_largest(work: Workload, permitted: int, n_selection: int, n_candidates: int, n_random: int) -> int:
    """Return the largest number of tested samples of a class, 0 if not even one is permitted."""
    low, high = 0, max(work.sizes)
    while low < high:
        middle = (low + high + 1) // 2
        if work.count(middle, n_selection, n_candidates, n_random) <= permitted:
            low = middle
        else:
            high = middle - 1
    return low
