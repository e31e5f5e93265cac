"""The clusters of a class, and the one to look at first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyset.report.class_rows import ranked_classes
from whyset.store import Analysis, Category


@dataclass(frozen=True)
class ClusterRow:
    """One cluster of the default clustering of a class; None is not known.

    `coherence` is the mean cosine between its maps, `medoids` are sample indices, the most typical first.
    """

    category: str
    class_name: str
    cluster: int
    size: int
    purity: float | None
    accuracy: float | None
    mean_confidence: float | None
    separability: float | None
    coherence: float | None
    medoids: tuple[int, ...]


def cluster_rows(category: Category) -> list[ClusterRow]:
    """Give the clusters of a class, the largest first."""
    info: Mapping[str, Any] = category.info
    clustering = (info.get("clusterings") or {}).get(info.get("default_clustering")) or {}
    return [
        ClusterRow(
            category=category.id,
            class_name=category.name,
            cluster=cluster["id"],
            medoids=tuple(cluster["medoids"]),
            **{name: cluster.get(name) for name in _SCORES},
        )
        for cluster in clustering.get("clusters", [])
    ]


_SCORES = ("size", "purity", "accuracy", "mean_confidence", "separability", "coherence")


def most_suspicious(analysis: Analysis) -> ClusterRow | None:
    """Give the most coherent cluster of the most separable class, or None where no class has clusters.

    A shortcut sits in one place and looks the same everywhere, so its maps are alike as those of objects are not.
    """
    for row in ranked_classes(analysis):
        clusters = cluster_rows(analysis.category(row.category)) if row.problem is None else []
        if clusters:
            return max(clusters, key=lambda cluster: -2.0 if cluster.coherence is None else cluster.coherence)
    return None
