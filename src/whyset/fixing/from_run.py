"""`open_fix_task`: the material of a fix from a finding of a run, with other samples that judge the fix."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyset.arguments import seed_number
from whyset.display import resolve_progress
from whyset.effects.class_job import read_relevance
from whyset.effects.host_pool import read_inputs
from whyset.effects.preparation import find_labels, list_classes, require_kind, require_single_inputs
from whyset.engines import Progress, get_engine
from whyset.errors import InputError
from whyset.fixing.evidence_relevance import MOST_CARRIERS, EvidenceRelevance, make_evidence_relevance
from whyset.fixing.evidence_removal import EvidenceRemoval, make_evidence_removal
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.other_data import OtherData, open_other_data
from whyset.interventions import InputIntervention, intervention_from_dict
from whyset.interventions.evidence import Evidence
from whyset.runner.consent import Trust
from whyset.runner.reopening import ReopenedRun, reopen
from whyset.store import Run, open_run
from whyset.store.findings import Finding
from whyset.store.fixes import HeldOutData
from whyset.store.remote import AnyPath

HELD_OUT = 0.3
"""The share of the samples that judge the fix."""


@dataclass(frozen=True, eq=False)
class DividedTask:
    """Two tasks of the same model and evidence, whose samples have nothing in common.

    Parameters
    ----------
    making, judging : FixTask
        The samples from which a fix is made, and those that judge it.
    making_samples, judging_samples : ndarray of int64
        The number in the data set of the run of each sample of the two tasks; those of other data are not counted.
    finding : Finding
        The finding.
    among : ndarray of int64 or None, default None
        The samples of `judging` that are from other data, and judge; None: all are of the run.
    other : HeldOutData or None, default None
        The other data.
    relevance : EvidenceRelevance or None, default None
        Measures the relevance on the evidence of the carriers of `judging`; None for evidence without a place.
    removal : EvidenceRemoval or None, default None
        Carriers of `judging` with and without their evidence; None if nothing can take its place.
    """

    making: FixTask
    judging: FixTask
    making_samples: Rows
    judging_samples: Rows
    finding: Finding
    among: Rows | None = None
    other: HeldOutData | None = None
    relevance: EvidenceRelevance | None = None
    removal: EvidenceRemoval | None = None


@contextmanager
def open_fix_task(
    run: Run | str | AnyPath,
    finding: Finding | str,
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
) -> Iterator[DividedTask]:
    """Open the model and the data of a run, and divide its samples into those that make a fix and those that judge it.

    The samples of each class, and of the class of the finding those with and without the evidence, are divided
    separately and at random. Tasks can be used in this block. Samples of other classes that
    have the evidence, which a run with several targets can find, are in neither of the tasks.

    With other data (`holdout`), its samples judge, and all samples of the run make the fix except for the share
    `held_out` of the class of the finding: the evidence of these is what is inserted.

    Parameters
    ----------
    run : Run, str or path
        A run, its folder or its URL.
    finding : Finding or str
        A finding of the run, or its id.
    held_out : float, default 0.3
        The share of the samples that judge the fix; at least one sample with the evidence on each side.
    holdout : str, Path or data set, optional
        Other data that judges, as for `whyset.explain`, with the classes of the run; samples that the run has are
        left out.
    seed : int, default 0
        The seed of the division, and of the tasks.
    name : str, default "findings"
        The name of the findings, if an id is given.
    model, dataset, data, device, trust, progress
        As for `whyset.find`.

    Raises
    ------
    InputError
        The finding is not one of the run, or its evidence is in a layer or was not confirmed.
    NotTestedError
        The model or the data cannot be opened, or outputs are not exclusive classes.
    """
    opened, said = (run if isinstance(run, Run) else open_run(run)).thoroughly(), resolve_progress(progress)
    found = get_finding(opened, finding, name)
    if isinstance(held_out, bool) or not isinstance(held_out, int | float) or not 0 < held_out < 1:
        raise InputError(f"held_out is {held_out!r}: expected a share between 0 and 1")
    require_kind(opened)
    engine = get_engine("serial")
    with reopen(opened, engine, said, model=model, dataset=dataset, data=data, device=device, trust=trust) as reopened:
        require_single_inputs(reopened)
        other = None if holdout is None else open_other_data(opened, reopened, holdout, said)
        yield divide(opened, reopened, found, held_out, seed_number(seed), other)


def get_finding(run: Run, finding: Finding | str, name: str = "findings") -> Finding:
    """Return a finding by itself or by its id; InputError: it is not one of the run."""
    found = run.findings(name).get(finding) if isinstance(finding, str) else finding
    if not isinstance(found, Finding):
        raise InputError(f"finding: expected a Finding or its id, got {found!r}")
    if max(found.rows, default=-1) >= len(run):
        raise InputError(
            f"finding {found.id} has the row {max(found.rows)}, and {run.path} has {len(run):,}: expected a finding of "
            "this run"
        )
    return found


def divide(
    run: Run,
    reopened: ReopenedRun,
    finding: Finding,
    held_out: float,
    seed: int,
    other: OtherData | None = None,
) -> DividedTask:
    """Divide the samples of a run into two tasks; with other data, the second one has its samples behind the run's."""
    intervention = _get_intervention(finding)
    label, each = int(finding.class_id), run.config.targets_per_sample
    with_evidence = {int(row) // each: int(row) for row in finding.rows}
    # Evidence is chosen by a row that explains the class of its sample; carriers are explained as this class.
    rows_of = {int(row) // each: int(row) for one in list_classes(run) for row in one.rows} | with_evidence
    samples = np.unique(list(rows_of))
    labels = find_labels(run)[samples]
    carriers = np.isin(samples, list(with_evidence))
    known = ~carriers | (labels == label)
    samples, labels, carriers = samples[known], labels[known], carriers[known]
    if carriers.sum() < 2:
        raise InputError(
            f"finding {finding.id}: expected at least two samples of class {finding.class_name} with the evidence, got "
            f"{carriers.sum()}"
        )
    judges = _choose_judges(labels * 2 + carriers, held_out, seed)
    if other is not None:
        judges &= labels == label
    seeds = np.isin(samples, [row // each for row in finding.seeds])
    get_scores = make_get_scores(reopened)

    def select(numbers: Rows) -> tuple[Tensor, Evidence]:
        x = read_inputs(reopened.reading, numbers.tolist(), reopened.model)
        rows = np.array([rows_of[int(number)] for number in numbers], np.int64)
        return x, intervention.select(x, read_relevance(run, intervention, rows, x))

    def make(chosen: Rows, added: OtherData | None = None) -> FixTask:
        numbers = samples[chosen]

        def read_own(rows: Rows) -> Tensor:
            return read_inputs(reopened.reading, numbers[np.asarray(rows)].tolist(), reopened.model)

        def insert(sources: Rows, hosts: Rows, x: Tensor) -> Tensor:
            own, evidence = select(numbers[np.asarray(sources)])
            fits = intervention.fits(evidence, x)
            changed = x.clone()
            if bool(fits.any()):
                with torch.no_grad():
                    changed[fits] = intervention.insert(own[fits], evidence[fits], x[fits])
            return changed

        return FixTask(
            model=reopened.model,
            read=read_own if added is None else _read_both(read_own, len(chosen), added),
            labels=labels[chosen] if added is None else np.concatenate([labels[chosen], added.labels]),
            label=label,
            carriers=np.flatnonzero(carriers[chosen]),
            seeds=np.flatnonzero((carriers & seeds)[chosen]),
            insert=insert,
            seed=seed,
            get_scores=get_scores,
        )

    made, judged = np.flatnonzero(~judges), np.flatnonzero(judges)
    x, evidence = select(samples[judged][carriers[judged]][:MOST_CARRIERS])
    judging, among = make(judged, other), None if other is None else len(judged) + np.arange(len(other.labels))
    return DividedTask(
        make(made),
        judging,
        samples[made],
        samples[judged],
        finding,
        among=among,
        other=None if other is None else other.record,
        relevance=make_evidence_relevance(x, evidence, label, reopened.job.wanted, seed),
        removal=make_evidence_removal(intervention, x, evidence, judging, among),
    )


def _read_both(read_own: Callable[[Rows], Tensor], n_own: int, other: OtherData) -> Callable[[Rows], Tensor]:
    """Make the function that reads samples of a run and, behind them, of other data."""

    def read(rows: Rows) -> Tensor:
        rows = np.asarray(rows)
        is_other = rows >= n_own
        if is_other.all():
            return other.read(rows - n_own)
        if not is_other.any():
            return read_own(rows)
        parts = torch.cat([read_own(rows[~is_other]), other.read(rows[is_other] - n_own)])
        order = np.concatenate([np.flatnonzero(~is_other), np.flatnonzero(is_other)])
        return parts[torch.from_numpy(np.argsort(order))]

    return read


def make_get_scores(reopened: ReopenedRun) -> Callable[[nn.Module, Tensor], Tensor]:
    """Make the function that returns the scores of the classes by the model of a run, or by a fixed one."""
    wanted = reopened.job.wanted

    def get_scores(model: nn.Module, x: Tensor) -> Tensor:
        scores: Tensor = wanted.make_class_model(model)(x)
        return scores

    return get_scores


def _get_intervention(finding: Finding) -> InputIntervention:
    if finding.intervention is None:
        raise InputError(
            f"finding {finding.id} was not confirmed by an experiment, so its evidence cannot be inserted into other "
            "samples: search in a run with a model"
        )
    intervention = intervention_from_dict(finding.intervention)
    if not isinstance(intervention, InputIntervention):
        raise InputError(
            f"finding {finding.id}: its evidence is {finding.text}, inside the model: expected evidence in the input, "
            "which can be inserted into other samples"
        )
    return intervention


def _choose_judges(groups: Rows, held_out: float, seed: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return True for the samples that judge, a share of each group, at least one of two."""
    random, judges = np.random.default_rng([seed, 9]), np.zeros(len(groups), bool)
    for group in np.unique(groups):
        own = random.permutation(np.flatnonzero(groups == group))
        count = min(max(1, round(held_out * len(own))), len(own) - 1)
        judges[own[:count]] = True
    return judges
