"""The test of one class: selection of candidates, then trials on fresh hosts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.effects.effect_test import EffectTest
from whyset.effects.host_pool import HostChoice, HostPool, read_inputs
from whyset.effects.log_odds import LogOdds
from whyset.effects.summaries import summarize
from whyset.effects.trials import Trials, join_trials
from whyset.errors import InputError
from whyset.interventions import Evidence, InputIntervention, Intervention, LayerChannels
from whyset.runner.job import ShardWorker
from whyset.runner.score_model import ScoreModel
from whyset.store import Run
from whyset.store.analyses import ListedClass
from whyset.store.effects import ClassEffects, EffectPlan, FreshTrials, InterventionEffects, SelectionTrials

Rows = NDArray[np.int64]
_MOST_ON_PROCESSOR = 64
"""Insertions at once on a processor: costs are measured with as many, and larger batches of large inputs take more."""


@dataclass(frozen=True, eq=False)
class ClassRows:
    """The rows of a class that explain it: its number and name, and the rows in ascending order."""

    label: int
    name: str
    rows: Rows

    @property
    def listed(self) -> ListedClass:
        return ListedClass(f"{self.label:05d}", self.name)


@dataclass(frozen=True, eq=False)
class Insertions:
    """The evidence of n samples, each inserted into h hosts.

    Parameters
    ----------
    rows : ndarray of int
        The rows of the samples (n,).
    x : Tensor
        The samples (n, ...).
    evidence : Evidence
        Their evidence.
    hosts : ndarray of int
        The numbers of the hosts (n, h).
    before, after : Tensor
        The scores of the classes for the hosts, unchanged and changed (n h, classes).
    host : Tensor
        The hosts (n h, ...), those of a sample one after another.
    changed : Tensor or None
        The changed hosts; None if the intervention changes a layer.
    """

    rows: Rows
    x: Tensor
    evidence: Evidence
    hosts: Rows
    before: Tensor
    after: Tensor
    host: Tensor
    changed: Tensor | None


@dataclass(frozen=True, eq=False)
class ClassTester:
    """Tests classes, one after another, with a loaded model and hosts."""

    worker: ShardWorker
    test: EffectTest
    interventions: tuple[Intervention, ...]
    pool: HostPool
    labels: Rows
    """The class of each sample of the data set."""

    @property
    def run(self) -> Run:
        return self.worker.job.run

    def test_class(self, group: ClassRows, plan: EffectPlan) -> ClassEffects:
        """Test a class; one that cannot be tested has a problem."""
        rows, test = group.rows, self.test
        trials, model = self._make_trials(group)
        available, needed = trials.choice.count_others(group.label), test.n_needed_hosts
        if available < needed:
            problem = f"expected at least {needed} samples of other classes that can be hosts, got {available}"
            return ClassEffects(len(rows), problem=problem)
        generators = [np.random.default_rng([test.seed, group.label, stage]) for stage in (1, 2)]
        tested = draw_rows(rows, plan.n_tested, generators[0])
        random = draw_rows(rows, plan.n_random, generators[1])
        found: list[InterventionEffects] = []
        reasons: dict[str, str] = {}
        with count_inputs(model) as count:
            for intervention in self.interventions:
                try:
                    found.append(self._test(trials, intervention, tested, random, plan))
                except InputError as error:  # such as other classes without room for a span
                    reasons[intervention.describe()] = str(error)
        untestable = None if found else f"no intervention could be tested: {'; '.join(reasons.values())}"
        return ClassEffects(len(rows), len(tested), count(), untestable, reasons or None, tuple(found))

    def measure_rows(self, group: ClassRows, intervention: Intervention, rows: Rows) -> FreshTrials:
        """Return trials of given rows of a class on as many fresh hosts as random samples have."""
        return self._measure(self._make_trials(group)[0], intervention, rows, self.test.n_hosts)

    def insert(self, group: ClassRows, intervention: Intervention, rows: Rows, n_hosts: int) -> Iterator[Insertions]:
        """Insert the evidence of rows into their first fresh hosts; a host without room for it stays as it is."""
        trials, model = self._make_trials(group)
        for part, x, evidence in self._batches(intervention, rows, n_hosts):
            hosts = trials.choice.fresh(self._samples(part), n_hosts)
            places = self.pool.find(hosts.ravel())
            source = torch.arange(len(part), device=x.device).repeat_interleave(n_hosts)
            host, after, changed = self.pool.x[places], self.pool.scores[places].clone(), None
            kept = intervention.fits(evidence[source], host)
            given = (x[source[kept]], evidence[source[kept]], host[kept])
            after[kept] = intervention.insert_output(model, *given).float()
            if isinstance(intervention, InputIntervention):
                changed = host.clone()
                changed[kept] = intervention.insert(*given)
            yield Insertions(part, x, evidence, hosts, self.pool.scores[places], after, host, changed)

    def run_trials(self, group: ClassRows) -> int:
        """Run the trials of both stages with all rows of a group; return the number of evaluations."""
        trials, model = self._make_trials(group)
        with count_inputs(model) as count:
            for intervention in self.interventions:
                self._select(trials, intervention, group.rows, self.test.n_selection_hosts)
                self._measure(trials, intervention, group.rows, self.test.n_hosts)
            if self.pool.x.device.type == "cuda":
                torch.cuda.synchronize(self.pool.x.device)
            return count()

    def count_others(self, group: ClassRows) -> int:
        """Return the number of hosts of other classes."""
        return self._make_trials(group)[0].choice.count_others(group.label)

    def _test(
        self, trials: Trials, intervention: Intervention, tested: Rows, random: Rows, plan: EffectPlan
    ) -> InterventionEffects:
        screened = SelectionTrials()
        if plan.n_selection is not None and len(tested) > plan.n_selection:
            screened, _ = self._select(trials, intervention, tested, 1)
            tested = choose_candidates(screened, plan.n_selection)
        selected, without = self._select(trials, intervention, tested, self.test.n_selection_hosts)
        candidates = choose_candidates(selected, plan.n_candidates)
        fresh = self._measure(trials, intervention, candidates, self.test.n_candidate_hosts)
        drawn = self._measure(trials, intervention, random, self.test.n_hosts)
        return InterventionEffects(
            intervention=intervention.to_dict(),
            text=intervention.describe(),
            null_text=intervention.null_text,
            fill=self.test.get_fill(intervention).name,
            n_without_evidence=without,
            screening=screened,
            selection=selected,
            candidates=fresh,
            random=drawn,
            candidate_effect=summarize(fresh),
            random_effect=summarize(drawn),
        )

    def _select(
        self, trials: Trials, intervention: Intervention, chosen: Rows, n_hosts: int
    ) -> tuple[SelectionTrials, int]:
        """Return the trials on the first hosts of those that select, and the number of samples without evidence."""
        without = 0
        parts: list[SelectionTrials] = []
        for rows, x, evidence in self._batches(intervention, chosen, n_hosts):
            parts.append(trials.select(intervention, x, evidence, self._samples(rows), n_hosts))
            without += count_empty(evidence)
        return join_trials(chosen, parts, SelectionTrials), without

    def _measure(self, trials: Trials, intervention: Intervention, chosen: Rows, n_hosts: int) -> FreshTrials:
        fill = self.test.get_fill(intervention)
        parts = [
            trials.measure(intervention, fill, x, evidence, self._samples(rows), n_hosts)
            for rows, x, evidence in self._batches(intervention, chosen, n_hosts)
        ]
        return join_trials(chosen, parts, FreshTrials)

    def _batches(self, intervention: Intervention, rows: Rows, n_hosts: int) -> Iterator[tuple[Rows, Tensor, Evidence]]:
        """Yield rows with their inputs and evidence, so few that their insertions are about a batch of the run.

        On a processor they are at most 64. With 250 photographs of 128 x 128 pixels, memory was returned to the
        system and requested again in each layer, so that an insertion took up to three times the measured time.
        """
        on_processor = self.pool.x.device.type == "cpu"
        batch = min(self.worker.job.batch_size, _MOST_ON_PROCESSOR) if on_processor else self.worker.job.batch_size
        size = max(1, batch // n_hosts)
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            x = read_inputs(self.worker.reading, self._samples(part).tolist(), self.worker.model)
            yield part, x, intervention.select(x, read_relevance(self.run, intervention, part, x))

    def _samples(self, rows: Rows) -> Rows:
        return rows // self.run.config.targets_per_sample

    def _make_trials(self, group: ClassRows) -> tuple[Trials, ScoreModel]:
        job = self.worker.job
        labels = self.labels.copy()
        labels[self._samples(group.rows)] = group.label
        test = self.test
        choice = HostChoice(labels, self.pool.samples, test.n_selection_hosts, test.n_candidate_hosts, test.seed)
        model = make_scores(self.worker)
        log_odds = LogOdds(job.wanted.kind, job.wanted.output)
        return Trials(model, log_odds, self.pool, choice, group.label, test.seed), model


def make_scores(worker: ShardWorker) -> ScoreModel:
    """Return the model with the scores of the classes only, without contrasts and other derived values."""
    return worker.job.wanted.make_class_model(worker.model)


@contextmanager
def count_inputs(model: torch.nn.Module) -> Iterator[Callable[[], int]]:
    """Count the inputs that a model is called with in this block."""
    total = 0

    def count(_: torch.nn.Module, inputs: tuple[Tensor, ...], __: object) -> None:
        nonlocal total
        total += len(inputs[0])

    handle = model.register_forward_hook(count)
    try:
        yield lambda: total
    finally:
        handle.remove()


def choose_candidates(selected: SelectionTrials, count: int) -> Rows:
    """Return the rows with the largest share of turned hosts, and of equal ones the largest change of log-odds.

    They are in ascending order.
    """
    shares = np.asarray(selected.turned) / np.maximum(selected.hosts, 1)
    order = np.lexsort((np.asarray(selected.rows), -np.asarray(selected.log_odds), -shares))
    return np.sort(np.asarray(selected.rows, np.int64)[order[:count]])


def read_relevance(run: Run, intervention: Intervention, rows: Rows, x: Tensor) -> Tensor | None:
    """Read the relevance that an intervention chooses evidence by; InputError: the run does not have it."""
    if not intervention.needs_relevance:
        return None
    array = run.relevance
    if isinstance(intervention, LayerChannels):
        name = intervention.layer
        if name not in (*run.layers, *run.concepts):
            raise InputError(
                f"{run.path} has no relevance of layer {name!r}: explain with layers=[{name!r}] (--layer) or concepts= "
                "(--concept)"
            )
        array = run.concept(name) if name in run.concepts else run.layer(name)
    return torch.from_numpy(array[rows]).to(x.device)


def count_empty(evidence: Evidence) -> int:
    """Count the samples without evidence; a statistic always exists."""
    size = getattr(evidence, "size", None)
    return 0 if size is None else int((size == 0).sum())


def draw_rows(rows: Rows, count: int | None, generator: np.random.Generator) -> Rows:
    """Draw rows without repetition, in ascending order; all if there is no smaller count."""
    if count is None or count >= len(rows):
        return rows
    return np.sort(rows[generator.permutation(len(rows))[:count]])
