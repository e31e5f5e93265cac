"""The confirmation of a proposal: its evidence is measured again, on samples that no effect has selected."""

import numpy as np

from whyset.effects import summarize
from whyset.effects.class_job import ClassRows, ClassTester, draw_rows
from whyset.findings.proposals import Proposal
from whyset.interventions import Intervention
from whyset.store.effects import EffectSummary

_LEAST = 5
"""With fewer samples that no effect has selected, those that it has selected count."""


def confirm(tester: ClassTester, group: ClassRows, intervention: Intervention, proposal: Proposal) -> EffectSummary:
    """Measure the effect of samples with the evidence that took no part in the choice of seeds, drawn at random.

    Seeds were chosen by their effects, carriers by a concept vector. If fewer than five carriers took no part, the
    effect is that of the carriers which did.
    """
    fresh = np.setdiff1d(proposal.carriers, proposal.trials.rows)
    if len(fresh) < _LEAST:
        fresh = np.intersect1d(proposal.carriers, proposal.trials.rows)
    drawn = draw_rows(fresh, tester.test.n_random, np.random.default_rng([tester.test.seed, group.label, 4]))
    return summarize(tester.measure_rows(group, intervention, drawn))
