"""The preparation of a test of effects: its classes, hosts and interventions, measured costs, and the plan."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from whyset.analysis.groups import group_samples
from whyset.effects.choice import choose_interventions
from whyset.effects.class_job import ClassRows, ClassTester, Rows, make_scores, read_relevance
from whyset.effects.effect_test import EffectTest
from whyset.effects.host_pool import draw_pool, read_inputs, read_pool
from whyset.effects.plan import Costs, Workload, plan_affordable
from whyset.engines import Progress
from whyset.errors import InputError, NotTestedError
from whyset.interventions import Intervention, LayerChannels
from whyset.runner.devices import placement
from whyset.runner.job import Job, ShardWorker
from whyset.runner.output_kinds import OUTPUT_KINDS, Logits, OutputKind
from whyset.runner.output_spec import explainer
from whyset.runner.reopening import ReopenedRun
from whyset.runner.shard_writer import ShardWriter
from whyset.runner.sources import spread
from whyset.runner.sources.source import get_structure
from whyset.runner.targets import label_tensor
from whyset.store import Run
from whyset.store.effects import EffectPlan, EffectsWriter, Planned, find_plan, open_writer

Measure = Callable[[ClassTester, ReopenedRun, Sequence[ClassRows]], Costs]

_TIMED = 8
"""Samples whose insertions are timed."""
_REPEATS = 3
_REPEAT_SECONDS = 2.0
"""Measurements are repeated as long as all of them took less."""


@dataclass(frozen=True, eq=False)
class EffectJob:
    """The work of a test as it is sent to workers."""

    job: Job
    test: EffectTest
    interventions: tuple[Intervention, ...]
    pool: Rows
    labels: Rows
    classes: Mapping[int, ClassRows]
    plan: EffectPlan
    writer: EffectsWriter


def require_kind(run: Run) -> None:
    """Raise NotTestedError for outputs that are not exclusive classes."""
    name = run.config.output_kind_name
    if not issubclass(OUTPUT_KINDS.get(name, OutputKind), Logits):
        raise NotTestedError(
            f"outputs of kind {name} are not tested: expected exclusive classes, so that a prediction can turn into "
            "another one"
        )


def require_single_inputs(reopened: ReopenedRun) -> None:
    """Raise NotTestedError for samples with several inputs."""
    if get_structure(reopened.job.source) is not None:
        raise NotTestedError("samples with several inputs are not tested: interventions change a single input")


def list_classes(run: Run) -> list[ClassRows]:
    """List the classes with the rows that explain them; NotTestedError: there is none.

    A row whose explained output is another one than the class of its group takes no part: its relevance is not that of
    evidence for the class.
    """
    try:
        groups = group_samples(run)
    except InputError as error:
        raise NotTestedError(str(error)) from error
    targets = run.column("target")
    found = [
        ClassRows(group.label, group.name, group.indices[targets[group.indices] == group.label])
        for group in groups
        if group.output is not None
    ]
    found = [one for one in found if len(one.rows)]
    if not found:
        raise NotTestedError(f"{run.path} has no explanation of a class by its own output")
    return found


def prepare(
    run: Run, test: EffectTest, reopened: ReopenedRun, classes: Sequence[ClassRows], measure: Measure, said: Progress
) -> EffectJob:
    """Choose interventions and hosts, and make or continue the plan."""
    labels = find_labels(run)
    hosts = np.unique(np.concatenate([one.rows for one in classes]) // run.config.targets_per_sample)
    example = read_inputs(reopened.reading, hosts[:1].tolist(), reopened.model)
    interventions = test.interventions or choose_interventions(run.modality, tuple(example.shape[1:]))
    pool = draw_pool(hosts, example.element_size() * example.numel(), test.seed)
    config = test.to_dict(interventions)
    listed = [one.listed for one in classes]
    planned = find_plan(run.path, test.name, config, listed)
    if planned is None:
        planned = _plan(run, test, interventions, reopened, classes, pool, labels, measure)
    writer = open_writer(run.path, test.name, config, listed, planned)
    planned = find_plan(run.path, test.name, config, listed) or planned  # another rank of this job may have been first
    for name, reason in planned.not_tested.items():
        said.info(f"{name} is not tested: {reason}")
    said.info(describe_plan(planned.plan, len(classes)))
    kept = tuple(one for one in interventions if one.describe() not in planned.not_tested)
    numbered = {number: one for number, one in enumerate(classes) if not writer.has(one.listed)}
    if len(numbered) < len(classes):
        said.info(f"{len(classes) - len(numbered)} of {len(classes)} classes are finished already and kept.")
    return EffectJob(reopened.job, test, kept, pool, labels, numbered, planned.plan, writer)


def _plan(
    run: Run,
    test: EffectTest,
    interventions: Sequence[Intervention],
    reopened: ReopenedRun,
    classes: Sequence[ClassRows],
    pool: Rows,
    labels: Rows,
    measure: Measure,
) -> Planned:
    """Try each intervention on a few samples, measure the costs, and plan the test."""
    worker = ShardWorker(reopened.job, reopened.model, reopened.reading, ShardWriter())
    few = pool[spread(len(pool), 4 * test.n_needed_hosts)]
    tester = make_tester(worker, test, tuple(interventions), few, labels)
    reasons = {one.describe(): reason for one in interventions if (reason := try_intervention(tester, one, classes))}
    if reasons and test.interventions is not None:
        raise InputError("; ".join(reasons.values()))
    kept = tuple(one for one in interventions if one.describe() not in reasons)
    if not kept:
        raise NotTestedError(f"no intervention can be tested: {'; '.join(reasons.values())}")
    costs = measure(replace(tester, interventions=kept), reopened, classes)
    passes = [2 if isinstance(one, LayerChannels) else 1 for one in kept]
    work = Workload(test, [len(one.rows) for one in classes], sum(passes), len(pool))
    found = plan_affordable(work, passes, costs, sum(len(one.rows) for one in classes))
    left_out = {one.describe(): found.reason for one in kept[found.n_interventions :]}
    return Planned(found.plan, reasons | left_out)


def try_intervention(tester: ClassTester, intervention: Intervention, classes: Sequence[ClassRows]) -> str | None:
    """Apply an intervention to one sample; return the reason if it cannot be applied."""
    row = classes[0].rows[:1]
    x = read_inputs(tester.worker.reading, (row // tester.run.config.targets_per_sample).tolist(), tester.worker.model)
    try:
        evidence = intervention.select(x, read_relevance(tester.run, intervention, row, x))
        host = tester.pool.x[:1]
        null = intervention.null(x, evidence, seeds=[0], others=host)
        for one in (evidence, null):
            if bool(intervention.fits(one, host).all()):
                intervention.insert_output(make_scores(tester.worker), x, one, host)
                intervention.remove_output(make_scores(tester.worker), x, one, tester.test.get_fill(intervention), host)
    except InputError as error:
        return str(error)
    return None


def measure_costs(tester: ClassTester, reopened: ReopenedRun, classes: Sequence[ClassRows]) -> Costs:
    """Measure the seconds of an explanation and of an evaluation, each after a warm-up, in turn and several times.

    On a processor they are processor time, which other programs on the machine hardly change.
    """
    group = max(classes, key=tester.count_others)
    available, needed = tester.count_others(group), tester.test.n_needed_hosts
    if available < needed:
        raise NotTestedError(f"expected at least {needed} samples of other classes that can be hosts, got {available}")
    few = replace(group, rows=group.rows[:_TIMED])
    clock = time.process_time if placement(reopened.model)[0].type == "cpu" else time.perf_counter
    with explaining(reopened, tester.pool.samples) as (explain, count):
        evaluations = tester.run_trials(few)
        explain()
        found: list[tuple[float, float]] = []
        began = clock()
        while len(found) < _REPEATS and clock() - began < _REPEAT_SECONDS:
            found.append((time_call(clock, explain), time_call(clock, lambda: tester.run_trials(few))))
    explanation, trials = (float(np.median(times)) for times in zip(*found, strict=True))
    return Costs(explanation / count, trials / evaluations)


def time_call(clock: Callable[[], float], do: Callable[[], object]) -> float:
    """Return the seconds of a call, at least a nanosecond, because clocks have a resolution."""
    began = clock()
    do()
    return max(clock() - began, 1e-9)


@contextmanager
def explaining(reopened: ReopenedRun, samples: Rows) -> Iterator[tuple[Callable[[], object], int]]:
    """Make a function that explains a batch of samples as `explain` does, and the number of its explanations."""
    job = reopened.job
    chosen = samples[spread(len(samples), job.batch_size)].tolist()
    batch = reopened.reading.gather(chosen)
    x = batch.place(job.source.preprocessing, *placement(reopened.model))
    labels = label_tensor(batch.labels, x.device)

    def call() -> object:
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            found = explain(x, labels, chosen)
        if x.device.type == "cuda":
            torch.cuda.synchronize(x.device)
        return found

    with explainer(reopened.model, job.wanted) as explain:
        yield call, len(chosen) * job.wanted.targets.count


def make_tester(
    worker: ShardWorker,
    test: EffectTest,
    interventions: tuple[Intervention, ...],
    pool: Rows,
    labels: Rows,
) -> ClassTester:
    with torch.no_grad():
        hosts = read_pool(pool, worker.reading, make_scores(worker), worker.job.batch_size)
    return ClassTester(worker, test, interventions, hosts, labels)


def find_labels(run: Run) -> Rows:
    """Return the class of each sample: its label, or the prediction where it is unknown."""
    each = run.config.targets_per_sample
    labels, predictions = run.labels[::each], run.column("prediction")[::each].astype(np.int64)
    return np.where(labels >= 0, labels, predictions)


def describe_plan(plan: EffectPlan, n_classes: int) -> str:
    """Describe a plan in one sentence."""
    samples = "all samples" if plan.n_tested is None else f"at most {plan.n_tested:,} samples"
    screened = "" if plan.n_selection is None else f" are screened, {plan.n_selection:,} of which"
    reduced = f" ({plan.complete:.2g} would allow everything)" if plan.is_reduced else ""
    return (
        f"{n_classes} classes: {samples} of each{screened} select {plan.n_candidates} candidates, and {plan.n_random} "
        f"are drawn at random; {plan.n_evaluations:,} evaluations of the model, planned as {plan.planned:.2g} times "
        f"the time of explain{reduced}"
    )
