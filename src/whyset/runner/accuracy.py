"""Checks for mix-ups by the accuracy of a run: near chance, or much higher with the classes in another order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import bdtr, bdtrc

from whyset.store import Check

Numbers = NDArray[np.int64]

_SIGNIFICANT = 0.01
_ORDER_SIGNIFICANT = 0.005
_GAIN = 0.1
"""A better order must raise the accuracy by at least this much; a few confused classes explain less."""
_FOLDS = 10
_MOST_CELLS = 10**7
"""Larger tables of labels and predictions are not searched for a better order."""
_NAMED = 5


def check_chance(labels: Numbers, prediction: Numbers, classes: int) -> Check | None:
    """Check whether the accuracy is near 1 / classes; None if it is not, or if there are too few samples to decide.

    It is near chance if it is not significantly above it, and significantly below the middle between chance and 1,
    each by a one-sided binomial test.
    """
    count, correct = len(labels), int(np.sum(labels == prediction))
    if count == 0 or classes < 2:
        return None
    chance = 1 / classes
    above = _upper_tail(correct, count, chance)
    useful = bdtr(correct, count, (1 + chance) / 2)
    if above < _SIGNIFICANT or useful >= _SIGNIFICANT:
        return None
    message = (
        f"accuracy is {correct / count:.1%} ({correct:,} of {count:,} samples), which is not distinguishable from "
        f"guessing one of {classes:,} classes ({chance:.1%}): check the order of the classes, the preprocessing "
        "and the weights"
    )
    return Check("accuracy_near_chance", "warning", count - correct, count, message)


def _upper_tail(successes: int, trials: int, chance: float) -> float:
    """Return P(X >= successes), as `scipy.stats.binomtest`, which takes half a second to import."""
    return float(bdtrc(successes - 1, trials, chance))


@dataclass(frozen=True)
class ClassOrder:
    """A better order of the classes, and the number of samples that are correct with it.

    The label `moved[i][0]` should be output `moved[i][1]`.
    """

    moved: tuple[tuple[int, int], ...]
    correct: int


def check_order(labels: Numbers, prediction: Numbers, names: Sequence[str]) -> Check | None:
    """Check whether another order of the classes would raise the accuracy strongly.

    The order is the assignment of outputs to labels that makes the most predictions correct. It is found on nine
    tenths of the samples and tested on the rest, ten times, so that chance and a few confusions do not count: the
    gain must be 10 percent points and significant by a sign test (p < 0.005), and at least two classes must move.
    """
    order = find_order(labels, prediction)
    if order is None:
        return None
    count, correct = len(labels), int(np.sum(labels == prediction))
    pairs = [_name_pair(labels, prediction, pair, names) for pair in order.moved[:_NAMED]]
    more = f", and {len(order.moved) - _NAMED} more" if len(order.moved) > _NAMED else ""
    message = (
        f"another order of the classes would raise the accuracy from {correct / count:.1%} to "
        f"{order.correct / count:.1%} of {count:,} samples: {'; '.join(pairs)}{more}. Check the names of the folders, "
        "or give the names of all outputs in their order by --labels labels.json (class_names=)"
    )
    return Check("class_order", "warning", order.correct - correct, count, message)


def find_order(labels: Numbers, prediction: Numbers) -> ClassOrder | None:
    """Find a better order of the classes; None without evidence for one."""
    known = np.unique(labels)
    outputs = np.union1d(known, prediction)
    if len(known) < 2 or len(known) * len(outputs) > _MOST_CELLS:
        return None
    rows, columns = np.searchsorted(known, labels), np.searchsorted(outputs, prediction)
    own = np.searchsorted(outputs, known)
    better, worse = _cross_validate(rows, columns, own, len(outputs))
    if better - worse < _GAIN * len(labels):
        return None
    if _upper_tail(better, better + worse, 0.5) >= _ORDER_SIGNIFICANT:
        return None
    table = _count(rows, columns, (len(known), len(outputs)))
    best = _assign(table, own)
    places = np.arange(len(known))
    moving = (best != own) & (table[places, best] > table[places, own])
    if moving.sum() < 2:
        return None
    moved = tuple(zip(known[moving].tolist(), outputs[best[moving]].tolist(), strict=True))
    return ClassOrder(moved, int(table[places, best].sum()))


def _cross_validate(rows: Numbers, columns: Numbers, own: Numbers, outputs: int) -> tuple[int, int]:
    """Count the samples that are predicted correctly only in the better order, and only in the present one."""
    shuffled = np.random.default_rng(0).permutation(len(rows))
    fold = np.empty(len(rows), np.int64)
    # Sorted by label after the shuffle, so that every fold holds all classes in proportion.
    fold[shuffled[np.argsort(rows[shuffled], kind="stable")]] = np.arange(len(rows)) % _FOLDS
    better = worse = 0
    for number in range(_FOLDS):
        rest, held = fold != number, fold == number
        best = _assign(_count(rows[rest], columns[rest], (len(own), outputs)), own)
        then, now = best[rows[held]] == columns[held], own[rows[held]] == columns[held]
        better, worse = better + int(np.sum(then & ~now)), worse + int(np.sum(now & ~then))
    return better, worse


def _assign(table: NDArray[Any], own: Numbers) -> Numbers:
    """Assign one output to each label so that most predictions are correct; on ties, keep most present outputs."""
    preferred = table.astype(np.float64) * (len(own) + 1)  # all preferences together weigh less than one sample
    preferred[np.arange(len(own)), own] += 1
    best: Numbers = linear_sum_assignment(preferred, maximize=True)[1]
    return best


def _count(rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> NDArray[np.int64]:
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def _name_pair(labels: Numbers, prediction: Numbers, pair: tuple[int, int], names: Sequence[str]) -> str:
    predicted = prediction[labels == pair[0]]
    of = [names[number] if number < len(names) else str(number) for number in pair]
    return f"{of[0]!r} is predicted as {of[1]!r} ({int(np.sum(predicted == pair[1])):,} of {len(predicted):,})"
