"""`fix`: fixes of a finding are made, compared on held-out samples, and stored in the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from whyset.display import resolve_progress
from whyset.engines import Progress
from whyset.errors import InputError, NotTestedError
from whyset.fixing.comparison import FixTrial, add_fix, begin, continue_stored
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.fix_methods import as_fix_method, parse_fix_method
from whyset.fixing.from_run import HELD_OUT, open_fix_task
from whyset.fixing.held_out import draw_held_out, predict_held_out
from whyset.fixing.p_clarc import ReactivePClarc
from whyset.fixing.restore import Restore
from whyset.fixing.training import SpecificTransplants, Transplants
from whyset.runner.consent import Trust
from whyset.store import Run, open_run
from whyset.store.findings import Finding
from whyset.store.fixes import FixComparison, ListedFix, write_fix
from whyset.store.remote import AnyPath

DEFAULT_METHODS: tuple[FixMethod, ...] = (
    SpecificTransplants(),
    SpecificTransplants(label_weight=1.0, strength=3.0),
    Transplants(),
    Restore(),
    ReactivePClarc(samples="transplants"),
)
"""The fixes that are compared by default."""


def fix(
    run: Run | str | AnyPath,
    finding: Finding | str | None = None,
    methods: Sequence[FixMethod | str] | None = None,
    *,
    held_out: float = HELD_OUT,
    holdout: Any = None,
    seed: int = 0,
    name: str = "findings",
    model: nn.Module | None = None,
    dataset: Any = None,
    data: str | Path | None = None,
    device: str | None = None,
    trust: Trust = False,
    progress: Progress | bool | None = None,
) -> FixComparison:
    """Fix what a finding shows by several methods, and recommend the best by held-out samples, or say that none helped.

    Fixes are made from some samples of the run, from nothing but the samples and the intervention of the finding, and
    judged by the others. The cost of a fix that trains is the difference from equal training without the fix. Each
    fix is stored in the run when it is finished, with the fixed model, so an interrupted call continues; fixes of the
    same finding, model and samples that were made earlier are compared as well. The original model does not change.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    finding : Finding or str, optional
        A finding of the run, or its id; by default the only suspicion.
    methods : sequence of FixMethod or str, optional
        The fixes, as methods or as texts such as "transplants:epochs=5"; by default `DEFAULT_METHODS`. A method that
        refuses the task is listed with its reason.
    held_out : float, default 0.3
        The share of the samples that judge the fixes.
    holdout : str, Path or data set, optional
        Other data that judges in place of samples of the run, such as a test set: a path or an object as for `explain`,
        with labels and the classes of the run. All samples of the run then make the fixes, except for the share
        `held_out` of the class of the finding, whose evidence is inserted into samples of the other data. Samples that
        the run has as well are left out. Whether samples of the other data have the evidence is not known: where a fix
        takes it from them, its cost is counted too high.
    seed : int, default 0
        The seed of the division of samples, and of all other random choices.
    name : str, default "findings"
        The name of the findings.
    model : torch.nn.Module, optional
        The model of the run, if it was given as an object; otherwise it is loaded as run.json states, if the run was
        made by this user on this machine or is trusted.
    dataset : object, optional
        The data set of the run, if it was given as an object.
    data : str or path, optional
        The path of the data if it has moved.
    device : str, optional
        The device; by default that of the run, if it is available.
    trust : bool or callable, default False
        Permission to execute the model file of a run of another user, as for a rerun.
    progress : bool or Progress, optional
        The display of progress, as for `explain`.

    Returns
    -------
    FixComparison
        The fixes with what they change, and the recommended one; `load_fixed` returns a fixed model.

    Raises
    ------
    InputError
        There is not exactly one suspicion, the finding or a method is unknown, or its evidence cannot be inserted.
    NotTestedError
        The findings were not confirmed, or the model or the data cannot be opened.

    Examples
    --------
    >>> found = fix("runs/small", "00002-5f0c3a9be1d4")    # doctest: +SKIP
    >>> found.reason    # doctest: +SKIP
    'Of 2 fixes that reach the goal on held-out samples, it removes most of the effect.'
    """
    opened, said = (run if isinstance(run, Run) else open_run(run)).thoroughly(), resolve_progress(progress)
    chosen = _list_methods(methods)
    found = choose_finding(opened, finding, name)
    with open_fix_task(
        opened,
        found,
        held_out=held_out,
        holdout=holdout,
        seed=seed,
        model=model,
        dataset=dataset,
        data=data,
        device=device,
        trust=trust,
        progress=said,
    ) as task:
        trial = draw_held_out(task.judging, among=task.among)
        before = predict_held_out(task.judging, task.judging.model, trial)
        comparison = continue_stored(opened, begin(opened, task, trial, before, held_out), chosen)
        unfinished = {one.id for one in comparison.unfinished}
        kept = len(comparison.listed) - len(unfinished)
        if kept:
            said.info(f"{kept} of {len(comparison.listed)} fixes are finished already and kept")
        write_fix(opened.path, comparison)
        maker = FixTrial(opened, task, trial, before)
        for method in chosen:
            tried = maker.try_method(method) if _get_id(method) in unfinished else None
            if tried is not None:
                comparison = add_fix(opened, comparison, tried)
                unfinished.discard(tried.id)
                said.info(f"{tried.text}: {tried.problem or f'made in {tried.seconds:.1f} s'}")
    return comparison


def choose_finding(run: Run, finding: Finding | str | None, name: str = "findings") -> Finding:
    """Return a finding of a run by its id, or the only suspicion; InputError: there is not exactly one."""
    if isinstance(finding, Finding):
        return finding
    findings = run.findings(name)
    if findings.problem is not None:
        raise NotTestedError(f"the findings of {run.path} were not confirmed: {findings.problem}")
    if finding is not None:
        return findings.get(finding)
    suspicions = [one for one in findings if one.kind == "suspicion"]
    if len(suspicions) != 1:
        ids = "; ".join(f"{one.id} ({one.kind}: {one.class_name}, {one.text})" for one in findings) or "none"
        raise InputError(
            f"{run.path} has {len(suspicions)} suspicions: expected the id of a finding (--finding); the ids are {ids}"
        )
    return suspicions[0]


def _list_methods(given: Sequence[FixMethod | str] | None) -> tuple[FixMethod, ...]:
    """Return the methods, each once."""
    methods = DEFAULT_METHODS if given is None else given
    if isinstance(methods, str | FixMethod):
        raise InputError(f"methods: expected a sequence of fix methods, got {methods!r}: put it into a list")
    found = [parse_fix_method(one) if isinstance(one, str) else as_fix_method(one) for one in methods]
    if not found:
        raise InputError("methods: expected at least one fix method, got none")
    return tuple({_get_id(one): one for one in found}.values())


def _get_id(method: FixMethod) -> str:
    return ListedFix.of(method.to_dict(), method.describe()).id
