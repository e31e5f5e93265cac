"""Spectral relevance analysis by whyset, with its default parameters (Lapuschkin et al. 2019)."""

import numpy as np

import whyset
from whyset.store.evidence import ClusterEvidence

from ..observed import Observed
from ..ranking import ClassScores

SMALL = 0.05


def rank(observed: Observed, spray: whyset.Spray | None = None) -> list[ClassScores]:
    """Rank classes by separability, and clusters by theirs.

    A class is reported if its p-value is at most 0.05, without a correction for the number of classes.
    """
    analysis = whyset.analyze(observed.run, spray or whyset.Spray(), views="maps" if spray is None else None)
    found = []
    for category in analysis.categories:
        evidence, label = category.evidence, observed.cell.class_names.index(category.name)
        rows = np.asarray(category.column("index"), np.int64)
        name = evidence.default_clustering
        if evidence.problem is not None or name is None:
            found.append(ClassScores(label, -1.0, rows, np.zeros(len(rows)), False))
            continue
        clusters = np.asarray(analysis.clusters(category.name))
        clustering = evidence.clusterings[name]
        values = np.full(len(rows), -2.0)
        strategies = [one for one in clustering.clusters if one.n_explanations <= len(rows) / 2]
        silhouettes = np.asarray(category.column(f"silhouette.{name}"))
        for place, one in enumerate(sorted(strategies, key=_get_separability)):
            inside = clusters == one.id
            values[inside] = place + (silhouettes[inside] + 1) / 4  # less than 1, so that clusters keep their order
        separability = evidence.separability
        p_value = separability.p_value
        reported = None if p_value is None else p_value <= SMALL
        found.append(ClassScores(label, float(separability.value), rows, values, reported))
    return found


def _get_separability(cluster: ClusterEvidence) -> float:
    return -np.inf if cluster.separability is None else cluster.separability
