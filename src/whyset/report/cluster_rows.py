"""The clusters of a class, and the one to look at first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from whyset.report.class_rows import ClassRow, rank_classes
from whyset.report.enrichment import Enriched, name_enriched
from whyset.store import Analysis, Category, ClusterEvidence

Found = TypeVar("Found")


@dataclass(frozen=True)
class ClusterRow:
    """One cluster of a class's default clustering: its evidence and its enriched attribute values."""

    category: str
    class_name: str
    clustering: str
    evidence: ClusterEvidence
    enriched: tuple[Enriched, ...] = ()


def cluster_rows(category: Category, class_names: tuple[str, ...] = ()) -> list[ClusterRow]:
    """Return the clusters of a class, the largest first; `class_names` are the names of labels and predictions."""
    name, clustering = category.evidence.default_clustering, category.evidence.clustering
    if clustering is None or name is None:
        return []
    return [
        ClusterRow(category.id, category.name, name, cluster, name_enriched(cluster.enrichment, class_names))
        for cluster in clustering.clusters
    ]


def most_suspicious(analysis: Analysis) -> ClusterRow | None:
    """Return the most coherent cluster of the most separable class, or None if no class has clusters.

    A shortcut has the same place and appearance in all samples, so its relevance maps are more alike than those of
    objects.
    """
    return first_suspicious(rank_classes(analysis).rows, lambda id: most_coherent(analysis.category(id)))


def first_suspicious(ranked: Iterable[ClassRow], found_in: Callable[[str], Found | None]) -> Found | None:
    """Return the first result of `found_in` that is not None, over the ranked classes without a problem."""
    found = (found_in(row.id) for row in ranked if row.problem is None)
    return next((each for each in found if each is not None), None)


def most_coherent(category: Category) -> ClusterRow | None:
    """Return the cluster of a class with the most similar relevance maps, or None if the class has no clusters."""
    return max(cluster_rows(category), key=_coherence, default=None)


def _coherence(row: ClusterRow) -> float:
    return -2.0 if row.evidence.coherence is None else row.evidence.coherence
