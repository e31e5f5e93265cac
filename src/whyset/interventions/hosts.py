"""Hosts: the samples of other classes that evidence is inserted into."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whyset.arguments import seed_number, whole_number
from whyset.errors import InputError

UNKNOWN = -1
"""The class of samples without a label, as in `run.labels`."""


def choose_hosts(
    labels: ArrayLike,
    sources: ArrayLike,
    count: int,
    *,
    seed: int = 0,
    skip: int = 0,
    among: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Choose hosts for each sample, balanced over the other classes.

    Each sample has an own random sequence of hosts, without repetition, that takes one of each other class in turn;
    so their numbers differ by at most 1, until all samples of a class are used. The sequence depends on the seed, the
    number of the sample and the labels, not on `sources`, `count` or `skip`: candidates are selected on the first
    hosts, and effects are measured on fresh ones with `skip`.

    Parameters
    ----------
    labels : array_like
        The class of each sample of the data set (n,): numbers, or texts. Samples of class -1, which is unknown, are
        no hosts.
    sources : array_like of int
        The numbers of the samples whose evidence is inserted.
    count : int
        The number of hosts for each of them.
    seed : int, default 0
        The seed of the choice.
    skip : int, default 0
        The number of hosts of each sequence to leave out.
    among : array_like of int, optional
        The numbers of the samples that can be hosts; by default all.

    Returns
    -------
    ndarray of int
        The numbers of the hosts, (sources, count).

    Raises
    ------
    InputError
        A number is out of range, the class of a source is unknown, or there are fewer than `skip + count` samples of
        other classes.

    Examples
    --------
    >>> labels = np.repeat([0, 1, 2], 10)
    >>> hosts = choose_hosts(labels, [3, 15], count=4)
    >>> [np.bincount(labels[row], minlength=3).tolist() for row in hosts]
    [[0, 2, 2], [2, 0, 2]]
    >>> fresh = choose_hosts(labels, [3, 15], count=8, skip=4)
    >>> bool(np.isin(fresh[0], hosts[0]).any())
    False
    """
    found = _as_labels(labels)
    numbers = _as_numbers("sources", sources, len(found))
    allowed = np.arange(len(found)) if among is None else np.unique(_as_numbers("among", among, len(found)))
    own = found[numbers].tolist()
    if UNKNOWN in own:
        raise InputError(
            f"choose_hosts: sample {numbers[own.index(UNKNOWN)]} has no class (-1): expected sources of known classes"
        )
    classes, of_host = np.unique(found[allowed], return_inverse=True)
    members = {label: allowed[of_host == index] for index, label in enumerate(classes.tolist()) if label != UNKNOWN}
    count, skip = whole_number("count", count, least=1), whole_number("skip", skip, least=0)
    seed = seed_number(seed)
    chosen = np.empty((len(numbers), count), np.int64)
    for row, (number, label) in enumerate(zip(numbers, own, strict=True)):
        others = [group for of_group, group in members.items() if of_group != label]
        available = sum(map(len, others))
        if available < skip + count:
            raise InputError(
                f"choose_hosts: expected at least {skip + count} samples of classes other than {label} (count "
                f"{count} after {skip}), got {available}: choose fewer hosts"
            )
        sequence = _draw_sequence(others, np.random.default_rng([seed, int(number)]))
        chosen[row] = [host for position, host in zip(range(skip + count), sequence, strict=False) if position >= skip]
    return chosen


def _draw_sequence(groups: Sequence[NDArray[np.int64]], generator: np.random.Generator) -> Iterator[int]:
    """Yield one random member of each group in turn, groups in random order, without repetition.

    Members are drawn as by the shuffle of Fisher and Yates, of which only the exchanges that were made are kept: large
    groups are not shuffled as a whole.
    """
    order = generator.permutation(len(groups))
    exchanged: list[dict[int, int]] = [{} for _ in groups]
    for turn in range(max(map(len, groups))):
        for index in order:
            group, moved = groups[index], exchanged[index]
            if turn < len(group):
                drawn = int(generator.integers(turn, len(group)))
                yield int(group[moved.get(drawn, drawn)])
                moved[drawn] = moved.get(turn, turn)


def _as_labels(labels: ArrayLike) -> NDArray[Any]:
    found = np.asarray(labels)
    if found.dtype.kind == "O" and all(isinstance(label, str) for label in found.ravel()):
        found = found.astype(str)
    if found.ndim != 1 or found.dtype.kind not in "iubUS":
        raise InputError(
            f"labels: expected a class of each sample, whole numbers or texts in one dimension, got {found.dtype} "
            f"{found.shape}: give run.labels, or a name for each sample"
        )
    return found


def _as_numbers(name: str, given: ArrayLike, size: int) -> NDArray[np.int64]:
    found = np.asarray(given)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise InputError(f"{name}: expected numbers of samples in one dimension, got {found.dtype} {found.shape}")
    wrong = found[(found < 0) | (found >= size)]
    if len(wrong):
        raise InputError(f"{name}: expected numbers from 0 to {size - 1}, got {wrong[0]}")
    return found.astype(np.int64)
