"""The same finding in runs of several epochs of a training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from whyset.analysis.view_groups import compute_jaccard
from whyset.store.findings import Finding

_SAME = 0.5
"""The part of the smaller group that two findings of a class share if they are the same."""


@dataclass(frozen=True)
class FindingTrack:
    """A finding over the epochs in which it was found.

    Parameters
    ----------
    epochs : tuple of int
        The epochs, ascending.
    findings : tuple of Finding
        The finding of each epoch.
    """

    epochs: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def last(self) -> Finding:
        """The finding of the last epoch."""
        return self.findings[-1]

    def find_onset(self, threshold: float) -> int | None:
        """Return the first epoch in which it is a suspicion with at least this effect, or None.

        The effect is the share of fresh hosts that turn into the class, minus that of the null.
        """
        return next(
            (epoch for epoch, one in zip(self.epochs, self.findings, strict=True) if passes(one, threshold)), None
        )


def passes(finding: Finding, threshold: float) -> bool:
    """Return True for a suspicion whose evidence turns at least this share of hosts more than its null does."""
    return finding.kind == "suspicion" and finding.effect is not None and finding.effect.difference.value >= threshold


def track_findings(found: Mapping[int, Sequence[Finding]]) -> list[FindingTrack]:
    """Join the findings of several epochs, in order of their first epoch.

    A finding continues that of a former epoch if it is of the same class, and the smaller group shares at least half of
    its samples with the larger one. If several do, the one with the largest Jaccard index is continued, and each by one
    finding of an epoch, the first in rank order. A finding may be absent in an epoch between.

    Parameters
    ----------
    found : Mapping of int to sequence of Finding
        The findings of each epoch in rank order, of the same samples.

    Returns
    -------
    list of FindingTrack
        One for each finding.
    """
    tracks: list[FindingTrack] = []
    for epoch in sorted(found):
        free = list(range(len(tracks)))
        for finding in found[epoch]:
            place = max(
                (number for number in free if _is_same(tracks[number].last, finding)),
                key=lambda number: _measure_overlap(tracks[number].last, finding),
                default=None,
            )
            if place is None:
                tracks.append(FindingTrack((epoch,), (finding,)))
            else:
                free.remove(place)
                former = tracks[place]
                tracks[place] = FindingTrack((*former.epochs, epoch), (*former.findings, finding))
    return tracks


def shares_most(rows: ArrayLike, others: ArrayLike) -> bool:
    """Return whether the smaller of two groups shares at least half of its rows, each of which is there once.

    >>> shares_most([1, 2, 3], [2, 3, 4, 5, 6]), shares_most([1, 2, 3], [3, 4, 5])
    (True, False)
    """
    shared = len(np.intersect1d(rows, others))
    return shared >= _SAME * min(np.size(rows), np.size(others))


def _is_same(one: Finding, other: Finding) -> bool:
    return one.class_id == other.class_id and shares_most(one.rows, other.rows)


def _measure_overlap(one: Finding, other: Finding) -> float:
    return compute_jaccard(np.asarray(one.rows), np.asarray(other.rows))
