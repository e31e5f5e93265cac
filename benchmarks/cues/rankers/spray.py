"""Spectral relevance analysis by whyset, with its default parameters (Lapuschkin et al. 2019)."""

import numpy as np

import whyset

from ..observed import Observed
from ..ranking import ClassScores

SMALL = 0.05


def rank(observed: Observed) -> list[ClassScores]:
    """Rank classes by separability, and clusters by theirs; a class is reported if its p-value is at most 0.05."""
    analysis = whyset.analyze(observed.run, whyset.Spray())
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
        strategies = [one for one in clustering.clusters if one.size <= len(rows) / 2]
        order = sorted(strategies, key=lambda one: -np.inf if one.separability is None else one.separability)
        embedding = np.asarray(category.column("embedding.spectral"))
        for place, one in enumerate(order):
            inside = clusters == one.cluster
            distance = np.linalg.norm(embedding[inside] - embedding[inside].mean(axis=0), axis=1)
            values[inside] = place + 1 / (2 + distance)
        separability = evidence.separability
        p_value = separability.p_value
        reported = None if p_value is None else p_value <= SMALL
        found.append(ClassScores(label, float(separability.value), rows, values, reported))
    return found
