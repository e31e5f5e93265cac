"""The samples on which runs are evaluated: the same in all of them, evenly drawn over the explained classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.same_inputs import read_input_hashes
from whyset.store import DONE, Run
from whyset.store.layout import STATUS
from whyset.store.sealed_json import digest_json

Numbers = NDArray[np.int64]
_LISTED = 3


def draw_samples(runs: Sequence[Run], count: int, seed: int) -> Numbers:
    """Draw the numbers of samples that all runs explain for the same target, in ascending order.

    Of runs with several targets, the first one counts. InputError: the runs have different data or targets.
    """
    _require_same_ids(runs)
    first, *others = runs
    targets = _read_first(first, "target")
    usable = _read_first(first, STATUS) == DONE
    for run in others:
        usable &= (_read_first(run, STATUS) == DONE) & (_read_first(run, "target") == targets)
    samples = np.flatnonzero(usable)
    if not len(samples):
        same = " for the same target" if others else ""
        raise InputError(f"{_join(runs)}: no sample is explained{' in all runs' if others else ''}{same}")
    drawn = draw_evenly(targets[samples].astype(np.int64), count, seed)
    return samples[drawn]


def draw_evenly(classes: Numbers, count: int, seed: int) -> Numbers:
    """Draw up to `count` places (n,) in ascending order, with as equal numbers of each class as possible.

    >>> classes = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])
    >>> np.bincount(classes[draw_evenly(classes, 5, seed=0)])
    array([2, 2, 1])
    """
    order = np.random.default_rng([seed, 0]).permutation(len(classes))
    turn = np.empty(len(classes), np.int64)
    for label in np.unique(classes):
        of_class = order[classes[order] == label]
        turn[of_class] = np.arange(len(of_class))
    place = np.empty(len(classes), np.int64)
    place[order] = np.arange(len(classes))
    return np.sort(np.lexsort((place, turn))[:count])


def hash_inputs(run: Run, samples: Numbers) -> str | None:
    """Return a hash of the inputs of samples, equal for equal inputs and labels; None if the run lacks some."""
    digests = read_input_hashes(run, samples)
    return None if None in digests else digest_json([str(one) for one in digests])


def require_same_inputs(runs: Sequence[Run], samples: Numbers) -> list[str]:
    """Compare the inputs of samples in all runs by their hashes; return a notice for what cannot be compared.

    InputError: a sample has another input, which it names.
    """
    first, *others = runs
    expected, notices = read_input_hashes(first, samples), []
    for run in others:
        found = read_input_hashes(run, samples)
        for sample, one, other in zip(samples.tolist(), expected, found, strict=True):
            if one is not None and other is not None and one != other:
                name = first.ids[sample * first.config.targets_per_sample]
                raise InputError(
                    f"{first.path} and {run.path} have different data: sample {sample} ({name}) has "
                    "another input or label; runs are compared on the same samples only"
                )
        if None in expected or None in found:
            notices.append(
                f"{first.path} and {run.path} are paired by the ids of their samples: at least one of them does not "
                "have the hashes of its inputs"
            )
    return notices


def _read_first(run: Run, column: str) -> NDArray[np.int64]:
    """Read a column for the first target of each sample."""
    found: NDArray[np.int64] = run.column(column)[:: run.config.targets_per_sample]
    return found


def _require_same_ids(runs: Sequence[Run]) -> None:
    first, *others = runs
    ids = first.ids[:: first.config.targets_per_sample]
    for run in others:
        found = run.ids[:: run.config.targets_per_sample]
        if found == ids:
            continue
        if len(found) != len(ids):
            different = f"{len(ids):,} and {len(found):,} samples"
        else:
            place = next(place for place, (one, other) in enumerate(zip(ids, found, strict=True)) if one != other)
            different = f"sample {place} is {ids[place]!r} and {found[place]!r}"
        raise InputError(
            f"{first.path} and {run.path} have different data ({different}): runs are compared on the same samples only"
        )


def _join(runs: Sequence[Run]) -> str:
    names = [str(run.path) for run in runs[:_LISTED]]
    return ", ".join(names) + (" ..." if len(runs) > _LISTED else "")
