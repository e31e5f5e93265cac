"""The plan of a test of effects: as many samples and candidates as the budget permits."""

from collections.abc import Sequence
from dataclasses import dataclass

from whyset.effects.effect_test import EffectTest
from whyset.errors import NotTestedError
from whyset.store.effects import EffectPlan

LEAST_SECONDS = 10.0
"""A test that takes less time than this is permitted by any budget: small runs are explained in a fraction of it."""
REMOVALS = 3
"""Evaluations of a sample besides those of hosts: of the sample itself, and without its evidence or its null."""
_SELECTED = 4
"""Candidates are at most a quarter of the samples that they are selected from, if not all samples take part."""


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

    def count(self, n_selection: int, n_candidates: int, n_random: int) -> int:
        """Return the number of evaluations if at most so many samples of each class take part."""
        test = self.test
        of_candidate = 2 * test.n_candidate_hosts + REMOVALS
        of_random = 2 * test.n_hosts + REMOVALS
        each = sum(
            min(size, n_selection) * test.n_selection_hosts
            + min(size, n_selection, n_candidates) * of_candidate
            + min(size, n_random) * of_random
            for size in self.sizes
        )
        return self.n_hosts + self.passes * each


def make_plan(work: Workload, costs: Costs, n_explanations: int) -> EffectPlan:
    """Plan a test within its budget.

    With a budget that is too small for everything, the numbers of candidates and random samples are reduced together,
    to the largest at which at least four times as many samples as candidates take part in the selection.

    Raises NotTestedError if the budget does not permit two candidates.
    """
    test, largest = work.test, max(work.sizes)
    explained = costs.explanation * n_explanations
    complete = work.count(largest, test.n_candidates, test.n_random)
    permitted = complete
    if test.budget is not None:
        permitted = int(max(test.budget * explained, LEAST_SECONDS) / costs.evaluation)

    def finish(n_selection: int, n_candidates: int, n_random: int) -> EffectPlan:
        planned = work.count(n_selection, n_candidates, n_random)
        return EffectPlan(
            n_explanations=n_explanations,
            explain_seconds=costs.explanation,
            evaluation_seconds=costs.evaluation,
            n_hosts=work.n_hosts,
            n_selection=None if n_selection >= largest else n_selection,
            n_candidates=n_candidates,
            n_random=n_random,
            n_evaluations=planned,
            budget=test.budget,
            planned=planned * costs.evaluation / explained,
            complete=complete * costs.evaluation / explained,
        )

    for n_candidates in range(test.n_candidates, 1, -1):
        n_random = max(2, test.n_random * n_candidates // test.n_candidates)
        n_selection = _find_largest(work, permitted, n_candidates, n_random)
        if n_selection >= min(_SELECTED * n_candidates, largest):
            return finish(n_selection, n_candidates, n_random)
    least = work.count(_SELECTED * 2, 2, 2) * costs.evaluation / explained
    raise NotTestedError(
        f"the budget of {test.budget:g} times the time of explain ({explained:.3g} s) is too small for the "
        f"{len(work.sizes)} classes: expected at least {least:.2g}, and {complete * costs.evaluation / explained:.2g} "
        "for everything; give a larger budget (budget=, --budget) or fewer interventions"
    )


def _find_largest(work: Workload, permitted: int, n_candidates: int, n_random: int) -> int:
    """Return the largest number of samples of a class in the selection, 0 if not even one is permitted."""
    low, high = 0, max(work.sizes)
    while low < high:
        middle = (low + high + 1) // 2
        if work.count(middle, n_candidates, n_random) <= permitted:
            low = middle
        else:
            high = middle - 1
    return low
