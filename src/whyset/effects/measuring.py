"""`measure_effects`: what the evidence of samples does to the predictions of a model, as a record in the run."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyset.analysis.groups import group_samples
from whyset.display import resolve_progress
from whyset.effects.choice import choose_interventions
from whyset.effects.class_job import ClassRows, ClassTester, make_scores, read_relevance
from whyset.effects.effect_test import EffectTest
from whyset.effects.host_pool import draw_pool, read_inputs, read_pool
from whyset.effects.plan import Costs, Workload, make_plan
from whyset.engines import Engine, Progress, get_engine
from whyset.errors import InputError, NotTestedError, WhysetError
from whyset.interventions import Intervention, LayerChannels
from whyset.runner.consent import Trust
from whyset.runner.explaining import finishing
from whyset.runner.job import Job, ShardWorker, set_up
from whyset.runner.output_kinds import OUTPUT_KINDS, Logits, OutputKind
from whyset.runner.reopening import ReopenedRun, reopen
from whyset.runner.shard_duration import seconds_per_row
from whyset.runner.shard_writer import ShardWriter
from whyset.runner.sources import spread
from whyset.runner.sources.source import get_structure
from whyset.store import Run, open_run
from whyset.store.effects import EffectPlan, Effects, EffectsWriter, Planned, find_plan, open_writer
from whyset.store.remote import AnyPath

Measure = Callable[[ClassTester, ReopenedRun, Sequence[ClassRows]], Costs]

_TIMED = 8
"""Samples whose insertions are timed."""


@dataclass(frozen=True, eq=False)
class EffectJob:
    """The work of a test as it is sent to workers."""

    job: Job
    test: EffectTest
    interventions: tuple[Intervention, ...]
    pool: np.ndarray[Any, np.dtype[np.int64]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    classes: Mapping[int, ClassRows]
    plan: EffectPlan
    writer: EffectsWriter


def measure_effects(
    run: Run | str | AnyPath,
    test: EffectTest | None = None,
    *,
    model: torch.nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    engine: str | Engine = "serial",
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> Effects:
    """Measure what the evidence of the samples of a run does to the predictions of its model; store it in the run.

    Classes that are finished with the same configuration and from the same rows are kept, so an interrupted test
    continues where it stopped.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    test : EffectTest, optional
        The configuration, by default `EffectTest()`.
    model : torch.nn.Module, optional
        The model of the run, if it was given as an object; otherwise it is loaded as run.json states, if the run was
        made by this user on this machine or is trusted.
    dataset : object, optional
        The data set of the run, if it was given as an object.
    data : str or path, optional
        The path of the data if it has moved.
    device : str, optional
        The device; by default that of the run, if it is available.
    engine : str or Engine, default "serial"
        What tests the classes, one task for each.
    trust : bool or callable, default False
        Permission to execute the model file of a run of another user, as for a rerun.
    progress : bool or Progress, optional
        The display of progress, as for `explain`.

    Returns
    -------
    Effects
        The effects as they are stored in the run. If the run cannot be tested, for example because its model cannot be
        loaded, nothing is stored, and `problem` states the reason.

    Raises
    ------
    InputError
        An argument does not fit, or the model or the data are not those of the run (RunMismatchError).
    WhysetError
        The test of some class failed in an unexpected way; the other classes are finished.

    Examples
    --------
    >>> from whyset import open_run
    >>> effects = measure_effects(open_run("runs/small"))
    >>> effects.problem is None
    False
    """
    return measure_with(
        run, test, measure_costs, model=model, dataset=dataset, data=data, device=device, engine=engine, trust=trust,
        progress=progress,
    )  # fmt: skip


def measure_with(
    run: Run | str | AnyPath,
    test: EffectTest | None,
    measure: Measure,
    *,
    engine: str | Engine = "serial",
    progress: Progress | bool | None = None,
    **given: Any,
) -> Effects:
    """Measure effects, with a function that measures the costs."""
    test, said = EffectTest() if test is None else test, resolve_progress(progress)
    if not isinstance(test, EffectTest):
        raise InputError(f"test is {test!r}: expected an EffectTest, such as EffectTest(n_hosts=16), or None")
    opened = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    chosen = get_engine(engine)
    try:
        _require_kind(opened)
        with reopen(opened, chosen, said, **given) as reopened, torch.no_grad():
            _require_single_inputs(reopened)
            classes = list_classes(opened)
            began = time.perf_counter()
            job = _prepare(opened, test, reopened, classes, measure, said)
            _run_jobs(job, chosen, said)
            said.info(f"the test took {time.perf_counter() - began:.1f} s, without loading the model")
    except NotTestedError as error:
        return Effects(opened.path, test.name, problem=str(error))
    return opened.effects(test.name)


def list_classes(run: Run) -> list[ClassRows]:
    """List the classes with the rows that explain them; NotTestedError: there is none, or only one.

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


