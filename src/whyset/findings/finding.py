"""`find`: what decides the predictions of a class though it should not, found and confirmed by experiments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.arguments import whole_number
from whyset.display import resolve_progress
from whyset.effects import EffectTest, measure_effects
from whyset.effects.class_job import ClassRows
from whyset.effects.preparation import list_classes, make_tester, measure_costs, prepare
from whyset.engines import Engine, Progress, get_engine
from whyset.errors import BrokenRunError, NotTestedError
from whyset.findings.clusters import read_clusters
from whyset.findings.searching import FoundGroup, Searcher, make_searcher
from whyset.findings.unconfirmed import list_unconfirmed
from whyset.runner.consent import Trust
from whyset.runner.explaining import finishing
from whyset.runner.job import set_up
from whyset.runner.reopening import reopen
from whyset.store import Run, open_run
from whyset.store.effects import Effects
from whyset.store.findings import Finding, Findings, write_findings
from whyset.store.jsonfile import JSON
from whyset.store.layout import safe_name
from whyset.store.remote import AnyPath

_ORDER = ("suspicion", "strategy", "not_confirmed")


def find(
    run: Run | str | AnyPath,
    test: EffectTest | None = None,
    *,
    name: str = "findings",
    n_examples: int = 6,
    model: torch.nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    engine: str | Engine = "serial",
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> Findings:
    """Find groups of samples that share portable evidence which other classes lack, and store them in the run.

    For each class and intervention, the candidates of a test of effects whose evidence turns fresh hosts are *seeds*. A
    concept vector of the seeds finds the other samples of the class that contain the same (expansion), and how many
    samples of other classes do (specificity); the effect is then measured again, on samples that it did not select. A
    finding is a *suspicion* if its evidence decides predictions, is rare in other classes, and the rest of the class is
    without it; otherwise it is a *strategy* of the model, and its reason says why.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    test : EffectTest, optional
        The test of effects that the search begins with, by default `EffectTest()`; its finished classes are kept.
    name : str, default "findings"
        The name of the findings in the run; findings of this name are replaced.
    n_examples : int, default 6
        The largest number of changed hosts that are stored for each finding.
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
        What tests the effects of the classes.
    trust : bool or callable, default False
        Permission to execute the model file of a run of another user, as for a rerun.
    progress : bool or Progress, optional
        The display of progress, as for `explain`.

    Returns
    -------
    Findings
        The findings as they are stored in the run, suspicions first. `problem` states why a run cannot be searched, for
        example because its model cannot be loaded; then the clusters that stand out in its analysis are the findings,
        which are not confirmed. They do not replace confirmed ones, and without an analysis nothing is stored.

    Raises
    ------
    InputError
        An argument does not fit, or the model or the data are not those of the run (RunMismatchError).
    WhysetError
        The test of some class failed in an unexpected way; the other classes are finished.

    Examples
    --------
    >>> from whyset import open_run
    >>> findings = find(open_run("runs/small"))
    >>> findings.problem is None
    True
    """
    safe_name(name, "name of findings")
    count = whole_number("n_examples", n_examples, least=0)
    said, chosen = resolve_progress(progress), get_engine(engine)
    opened = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    test = EffectTest() if test is None else test
    given: dict[str, Any] = {"model": model, "dataset": dataset, "data": data, "device": device, "trust": trust}
    effects = measure_effects(opened, test, engine=chosen, progress=said, **given)
    if effects.problem is not None:
        unconfirmed = list_unconfirmed(opened, effects.problem)
        found = Findings(opened.path, name, test.name, findings=unconfirmed, problem=effects.problem)
        return write_findings(opened, found) if unconfirmed and not _has_confirmed(opened, name) else found
    unfinished = [one.name for one in effects.classes if one.problem is not None]
    if unfinished and chosen.share.world > 1:
        problem = f"{len(unfinished)} classes are tested by other ranks: search again when these are finished"
        return Findings(opened.path, name, test.name, problem=problem)
    try:
        with reopen(opened, chosen, said, **given) as reopened, torch.no_grad():
            classes = list_classes(opened)
            job = prepare(opened, test, reopened, classes, measure_costs, said)
            tester = make_tester(set_up(job.job), test, job.interventions, job.pool, job.labels)
            clusters = read_clusters(opened, said)
            searcher = make_searcher(tester, np.concatenate([one.rows for one in classes]), count, clusters)
            result = _search(searcher, classes, effects, said)
    except NotTestedError as error:
        return Findings(opened.path, name, test.name, problem=str(error))
    options: dict[str, JSON] = {"n_examples": count, "n_clusters": sum(map(len, clusters.values()))}
    return _store(opened, name, test, options, result, effects)


def _has_confirmed(run: Run, name: str) -> bool:
    """True if the run has findings that experiments confirmed, which others must not replace."""
    if name not in run.finding_names:
        return False
    try:
        return run.findings(name).problem is None
    except BrokenRunError:
        return False


def _search(
    searcher: Searcher, classes: Sequence[ClassRows], effects: Effects, said: Progress
) -> tuple[list[FoundGroup], dict[str, str]]:
    """Return the findings in rank order, and why classes were not searched, by their id."""
    found: list[FoundGroup] = []
    reasons: dict[str, str] = {}
    said.start(len(classes), "classes")
    with finishing(said):
        for group, tested in zip(classes, effects.classes, strict=True):
            problem = tested.problem or tested.effects.problem
            if problem is not None:
                reasons[tested.id] = problem
            else:
                found += searcher.search_class(group, tested.effects)
            said.advance(1)
    found.sort(key=lambda one: (_ORDER.index(one.finding.kind), -(one.finding.score or 0.0)))
    return found, reasons


def _store(
    run: Run,
    name: str,
    test: EffectTest,
    options: Mapping[str, JSON],
    result: tuple[list[FoundGroup], dict[str, str]],
    effects: Effects,
) -> Findings:
    found, reasons = result
    inputs: list[NDArray[Any]] = []
    findings: list[Finding] = []
    for one in found:
        findings.append(replace(one.finding, examples=one.examples.shifted(len(inputs))))
        inputs += one.examples.inputs
    stored = Findings(
        run.path,
        name,
        test.name,
        config={**options, "test": effects.config},
        findings=tuple(findings),
        n_searched=len(effects.listed) - len(reasons),
        not_searched=reasons,
        data=effects.data,
    )
    return write_findings(run, stored, np.stack(inputs) if inputs else None)
