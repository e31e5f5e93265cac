"""The search in the classes of a run whose effects are measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from whyset.analysis.finding_tracks import shares_most
from whyset.effects.class_job import ClassRows, ClassTester, draw_rows
from whyset.effects.host_pool import read_inputs
from whyset.effects.intervals import estimate_fraction
from whyset.findings.clusters import choose_clusters
from whyset.findings.concept import LEAST_SEEDS
from whyset.findings.confirmation import confirm
from whyset.findings.examples import Examples, make_examples
from whyset.findings.grouping import group_seeds
from whyset.findings.judgment import Judgment, judge
from whyset.findings.places import find_bounds, name_place
from whyset.findings.proposals import Proposal, choose_seeds, make_proposal
from whyset.findings.views import ChannelView, Features, choose_views, read_views
from whyset.interventions import Intervention
from whyset.store.effects import ClassEffects, EffectSummary, FreshTrials, InterventionEffects
from whyset.store.findings.records import Finding

Rows = NDArray[np.int64]

MOST_OTHERS = 8192
_HOSTS = 4
"""Hosts that the evidence of a seed is inserted into, to see what it changes."""


@dataclass(frozen=True, eq=False)
class FoundGroup:
    """A finding before it is ranked, with its examples."""

    finding: Finding
    examples: Examples


@dataclass(frozen=True, eq=False)
class Searcher:
    """Searches classes, one after another.

    `samples` are of all classes, and `values` have their views; those of other classes show who else has the evidence.
    `clusters` are the rows of the clusters of each class in the analyses of the run.
    """

    tester: ClassTester
    views: tuple[ChannelView, ...]
    samples: NDArray[np.int64]
    values: Mapping[ChannelView, Features]
    n_examples: int
    clusters: Mapping[str, tuple[Rows, ...]]

    def search_class(self, group: ClassRows, effects: ClassEffects) -> list[FoundGroup]:
        """Return the findings of a class, the same evidence once."""
        seeds = [(one, trials, choose_seeds(trials)) for one, trials in self._list_trials(group, effects)]
        seeds = [(one, trials, rows) for one, trials, rows in seeds if len(rows)]
        if not seeds:
            return []
        own = self._read_own(group)
        label = self.tester.labels[self.samples] != group.label
        others = {view: values[label] for view, values in self.values.items()}
        seed = self.tester.test.seed
        proposals = [
            make_proposal(one, trials, members, group.rows, own, others, seed)
            for one, trials, rows in seeds
            for members in self._group(group, one, rows)
        ]
        found = [self._confirm(group, one) for one in proposals]
        found.sort(key=lambda one: -one[2].score)
        kept: list[tuple[Proposal, EffectSummary, Judgment]] = []
        for one in found:
            if not any(shares_most(one[0].carriers, other[0].carriers) for other in kept):
                kept.append(one)
        return [self._make(group, *one) for one in kept]

    def _list_trials(
        self, group: ClassRows, effects: ClassEffects
    ) -> Iterator[tuple[InterventionEffects, FreshTrials]]:
        """Yield the trials of the candidates of each intervention, and those of as many samples of chosen clusters."""
        for one in effects.interventions:
            yield one, one.candidates
        clusters = self.clusters.get(group.listed.id, ())
        for number, (one, members) in enumerate(choose_clusters(effects.interventions, group.rows, clusters)):
            count = max(len(one.candidates.rows), 2 * LEAST_SEEDS)
            generator = np.random.default_rng([self.tester.test.seed, group.label, 6, number])
            rows = draw_rows(members, count, generator)
            yield one, self.tester.measure_rows(group, self._find_intervention(one), rows)

    def _group(self, group: ClassRows, effects: InterventionEffects, seeds: Rows) -> list[Rows]:
        """Divide seeds by what their evidence changes in hosts."""
        intervention = self._find_intervention(effects)
        changes: list[Mapping[ChannelView, Features]] = []
        for found in self.tester.insert(group, intervention, seeds, min(_HOSTS, self.tester.test.n_hosts)):
            if found.changed is None:
                return [seeds]
            before, after = (read_views(self.tester.worker.model, self.views, [x]) for x in (found.host, found.changed))
            shape = (*found.hosts.shape, -1)
            changes.append({view: (after[view] - before[view]).reshape(shape).mean(1) for view in self.views})
        joined = {view: np.concatenate([one[view] for one in changes]) for view in self.views}
        scales = {view: values.std(0) for view, values in self.values.items()}
        return [seeds[places] for places in group_seeds(joined, scales, LEAST_SEEDS)]

    def _confirm(self, group: ClassRows, proposal: Proposal) -> tuple[Proposal, EffectSummary, Judgment]:
        effect = confirm(self.tester, group, self._find_intervention(proposal.effects), proposal)
        return proposal, effect, judge(proposal, effect)

    def _make(self, group: ClassRows, proposal: Proposal, effect: EffectSummary, judgment: Judgment) -> FoundGroup:
        intervention, concept = self._find_intervention(proposal.effects), proposal.concept
        examples = make_examples(self.tester, group, intervention, proposal.best_seeds[: self.n_examples])
        run = self.tester.run
        bounds = [
            find_bounds(intervention, one.evidence[[place]], one.x[:1])
            for one in self.tester.insert(group, intervention, proposal.seeds, 1)
            for place in range(len(one.rows))
        ]
        carriers = concept.carriers
        return FoundGroup(
            Finding(
                class_id=group.listed.id,
                class_name=group.name,
                kind=judgment.kind,
                reason=judgment.reason,
                intervention=proposal.effects.intervention,
                text=proposal.effects.text,
                null_text=proposal.effects.null_text,
                seeds=tuple(proposal.seeds.tolist()),
                rows=tuple(proposal.carriers.tolist()),
                n_samples=len(proposal.rows),
                scores=tuple(np.round(concept.own[carriers], 3).tolist()),
                others_share=estimate_fraction(concept.other_carriers),
                specificity=estimate_fraction(concept.others <= np.median(concept.own[concept.seeds])),
                effect=effect,
                prevalence=estimate_fraction(carriers),
                score=judgment.score,
                place=name_place(bounds, tuple(self.tester.pool.x.shape[2:]), run.modality),
                modality=run.modality,
                exclusiveness=concept.exclusiveness,
                independence=concept.independence,
            ),
            examples,
        )

    def _find_intervention(self, effects: InterventionEffects) -> Intervention:
        return next(one for one in self.tester.interventions if one.describe() == effects.text)

    def _read_own(self, group: ClassRows) -> Mapping[ChannelView, Features]:
        samples = group.rows // self.tester.run.config.targets_per_sample
        return read_samples(self.tester, self.views, samples)


def make_searcher(
    tester: ClassTester, rows: NDArray[np.int64], n_examples: int, clusters: Mapping[str, tuple[Rows, ...]]
) -> Searcher:
    """Read the views of up to 8,192 samples of all classes."""
    samples = np.unique(rows // tester.run.config.targets_per_sample)
    if len(samples) > MOST_OTHERS:
        generator = np.random.default_rng([tester.test.seed, 5])
        samples = np.sort(generator.permutation(samples)[:MOST_OTHERS])
    views = choose_views(tester.worker.model, tester.pool.x[:2])
    values = read_samples(tester, views, samples)
    return Searcher(tester, views, samples, values, n_examples, clusters)


def read_samples(
    tester: ClassTester, views: Sequence[ChannelView], samples: NDArray[np.int64]
) -> Mapping[ChannelView, Features]:
    """Return the views of samples."""
    worker = tester.worker

    def batches() -> Iterator[Tensor]:
        for first in range(0, len(samples), worker.job.batch_size):
            part = samples[first : first + worker.job.batch_size]
            yield read_inputs(worker.reading, part.tolist(), worker.model)

    return read_views(worker.model, views, batches())
