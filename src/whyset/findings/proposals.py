"""Proposals: for each class and intervention, the samples with large effects, and who else contains what they share."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.findings.concept import LEAST_SEEDS, Concept, fit_concept
from whyset.findings.views import ChannelView, Features
from whyset.store.effects import FreshTrials, InterventionEffects

Rows = NDArray[np.int64]
_SHARE_OF_LARGEST = 0.5
"""Seeds have at least this share of the largest difference between their effect and that of the null."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """What the seeds of one intervention have in common, in the view that is most specific.

    The seeds were chosen by `trials`, of candidates or of samples of a cluster. `rows` are those of all samples of the
    class that were scored, in the order of `concept.own`.
    """

    effects: InterventionEffects
    trials: FreshTrials
    rows: Rows
    view: ChannelView
    concept: Concept

    @property
    def seeds(self) -> Rows:
        return self.rows[self.concept.seeds]

    @property
    def best_seeds(self) -> Rows:
        """The rows of the seeds, those that turn most fresh hosts first."""
        trials = self.trials
        shares = dict(zip(trials.rows, np.asarray(trials.turned) / np.maximum(trials.hosts, 1), strict=True))
        return np.array(sorted(self.seeds.tolist(), key=lambda row: (-shares[row], row)), np.int64)

    @property
    def carriers(self) -> Rows:
        """The rows of the samples that contain the evidence."""
        return self.rows[self.concept.carriers]


def choose_seeds(trials: FreshTrials) -> Rows:
    """Return the rows of the samples whose evidence turns fresh hosts, more of them than the null.

    These are at least half as many as for the sample with the most, and at least two hosts; empty if there are less
    than four such samples.
    """
    hosts, turned, null = (np.asarray(column) for column in (trials.hosts, trials.turned, trials.null_turned))
    difference = turned - null
    largest = float((difference / np.maximum(hosts, 1)).max(initial=0.0))
    large = (difference >= 2) & (difference >= _SHARE_OF_LARGEST * largest * hosts)
    rows: Rows = np.asarray(trials.rows, np.int64)[large]
    return rows if len(rows) >= LEAST_SEEDS else rows[:0]


def make_proposal(
    effects: InterventionEffects,
    trials: FreshTrials,
    seeds: Rows,
    rows: Rows,
    own: Mapping[ChannelView, Features],
    others: Mapping[ChannelView, Features],
    seed: int,
) -> Proposal:
    """Fit a concept vector in each view, and keep the one under which fewest samples of other classes are like seeds.

    Parameters
    ----------
    effects : InterventionEffects
        The effects of the intervention in the class.
    trials : FreshTrials
        The trials by which the seeds were chosen.
    seeds : ndarray of int
        The rows of the seeds.
    rows : ndarray of int
        The rows of the class in ascending order.
    own, others : Mapping of ChannelView to ndarray
        The views of the samples of `rows`, and of samples of other classes.
    seed : int
        The seed of the division into halves.

    Returns
    -------
    Proposal
        The seeds, and the concept in the chosen view.
    """
    places = np.searchsorted(rows, seeds)
    found = {view: fit_concept(own[view], places, others[view], seed) for view in own}
    view = min(found, key=lambda one: (found[one].above_median, -found[one].independence))
    return Proposal(effects, trials, rows, view, found[view])
