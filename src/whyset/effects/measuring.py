"""`measure_effects`: what the evidence of samples does to the predictions of a model, as a record in the run."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from whyset.display import resolve_progress
from whyset.effects.class_job import ClassTester
from whyset.effects.effect_test import EffectTest
from whyset.effects.preparation import (
    EffectJob,
    Measure,
    list_classes,
    make_tester,
    measure_costs,
    prepare,
    require_kind,
    require_single_inputs,
)
from whyset.engines import Engine, Progress, get_engine
from whyset.errors import InputError, NotTestedError, WhysetError
from whyset.runner.consent import Trust
from whyset.runner.explaining import finishing
from whyset.runner.job import set_up
from whyset.runner.reopening import reopen
from whyset.store import Run, open_run
from whyset.store.effects import Effects
from whyset.store.remote import AnyPath


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
        require_kind(opened)
        with reopen(opened, chosen, said, **given) as reopened, torch.no_grad():
            require_single_inputs(reopened)
            classes = list_classes(opened)
            began = time.perf_counter()
            job = prepare(opened, test, reopened, classes, measure, said)
            _run_jobs(job, chosen, said)
            said.info(f"the test took {time.perf_counter() - began:.1f} s, without loading the model")
    except NotTestedError as error:
        return Effects(opened.path, test.name, problem=str(error))
    return opened.effects(test.name)


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
    return make_tester(set_up(job.job), job.test, job.interventions, job.pool, job.labels), job


def _do(state: tuple[ClassTester, EffectJob], number: int) -> str | None:
    """Test one class, write the result, and return its problem or None."""
    tester, job = state
    group = job.classes[number]
    with torch.no_grad():
        effects = tester.test_class(group, job.plan)
    job.writer.write(group.listed, effects)
    return effects.problem
