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
    """One cluster of a class's default clustering: its evidence, and what is `enriched` in it, classes by name."""

    category: str
    class_name: str
    clustering: str
    evidence: ClusterEvidence
    enriched: tuple[Enriched, ...] = ()


def cluster_rows(category: Category, class_names: tuple[str, ...] = ()) -> list[ClusterRow]:
    """Give the clusters of a class, the largest first; `class_names` gives names to labels and predictions."""
    name, clustering = category.evidence.default_clustering, category.evidence.clustering
    if clustering is None or name is None:
        return []
    return [
        ClusterRow(category.id, category.name, name, cluster, name_enriched(cluster.enrichment, class_names))
        for cluster in clustering.clusters
    ]


def most_suspicious(analysis: Analysis) -> ClusterRow | None:
    """Give the most coherent cluster of the most separable class, or None where no class has clusters.

    A shortcut sits in one place and looks the same everywhere, so its maps are alike as those of objects are not.
    """
    return first_suspicious(rank_classes(analysis).rows, lambda id: most_coherent(analysis.category(id)))


def first_suspicious(ranked: Iterable[ClassRow], found_in: Callable[[str], Found | None]) -> Found | None:
    """Give what is found in the first of these classes in which something is; those with a problem have nothing."""
    found = (found_in(row.id) for row in ranked if row.problem is None)
    return next((each for each in found if each is not None), None)


def most_coherent(category: Category) -> ClusterRow | None:
    """Give the cluster of a class whose maps are most alike, or None where the class has no clusters."""
    return max(cluster_rows(category), key=_coherence, default=None)


def _coherence(row: ClusterRow) -> float:
    return -2.0 if row.evidence.coherence is None else row.evidence.coherence
