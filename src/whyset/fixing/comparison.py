"""The comparison of fixes of a finding: each is made from some samples of the run and judged by the others."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from whyset.effects.intervals import estimate_fraction, estimate_mean
from whyset.errors import BrokenRunError, InputError
from whyset.fixing.evidence_relevance import try_measure
from whyset.fixing.fix_method import FixMethod
from whyset.fixing.from_run import DividedTask
from whyset.fixing.held_out import (
    HeldOutChange,
    HeldOutPredictions,
    HeldOutTrial,
    Recommendation,
    compare_held_out,
    predict_held_out,
    recommend,
)
from whyset.fixing.saved_fixes import save_fixed
from whyset.fixing.training import FineTuning
from whyset.fixing.training.trained_fix import TrainedFix
from whyset.runner.models import layers_hash, weights_hash
from whyset.store import Run
from whyset.store.commits import hash_commits
from whyset.store.effects.records import Estimate
from whyset.store.fixes import (
    ClassChange,
    FixComparison,
    FixSplit,
    HeldOutShares,
    ListedFix,
    TriedFix,
    open_fix,
    write_fix,
)
from whyset.store.fixes.files import write_model
from whyset.store.fixes.origin import hash_fix_origin

NOT_FINISHED = "Not all fixes are finished."
_PARTS = ("reduced", "regained", "accuracy", "own_class")


@dataclass(frozen=True, eq=False)
class FixTrial:
    """Makes fixes of a finding and judges them; the trainings that they are compared with are kept in `controls`."""

    run: Run
    task: DividedTask
    trial: HeldOutTrial
    before: HeldOutPredictions
    controls: dict[FineTuning, HeldOutPredictions] = field(default_factory=dict)

    def try_method(self, method: FixMethod) -> TriedFix:
        """Make a fix, store it and return what it changes; a method that refuses the task has a `problem`."""
        listed = ListedFix.of(method.to_dict(), method.describe())
        known = TriedFix(listed.id, listed.text, method.title, method.to_dict(), method.changes_weights)
        began = time.perf_counter()
        try:
            fixed = method.apply(self.task.making)
        except InputError as error:
            return replace(known, problem=str(error), seconds=time.perf_counter() - began)
        seconds = time.perf_counter() - began
        after = self.predict(fixed)
        training = _get_equal_training(method)
        control = self.before if training is None else self._train_control(training)
        change = compare_held_out(self.before, after, control, self.task.judging.seed)
        relevance, obstacle = try_measure(self.task.relevance, fixed)
        data = save_fixed(fixed, self.task.making.model, method)
        file, sha256 = write_model(self.run.path, self.task.finding.id, listed.id, data)
        parts: Mapping[str, Any] = {name: make_storable(getattr(change, name)) for name in _PARTS}
        return replace(
            known,
            control=None if training is None else training.describe(),
            turned=estimate_fraction(after.turned),
            null=estimate_fraction(after.null_turned),
            classes=self._compare_classes(after, None if training is None else control),
            seconds=seconds,
            notes=(*getattr(fixed, "notes", ()), *([obstacle] if obstacle else [])),
            relevance=estimate_known(relevance),
            shares=estimate_shares(self.task, fixed, after),
            file=file,
            sha256=sha256,
            **parts,
        )

    def predict(self, model: nn.Module) -> HeldOutPredictions:
        """Predict the samples that judge."""
        return predict_held_out(self.task.judging, model, self.trial)

    def _train_control(self, training: FineTuning) -> HeldOutPredictions:
        if training not in self.controls:
            self.controls[training] = self.predict(training.apply(self.task.making))
        return self.controls[training]

    def _compare_classes(
        self, after: HeldOutPredictions, control: HeldOutPredictions | None
    ) -> tuple[ClassChange, ...]:
        names, found = self.run.classes, []
        for label in np.unique(after.labels).tolist():
            own = after.labels == label
            before, changed = (float(one.right[own].mean()) for one in (self.before, after))
            of_control = None if control is None else float(control.right[own].mean())
            name = names[label] if label < len(names) else str(label)
            found.append(ClassChange(label, name, int(own.sum()), before, of_control, changed))
        return tuple(found)


def begin(
    run: Run, task: DividedTask, trial: HeldOutTrial, before: HeldOutPredictions, held_out: float
) -> FixComparison:
    """Return a comparison without fixes, of the model of a task before it is fixed."""
    making, judging, finding = task.making, task.judging, task.finding
    split = FixSplit(
        seed=making.seed,
        held_out=held_out,
        n_making=len(making.labels),
        n_judging=len(judging.labels) if task.among is None else len(task.among),
        n_carriers_making=len(making.carriers),
        n_carriers_judging=len(judging.carriers),
        n_hosts=len(trial.hosts),
        holdout=task.other,
    )
    weights, layers = weights_hash(making.model), layers_hash(making.model)
    relevance, _ = try_measure(task.relevance, making.model)
    return FixComparison(
        finding=finding.id,
        sentence=finding.sentence,
        class_name=finding.class_name,
        label=making.label,
        split=split,
        effect=float(before.turned.mean() - before.null_turned.mean()),
        turned=estimate_fraction(before.turned),
        null=estimate_fraction(before.null_turned),
        relevance=estimate_known(relevance),
        shares=estimate_shares(task, making.model, before),
        weights_hash=weights,
        layers_hash=layers,
        origin=hash_fix_origin(finding, split, weights, layers, hash_commits(run.path)),
        listed=(),
    )


def estimate_shares(task: DividedTask, model: nn.Module, predicted: HeldOutPredictions) -> HeldOutShares:
    """Estimate the accuracies of a model with and without the evidence; `predicted` are its predictions."""
    own_class = predicted.right[predicted.labels == predicted.label]
    own, without = np.zeros((2, 0), bool)
    if task.removal is not None:
        own, without = task.removal.find_recognized(task.judging, model)
    return HeldOutShares(
        accuracy=estimate_fraction(predicted.right),
        own_class=_estimate_some(own_class),
        inserted=estimate_fraction(predicted.inserted == predicted.hosts),
        removed=_estimate_some(without),
        necessity=_estimate_some(~without[own]),
    )


def _estimate_some(chosen: NDArray[np.bool_]) -> Estimate | None:
    return estimate_fraction(chosen) if len(chosen) else None


def continue_stored(run: Run, new: FixComparison, methods: tuple[FixMethod, ...]) -> FixComparison:
    """List methods, and keep the finished fixes that the run has of the same finding, model and samples."""
    wanted = {one.id: one for one in (ListedFix.of(each.to_dict(), each.describe()) for each in methods)}
    fixes: tuple[TriedFix, ...] = ()
    if new.finding in run.fixes:
        try:
            stored = open_fix(run.path, new.finding)
            fixes = stored.fixes if stored.origin == new.origin else ()
        except (BrokenRunError, InputError):  # damaged, or of a newer version: made again
            fixes = ()
    kept = tuple(one for one in fixes if one.problem is None or one.id not in wanted)
    listed = {one.id: ListedFix(one.id, one.text, one.method) for one in kept} | wanted
    return conclude(replace(new, listed=tuple(listed.values()), fixes=kept))


def add_fix(run: Run, comparison: FixComparison, tried: TriedFix) -> FixComparison:
    """Add a finished fix to a comparison, and store it in the run."""
    found = conclude(replace(comparison, fixes=(*comparison.fixes, tried)))
    write_fix(run.path, found)
    return found


def conclude(comparison: FixComparison) -> FixComparison:
    """Recommend one of the fixes, once all are finished."""
    best = _recommend(comparison)
    ids = {one.text: one.id for one in comparison.fixes}
    return replace(comparison, recommended=None if best.method is None else ids[best.method], reason=best.reason)


def estimate_known(shares: NDArray[np.float64] | None) -> Estimate | None:
    """Estimate the mean of the shares that are defined; None if there is none."""
    known = np.empty(0) if shares is None else shares[np.isfinite(shares)]
    if not len(known):
        return None
    found = estimate_mean(known)
    if found.interval is None:
        return found
    low, high = found.interval
    return replace(found, interval=(max(0.0, low), min(1.0, high)))


def make_storable(found: Estimate) -> Estimate | None:
    """Return an estimate that JSON can hold: None if it is not defined."""
    if np.isnan(found.value):
        return None
    known = found.interval is not None and not np.isnan(found.interval).any()
    return found if known else replace(found, interval=None)


def _recommend(comparison: FixComparison) -> Recommendation:
    if not comparison.is_finished:
        return Recommendation(None, NOT_FINISHED)
    made = [one for one in comparison.fixes if one.problem is None]
    return recommend({one.text: _get_change(one, comparison.effect) for one in made})


def _get_change(tried: TriedFix, effect: float) -> HeldOutChange:
    unknown = Estimate(float("nan"), None, 0)
    parts: dict[str, Estimate] = {name: getattr(tried, name) or unknown for name in _PARTS}
    return HeldOutChange(**parts, effect=effect)


def _get_equal_training(method: FixMethod) -> FineTuning | None:
    """Return the training without a fix that sees the same samples as often; None for fixes of another kind."""
    if not isinstance(method, TrainedFix):
        return None
    return FineTuning(
        epochs=method.epochs,
        learning_rate=method.learning_rate,
        weight_decay=method.weight_decay,
        batch_size=method.batch_size,
    )
