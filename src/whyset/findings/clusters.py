"""Clusters as candidates: those of all views of a run that stand out, in their details or by their effects."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.view_groups import SAME_GROUP, compute_jaccard, list_groups
from whyset.engines import Progress
from whyset.errors import BrokenRunError, InputError
from whyset.findings.concept import LEAST_SEEDS
from whyset.store import Run
from whyset.store.effects import InterventionEffects, SelectionTrials

Rows = NDArray[np.int64]

_MOST = 5
"""Pairs of a cluster of a class and an intervention that are measured on fresh hosts for their effects."""
_MOST_DISTINCT = 2
"""Clusters of a class that are measured on fresh hosts for their contrast of details, whatever their effects."""
_LEAST_Z = 2.0


def read_clusters(run: Run, said: Progress) -> Mapping[str, tuple[Rows, ...]]:
    """Return the rows of the clusters of each class in the analyses of all views, small ones included.

    The keys are the ids of the classes; clusters with the largest contrast of details come first. There are none if the
    run has no analysis, or none that can be read, which is reported.
    """
    try:
        groups = list_groups(run)
    except (InputError, BrokenRunError) as error:
        said.info(f"no clusters propose candidates: {error}")
        return {}
    return {id: tuple(group.rows for group in of_class) for id, of_class in groups.items()}


def choose_clusters(
    interventions: Sequence[InterventionEffects], rows: Rows, clusters: Sequence[Rows]
) -> list[tuple[InterventionEffects, Rows]]:
    """Choose clusters whose samples are measured on fresh hosts, each with an intervention.

    They are those whose evidence turns more hosts of the first stage than that of the rest of the class: all tested
    samples took part in that stage, and clusters are found without regard to effects. A single sample with weak
    evidence is lost among many without any; a group of them is not. Further ones are the two clusters whose details
    differ most from those of the class, each with the intervention by which it turns most hosts.

    Parameters
    ----------
    interventions : sequence of InterventionEffects
        The effects of the class.
    rows : ndarray of int
        The rows of the class in ascending order.
    clusters : sequence of ndarray of int
        Rows of clusters, the largest contrast of details first; samples of other classes are left out.

    Returns
    -------
    list of (InterventionEffects, ndarray of int)
        Up to five pairs with z-scores of at least 2, the largest first, and up to two for their details. Clusters with
        less than four samples or more than half of the class take no part, and of two that share half of their union
        only the first is chosen for an intervention.
    """
    parts = [np.intersect1d(cluster, rows) for cluster in clusters]
    parts = [part for part in parts if LEAST_SEEDS <= len(part) <= len(rows) / 2]
    found = [(compare(one.unselected, part), one, part) for one in interventions for part in parts]
    found = sorted((each for each in found if each[0] >= _LEAST_Z), key=lambda each: -each[0])
    chosen: list[tuple[InterventionEffects, Rows]] = []
    for _, one, part in found:
        if len(chosen) < _MOST:
            _add(chosen, one, part)
    for part in parts[:_MOST_DISTINCT]:
        best = max(interventions, key=lambda one: measure_share(one.unselected, part))
        if measure_share(best.unselected, part) > 0:
            _add(chosen, best, part)
    return chosen


def measure_share(trials: SelectionTrials, cluster: Rows) -> float:
    """Return the mean share of turned hosts in a cluster; 0 if none of its samples took part."""
    inside = np.isin(trials.rows, cluster)
    shares = np.asarray(trials.turned)[inside] / np.maximum(np.asarray(trials.hosts)[inside], 1)
    return float(shares.mean()) if len(shares) else 0.0


def compare(trials: SelectionTrials, cluster: Rows) -> float:
    """Return the z-score of the share of turned hosts in a cluster against that of the other samples (Welch).

    It is 0 if less than four samples of either took part. Variances are those of all samples at least, since a few
    equal samples have none.
    """
    shares = np.asarray(trials.turned) / np.maximum(trials.hosts, 1)
    inside = np.isin(trials.rows, cluster)
    if min(inside.sum(), (~inside).sum()) < LEAST_SEEDS:
        return 0.0
    least = float(shares.var())
    error = sum(max(float(part.var()), least) / len(part) for part in (shares[inside], shares[~inside]))
    return float((shares[inside].mean() - shares[~inside].mean()) / np.sqrt(error)) if error > 0 else 0.0


def _add(chosen: list[tuple[InterventionEffects, Rows]], effects: InterventionEffects, rows: Rows) -> None:
    """Add a pair unless about the same samples were chosen for the intervention."""
    if not any(effects is other and compute_jaccard(rows, kept) >= SAME_GROUP for other, kept in chosen):
        chosen.append((effects, rows))
