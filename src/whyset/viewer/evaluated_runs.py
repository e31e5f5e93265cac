"""The runs that are compared by metrics: those of which the same evaluation has the same samples."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from whyset.errors import BrokenRunError, InputError
from whyset.store.evaluations import Evaluation, open_evaluation
from whyset.store.evaluations.files import HEAD
from whyset.store.layout import EVALUATIONS, is_run
from whyset.store.remote import AnyPath
from whyset.viewer.run_registry import LoadedRun

DEFAULT = "evaluation"
OUTDATED = "It was measured on other commits than the run has now; evaluate again."
OTHER_SAMPLES = "it was evaluated on other samples, with other masks, or with another seed: evaluate the runs together"
OTHER_DATA = "it explains other data"
OTHER_TARGETS = "it explains other targets of these samples"
OTHER_WEIGHTS = "The runs explain models with different weights, so differences are not those of methods alone."


@dataclass(frozen=True)
class RunCandidate:
    """An open run, and its evaluation if it is compared; otherwise the reason."""

    opened: LoadedRun
    evaluation: Evaluation | None = None
    reason: str | None = None

    @property
    def notices(self) -> list[str]:
        """The reasons that limit the numbers of the run."""
        return [OUTDATED] if self.evaluation is not None and self.evaluation.outdated else []


def choose_name(names: Iterable[str], wanted: str | None) -> str | None:
    """Return the evaluation to show: the wanted one, that of the default name, or the first; None if there is none.

    >>> choose_name(["more", "evaluation"], None), choose_name(["more"], None), choose_name([], None)
    ('evaluation', 'more', None)
    """
    known = list(names)
    if wanted is not None:
        return wanted
    return DEFAULT if DEFAULT in known else next(iter(known), None)


def read_candidates(first: LoadedRun, others: Sequence[LoadedRun], name: str) -> list[RunCandidate]:
    """Read an evaluation of several runs; those on the samples of `first` are compared.

    If `first` does not have the evaluation, the samples are those of the next run that has it.
    """
    found: list[RunCandidate] = []
    reference: RunCandidate | None = None
    for opened in (first, *others):
        one = _read(opened, name)
        if one.evaluation is not None and reference is not None:
            reason = _find_difference(reference, one)
            one = RunCandidate(opened, reason=reason) if reason else one
        reference = reference or (one if one.evaluation is not None else None)
        found.append(one)
    of_data = first if reference is None else reference.opened
    return [
        one if one.evaluation is not None or explain_same(of_data, one.opened) else replace(one, reason=OTHER_DATA)
        for one in found
    ]


def explain_same(one: LoadedRun, other: LoadedRun) -> bool:
    """Return True if two runs explain samples of the same ids, which an evaluation of both requires."""
    first, second = (
        each.samples["id"].take(np.arange(0, len(each.run), each.run.config.targets_per_sample))
        for each in (one, other)
    )
    return bool(first.equals(second))


def list_compared(candidates: Iterable[RunCandidate]) -> dict[str, tuple[LoadedRun, Evaluation]]:
    """Return the runs that are compared, with their evaluations, by their ids."""
    return {one.opened.id: (one.opened, one.evaluation) for one in candidates if one.evaluation is not None}


def compare_weights(runs: Iterable[LoadedRun]) -> list[str]:
    """Return a notice if the runs explain different weights."""
    known = {one.run.config.weights_hash for one in runs if one.run.config.weights_hash}
    return [OTHER_WEIGHTS] if len(known) > 1 else []


def _read(opened: LoadedRun, name: str) -> RunCandidate:
    if name not in opened.run.evaluation_names:
        return RunCandidate(
            opened, reason="it was not evaluated" if name == DEFAULT else f"it has no evaluation {name!r}"
        )
    try:
        return RunCandidate(opened, opened.run.evaluation(name))
    except (BrokenRunError, InputError) as error:
        return RunCandidate(opened, reason=f"its evaluation cannot be read: {error}")


def _find_difference(one: RunCandidate, other: RunCandidate) -> str | None:
    """Return why the values of two evaluations are not paired; None if they are of the same samples and targets."""
    assert one.evaluation is not None
    assert other.evaluation is not None
    first, second = one.evaluation.samples, other.evaluation.samples
    rows, others = (np.array(each.rows, np.int64) for each in (first, second))
    samples, other_samples = (
        each // found.opened.run.config.targets_per_sample
        for each, found in zip((rows, others), (one, other), strict=True)
    )
    if not np.array_equal(samples, other_samples) or (first.seed, first.masks) != (second.seed, second.masks):
        return OTHER_SAMPLES
    if first.inputs is not None and second.inputs is not None:
        same = first.inputs == second.inputs
    else:  # the inputs are not known: as in an evaluation, runs are paired by the ids of their samples
        same = _read_ids(one.opened, rows) == _read_ids(other.opened, others)
    if not same:
        return OTHER_SAMPLES
    targets, other_targets = one.opened.column("target")[rows], other.opened.column("target")[others]
    return None if np.array_equal(targets, other_targets) else OTHER_TARGETS


def _read_ids(opened: LoadedRun, rows: np.ndarray) -> list[str]:
    ids: list[str] = opened.samples["id"].take(rows).to_pylist()
    return ids


def find_unopened(opened: LoadedRun, evaluation: Evaluation, known: Iterable[AnyPath]) -> list[Path]:
    """Find runs in the same folder that were evaluated on the same samples and are not open, by their names."""
    if not isinstance(opened.run.path, Path) or evaluation.samples.inputs is None:
        return []
    folder = opened.run.path.resolve().parent
    skipped = {path.resolve() for path in known if isinstance(path, Path)}
    found = []
    for head in sorted(folder.glob(f"*/{EVALUATIONS}/{evaluation.name}/{HEAD}")):
        path = head.parents[2]
        if path.resolve() in skipped or not is_run(path):
            continue
        with suppress(BrokenRunError, InputError, OSError):  # a run that is not open does not concern this page
            other = open_evaluation(path, evaluation.name).samples
            if (other.inputs, other.seed, other.masks) == (
                evaluation.samples.inputs,
                evaluation.samples.seed,
                evaluation.samples.masks,
            ):
                found.append(path)
    return found
