"""The confirmation of a proposal: its evidence is measured again, on samples that no effect has selected."""

import numpy as np
from numpy.typing import NDArray

from whyset.effects import summarize
from whyset.effects.class_job import ClassRows, ClassTester
from whyset.findings.proposals import Proposal
from whyset.interventions import Intervention
from whyset.store.effects import EffectSummary

_LEAST = 5
"""With fewer samples that no effect has selected, the candidates count."""


def confirm(tester: ClassTester, group: ClassRows, intervention: Intervention, proposal: Proposal) -> EffectSummary:
    """Measure the effect of samples with the evidence that were no candidates, drawn at random.

    Candidates were selected by their effects, carriers by a concept vector. If fewer than five carriers were no
    candidates, the effect is that of the candidates which are carriers, on the hosts that did not select them.
    """
    candidates = proposal.effects.candidates
    fresh = np.setdiff1d(proposal.carriers, candidates.rows)
    if len(fresh) < _LEAST:
        fresh = np.intersect1d(proposal.carriers, candidates.rows)
    drawn = _draw(fresh, tester.test.n_random, [tester.test.seed, group.label, 4])
    return summarize(tester.measure_rows(group, intervention, drawn))


def _draw(rows: NDArray[np.int64], count: int, seed: list[int]) -> NDArray[np.int64]:
    if len(rows) <= count:
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])
