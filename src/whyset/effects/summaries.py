"""Summaries of effects over the samples of a class or of clusters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whyset.effects.intervals import estimate_difference, estimate_fraction, estimate_mean, estimate_share
from whyset.errors import InputError
from whyset.store.effects import EffectSummary, Estimate, FreshTrials, InterventionEffects


@dataclass(frozen=True)
class ClusterEffect:
    """The effect of one intervention in a cluster.

    `unselected` is the share of hosts that turned in the first stage, over all tested samples of the cluster: clusters
    are found without regard to effects, so it is not inflated by selection. `fresh` are the effects on fresh
    hosts and of their null, of the randomly drawn samples in the cluster; None if there are none.
    """

    cluster: int
    unselected: Estimate
    fresh: EffectSummary | None


def summarize(trials: FreshTrials) -> EffectSummary:
    """Summarize trials on fresh hosts; InputError: no sample has hosts."""
    turned, null = estimate_share(trials.turned, trials.hosts), estimate_share(trials.null_turned, trials.hosts)
    predicted = np.asarray(trials.predicted, bool)
    removed = null_removed = None
    if predicted.any():
        removed = estimate_fraction(np.asarray(trials.removed)[predicted])
        if trials.null_removed is not None:
            null_removed = estimate_fraction(np.asarray(trials.null_removed)[predicted])
    changes = np.asarray(trials.log_odds) - np.asarray(trials.null_log_odds)
    return EffectSummary(
        turned=turned,
        null_turned=null,
        difference=estimate_difference(turned, null),
        log_odds=estimate_mean(changes),
        removed=removed,
        null_removed=null_removed,
    )


def summarize_clusters(effects: InterventionEffects, rows: ArrayLike, clusters: ArrayLike) -> list[ClusterEffect]:
    """Summarize the effects of an intervention in each cluster of a class.

    Parameters
    ----------
    effects : InterventionEffects
        The effects of the intervention in the class.
    rows : array_like of int
        Rows of the run, such as the column "index" of a class of an analysis.
    clusters : array_like of int
        The cluster of each row, -1 for noise, as `Analysis.clusters` returns them.

    Returns
    -------
    list of ClusterEffect
        The effect in each cluster with tested samples, in the order of their numbers, without noise.

    Raises
    ------
    InputError
        There is not one cluster for each row.
    """
    numbers, found = np.asarray(rows), np.asarray(clusters)
    if numbers.shape != found.shape or numbers.ndim != 1:
        raise InputError(
            f"summarize_clusters: expected one cluster for each row, got {found.shape} for {numbers.shape}"
        )
    cluster_of: Mapping[int, int] = dict(zip(numbers.tolist(), found.tolist(), strict=True))
    first, random = effects.unselected, effects.random
    summaries = []
    for cluster in sorted({cluster for cluster in cluster_of.values() if cluster >= 0}):
        own = [place for place, row in enumerate(first.rows) if cluster_of.get(row) == cluster]
        drawn = [place for place, row in enumerate(random.rows) if cluster_of.get(row) == cluster]
        if own:
            turned, hosts = ([column[place] for place in own] for column in (first.turned, first.hosts))
            fresh = summarize(take_trials(random, drawn)) if drawn else None
            summaries.append(ClusterEffect(cluster, estimate_share(turned, hosts), fresh))
    return summaries


def take_trials(trials: FreshTrials, places: list[int]) -> FreshTrials:
    """Return the trials of some samples."""
    columns: dict[str, Any] = {
        name: None if column is None else tuple(column[place] for place in places)
        for name, column in vars(trials).items()
    }
    return FreshTrials(**columns)