def _require_kind(run: Run) -> None:
    """Raise NotTestedError for outputs that are not exclusive classes."""
    name = run.config.output_kind_name
    if not issubclass(OUTPUT_KINDS.get(name, OutputKind), Logits):
        raise NotTestedError(
            f"outputs of kind {name} are not tested: expected exclusive classes, so that a prediction can turn into "
            "another one"
        )


def _require_single_inputs(reopened: ReopenedRun) -> None:
    """Raise NotTestedError for samples with several inputs."""
    if get_structure(reopened.job.source) is not None:
        raise NotTestedError("samples with several inputs are not tested: interventions change a single input")


def _prepare(
    run: Run, test: EffectTest, reopened: ReopenedRun, classes: Sequence[ClassRows], measure: Measure, said: Progress
) -> EffectJob:
    """Choose interventions and hosts, and make or continue the plan."""
    labels = _find_labels(run)
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
    pool: np.ndarray[Any, np.dtype[np.int64]],
    labels: np.ndarray[Any, np.dtype[np.int64]],
    measure: Measure,
) -> Planned:
    """Try each intervention on a few samples, measure the costs, and plan the test."""
    worker = ShardWorker(reopened.job, reopened.model, reopened.reading, ShardWriter())
    few = pool[spread(len(pool), 4 * test.n_needed_hosts)]
    tester = _make_tester(worker, test, tuple(interventions), few, labels)
    reasons = {one.describe(): reason for one in interventions if (reason := try_intervention(tester, one, classes))}
    if reasons and test.interventions is not None:
        raise InputError("; ".join(reasons.values()))
    kept = tuple(one for one in interventions if one.describe() not in reasons)
    if not kept:
        raise NotTestedError(f"no intervention can be tested: {'; '.join(reasons.values())}")
    costs = measure(replace(tester, interventions=kept), reopened, classes)
    passes = sum(2 if isinstance(one, LayerChannels) else 1 for one in kept)
    work = Workload(test, [len(one.rows) for one in classes], passes, len(pool))
    return Planned(make_plan(work, costs, sum(len(one.rows) for one in classes)), reasons)


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
    """Measure the seconds of an explanation and of an evaluation, each on a batch after a warm-up."""
    job = reopened.job
    with torch.enable_grad():
        explanation = seconds_per_row(reopened.model, reopened.reading, job.wanted, job.batch_size)
    if not math.isfinite(explanation):
        raise NotTestedError("the time of an explanation could not be measured, because the first samples failed")
    group = max(classes, key=tester.count_others)
    available, needed = tester.count_others(group), tester.test.n_needed_hosts
    if available < needed:
        raise NotTestedError(f"expected at least {needed} samples of other classes that can be hosts, got {available}")
    few = replace(group, rows=group.rows[:_TIMED])
    tester.time_trials(few)
    seconds, evaluations = tester.time_trials(few)
    return Costs(explanation, seconds / evaluations)


def _run_jobs(job: EffectJob, engine: Engine, said: Progress) -> None:
    """Test all classes; failures are reported at once, and raised when all others are finished."""
    failed: list[str] = []
    mine = engine.share.of(job.classes)
    said.start(len(mine), "classes")
    with finishing(said):
        for result in engine.map(_do, mine, setup=partial(_open_tester, job)):
            name = job.classes[result.task].name
            problem = result.value if result.error is None else result.error
            if problem is not None:
                said.info(f"{name}: {problem}")
            if result.error is not None:
                failed.append(f"{name}: {result.error}")
            said.advance(1)
    if failed:
        raise WhysetError(
            f"{len(failed)} of {len(mine)} classes could not be tested, the others are finished: {'; '.join(failed)}"
        )


def _open_tester(job: EffectJob) -> tuple[ClassTester, EffectJob]:
    return _make_tester(set_up(job.job), job.test, job.interventions, job.pool, job.labels), job


def _make_tester(
    worker: ShardWorker,
    test: EffectTest,
    interventions: tuple[Intervention, ...],
    pool: np.ndarray[Any, np.dtype[np.int64]],
    labels: np.ndarray[Any, np.dtype[np.int64]],
) -> ClassTester:
    with torch.no_grad():
        hosts = read_pool(pool, worker.reading, make_scores(worker), worker.job.batch_size)
    return ClassTester(worker, test, interventions, hosts, labels)


def _do(state: tuple[ClassTester, EffectJob], number: int) -> str | None:
    """Test one class, write the result, and return its problem or None."""
    tester, job = state
    group = job.classes[number]
    with torch.no_grad():
        effects = tester.test_class(group, job.plan)
    job.writer.write(group.listed, effects)
    return effects.problem


def _find_labels(run: Run) -> np.ndarray[Any, np.dtype[np.int64]]:
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
