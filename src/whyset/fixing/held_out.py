"""Fixed models on held-out samples: what the evidence still does, and what a fix costs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.fixing.fix_task import FixTask, Rows
from whyset.fixing.material import predict, split
from whyset.store.effects.records import Estimate

Flags = NDArray[np.bool_]
_RESAMPLES = 2000
_MOST_UNKNOWN = 0.025
"""The share of bootstrap samples without an effect from which on it is unknown how much of it is gone."""
_PARTS = ("reduced", "regained", "accuracy", "own_class")
_LEAST_WIDTH = 0.005
"""Half the width of an interval is at least this: samples that all agree are not certain."""


@dataclass(frozen=True, eq=False)
class HeldOutTrial:
    """Held-out samples, drawn once for all models.

    Parameters
    ----------
    hosts : ndarray of int64
        Samples of other classes (n,).
    carriers : ndarray of int64
        A carrier for each host.
    rest : ndarray of int64
        A sample of the class that is not a carrier for each host; empty if there is none.
    free : ndarray of int64
        The samples whose accuracy counts (m,): all that are not carriers, or those of other data.
    """

    hosts: Rows
    carriers: Rows
    rest: Rows
    free: Rows


@dataclass(frozen=True, eq=False)
class HeldOutPredictions:
    """The predictions of a model on held-out samples.

    Parameters
    ----------
    label : int
        The class of the evidence.
    hosts : ndarray of int64
        The labels of the hosts (n,).
    before, inserted, null : ndarray of int64
        Predictions for the hosts: as they are, with the evidence of carriers, and with that of the rest of the class
        (as they are, if there is no rest).
    inserted_other : ndarray of int64
        The best other class than that of the evidence, for the hosts with the evidence of carriers.
    labels, free : ndarray of int64
        Labels of, and predictions for, the samples whose accuracy counts (m,).
    """

    label: int
    hosts: Rows
    before: Rows
    inserted: Rows
    null: Rows
    inserted_other: Rows
    labels: Rows
    free: Rows

    @property
    def turned(self) -> Flags:
        """Hosts that the evidence turns into the class."""
        found: Flags = (self.inserted == self.label) & (self.before != self.label)
        return found

    @property
    def null_turned(self) -> Flags:
        """Hosts that the evidence of the rest of the class turns into it."""
        found: Flags = (self.null == self.label) & (self.before != self.label)
        return found

    @property
    def right(self) -> Flags:
        """Samples without evidence that are predicted as their label."""
        found: Flags = self.free == self.labels
        return found


@dataclass(frozen=True)
class HeldOutChange:
    """The changes by a fix on held-out samples, with intervals of 95 %.

    Parameters
    ----------
    reduced : Estimate
        `1 − (turned − null) / (turned before − null before)`: the part of the effect of the evidence, beyond that of
        the evidence of the rest of the class, which is gone. If the latter turns as many, which parts of the object do,
        the two cannot be told apart, and nulls are not subtracted: then a fix has to remove the effect of both. NaN if
        there may be no effect: more than 2.5 % of the bootstrap samples have none.
    regained : Estimate
        The part of the accuracy with the evidence of carriers, lost against that of the given model among the other
        classes, which is back. A model without the class is not drawn to it, and does not see what the evidence hides.
    accuracy, own_class : Estimate
        The difference from equal training without the fix, of accuracies on samples without the evidence: of all
        classes, and of the class.
    effect : float
        `turned before − null before`, which the fix has to reduce.
    """

    reduced: Estimate
    regained: Estimate
    accuracy: Estimate
    own_class: Estimate
    effect: float


def draw_held_out(task: FixTask, most: int = 1000, among: Rows | None = None) -> HeldOutTrial:
    """Draw hosts of other classes, a carrier and a sample of the rest of the class for each.

    Parameters
    ----------
    task : FixTask
        The task whose samples judge.
    most : int, default 1000
        The largest number of hosts.
    among : ndarray of int64, optional
        The samples that are hosts and whose accuracy counts, if the others only have evidence to insert; by default
        all that are not carriers.
    """
    random = np.random.default_rng([task.seed, 12])
    known = np.setdiff1d(np.flatnonzero(task.labels >= 0), task.carriers)
    free = known if among is None else among
    hosts = random.permutation(free[task.labels[free] != task.label])[: whole_number("most", most, least=1)]
    rest = known if among is None else np.setdiff1d(known, among)
    rest = rest[task.labels[rest] == task.label]
    if not len(hosts) or not len(task.carriers):
        raise InputError(
            f"expected held-out carriers and samples of other classes, got {len(task.carriers)} and {len(hosts)}"
        )
    chosen = random.choice(rest, len(hosts)) if len(rest) else rest
    return HeldOutTrial(hosts, random.choice(task.carriers, len(hosts)), chosen, free)


def predict_held_out(task: FixTask, model: nn.Module, trial: HeldOutTrial) -> HeldOutPredictions:
    """Predict held-out samples as they are, and hosts with evidence.

    Parameters
    ----------
    task : FixTask
        The task whose samples judge.
    model : torch.nn.Module
        The model of the task, or a fixed one.
    trial : HeldOutTrial
        What was drawn.
    """

    def insert(sources: Rows) -> tuple[Rows, Rows]:
        pairs = zip(split(sources), split(trial.hosts), strict=True)
        return _predict_two(task, model, (task.insert(one, other, task.read(other)) for one, other in pairs))

    free = predict(task, model, map(task.read, split(trial.free)))
    before = free[np.searchsorted(trial.free, trial.hosts)]
    null = insert(trial.rest)[0] if len(trial.rest) else before
    labels, with_evidence = task.labels, insert(trial.carriers)
    return HeldOutPredictions(
        task.label, labels[trial.hosts], before, with_evidence[0], null, with_evidence[1], labels[trial.free], free
    )


def _predict_two(task: FixTask, model: nn.Module, batches: Iterable[Tensor]) -> tuple[Rows, Rows]:
    """Return the predicted classes, and the best ones among the classes that the evidence is not of."""
    found: list[tuple[Rows, Rows]] = []
    with torch.no_grad():
        for batch in batches:
            scores = task.get_scores(model, batch).clone()
            best = scores.argmax(1)
            scores[:, task.label] = -torch.inf
            found.append((best.cpu().numpy(), scores.argmax(1).cpu().numpy()))
    first, second = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second


def compare_held_out(
    before: HeldOutPredictions, after: HeldOutPredictions, control: HeldOutPredictions, seed: int = 0
) -> HeldOutChange:
    """Return what a fix changes.

    Parameters
    ----------
    before, after : HeldOutPredictions
        The model without and with the fix.
    control : HeldOutPredictions
        For fixes that train, the model after equal training without a fix; otherwise `before`.
    seed : int, default 0
        The seed of the bootstrap over hosts, and over samples.
    """
    hosts = len(before.hosts)
    own = before.labels == before.label

    effect = float(before.turned.mean() - before.null_turned.mean())

    def reduce(rows: Rows) -> float:
        had, has = (
            float(one.turned[rows].mean() - (one.null_turned[rows].mean() if effect > 0 else 0.0))
            for one in (before, after)
        )
        return 1 - has / had if had > 0 else np.nan

    def regain(rows: Rows) -> float:
        had, has = (float((one.inserted == one.hosts)[rows].mean()) for one in (before, after))
        lost = float((before.inserted_other == before.hosts)[rows].mean()) - had
        return (has - had) / lost if lost > 0 else np.nan

    def differ(among: Flags) -> Callable[[Rows], float]:
        change = (after.right.astype(np.float64) - control.right)[among]
        return lambda rows: float(change[rows].mean()) if len(rows) else np.nan

    return HeldOutChange(
        _estimate(reduce, hosts, seed, _MOST_UNKNOWN),
        _estimate(regain, hosts, seed),
        _estimate(differ(np.ones_like(own)), len(own), seed),
        _estimate(differ(own), int(own.sum()), seed),
        effect,
    )


@dataclass(frozen=True)
class Goal:
    """The requirements of a recommendation.

    Parameters
    ----------
    reduced, regained : float, default 0.8
        The least part of the effect that is gone, and of the accuracy that is back.
    accuracy, own_class : float, default -0.01, -0.03
        The least differences of accuracies.
    """

    reduced: float = 0.8
    regained: float = 0.8
    accuracy: float = -0.01
    own_class: float = -0.03

    def find_missed(self, change: HeldOutChange) -> list[str]:
        """Return the names of the parts that a fix misses: those whose interval is below the goal, or unknown."""
        return [name for name in _PARTS if not _get_upper_end(getattr(change, name)) >= getattr(self, name)]

    def find_uncertain(self, change: HeldOutChange) -> list[str]:
        """Return the names of the parts whose value is below the goal, but not the interval."""
        missed = self.find_missed(change)
        return [name for name in _PARTS if name not in missed and getattr(change, name).value < getattr(self, name)]

    def measure_margin(self, change: HeldOutChange) -> float:
        """Return the smallest difference of a part from the goal, in units of half the width of its interval."""
        return min(_divide_by_width(getattr(change, name), getattr(self, name)) for name in _PARTS)


@dataclass(frozen=True)
class Recommendation:
    """The recommended fix, or None, and the reason as a sentence."""

    method: str | None
    reason: str


def recommend(changes: Mapping[str, HeldOutChange], goal: Goal | None = None) -> Recommendation:
    """Recommend the fix that removes most among those that reach the goal on held-out samples.

    Fixes that train on transplants remove less of the evidence as it occurs than of transplants, so of the fixes that
    reach the goal, the one that removes most is recommended. If there is none, then a fix is refused if an interval is
    below the goal as a whole, and of the others, the one is recommended whose worst part is best in units of its
    uncertainty: few held-out samples of a class make its accuracy uncertain.

    Parameters
    ----------
    changes : Mapping of str to HeldOutChange
        The changes by each fix, by its name.
    goal : Goal, optional
        The requirements, by default `Goal()`.

    Returns
    -------
    Recommendation
        The fix, or None if all are refused.
    """
    wanted = Goal() if goal is None else goal
    missed = {name: wanted.find_missed(change) for name, change in changes.items()}
    kept = [name for name, parts in missed.items() if not parts]
    if not kept:
        reasons = "; ".join(f"{name} misses {_list(changes[name], parts)}" for name, parts in missed.items())
        return Recommendation(None, f"None helped: {reasons or 'no fix was tried'}.")
    reached = [name for name in kept if not wanted.find_uncertain(changes[name])]
    if reached:
        best = max(reached, key=lambda name: changes[name].reduced.value)
        if len(reached) == 1:
            return Recommendation(best, "It is the only fix that reaches the goal on held-out samples.")
        which = f"Of {len(reached)} fixes that reach the goal on held-out samples"
        return Recommendation(best, f"{which}, it removes most of the effect.")
    best = max(kept, key=lambda name: wanted.measure_margin(changes[name]))
    uncertain = _join(wanted.find_uncertain(changes[best]))
    return Recommendation(best, f"No fix is better on held-out samples; uncertain: {uncertain}.")


def _list(change: HeldOutChange, parts: list[str]) -> str:
    """List the parts that are missed; some are unknown."""
    return ", ".join(f"{part} (unknown)" if np.isnan(getattr(change, part).value) else part for part in parts).replace(
        "_", " "
    )


def _join(parts: list[str]) -> str:
    return ", ".join(parts).replace("_", " ")


def _get_upper_end(found: Estimate) -> float:
    return found.value if found.interval is None else found.interval[1]


def _divide_by_width(found: Estimate, least: float) -> float:
    half = 0.0 if found.interval is None else (found.interval[1] - found.interval[0]) / 2
    return (found.value - least) / max(half, _LEAST_WIDTH)


def _estimate(measure: Callable[[Rows], float], n: int, seed: int, most_unknown: float = 1.0) -> Estimate:
    """Return a function of n samples, with the interval of its percentiles over bootstrap samples.

    It is NaN if it is for more than this share of the bootstrap samples.
    """
    value = measure(np.arange(n))
    if n < 2 or np.isnan(value):
        return Estimate(value, None, n)
    random = np.random.default_rng([seed, 13])
    found = [measure(random.integers(0, n, n)) for _ in range(_RESAMPLES)]
    if np.isnan(found).mean() > most_unknown:
        return Estimate(float("nan"), None, n)
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return Estimate(value, (float(low), float(high)), n)
