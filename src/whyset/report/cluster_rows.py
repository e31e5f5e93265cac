"""The clusters of a class, and the one to look at first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from whyset.report.class_rows import ClassRow, ranked_classes
from whyset.report.enriched import Enriched, enriched_of
from whyset.store import Analysis, Category

Interval = tuple[float, float]
Found = TypeVar("Found")


@dataclass(frozen=True)
class ClusterRow:
    """One cluster of the default clustering of a class; None is not known.

    `coherence` is the mean cosine between its maps, `recovery` how much of it is found again on subsamples, `medoids`
    are sample indices, the most typical first. Accuracy and confidence come with intervals of 95 %, with their value
    among the class's other samples, and with the p-value of the difference. `differing` is the share of the map that
    differs from the rest, `enriched` what is more frequent in it, `channels` those that are more relevant in it (of
    concepts only).
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
    silhouette: float | None = None
    recovery: float | None = None
    accuracy_interval: Interval | None = None
    accuracy_outside: float | None = None
    accuracy_p: float | None = None
    confidence_interval: Interval | None = None
    confidence_outside: float | None = None
    confidence_p: float | None = None
    differing: float | None = None
    enriched: tuple[Enriched, ...] = ()
    channels: tuple[int, ...] = ()


def cluster_rows(category: Category, class_names: tuple[str, ...] = ()) -> list[ClusterRow]:
    """Give the clusters of a class, the largest first; `class_names` gives names to labels and predictions."""
    info: Mapping[str, Any] = category.info
    clustering = (info.get("clusterings") or {}).get(info.get("default_clustering")) or {}
    recovery = dict(enumerate((clustering.get("stability") or {}).get("recovery", [])))
    return [
        ClusterRow(
            category=category.id,
            class_name=category.name,
            cluster=cluster["id"],
            medoids=tuple(cluster["medoids"]),
            recovery=recovery.get(cluster["id"]),
            differing=(cluster.get("difference") or {}).get("share"),
            channels=tuple((cluster.get("difference") or {}).get("channels", ())),
            enriched=enriched_of(clustering, cluster["id"], class_names),
            **{name: cluster.get(name) for name in _SCORES},
            **_contrast(cluster, "accuracy"),
            **_contrast(cluster, "confidence"),
        )
        for cluster in clustering.get("clusters", [])
    ]


_SCORES = ("size", "purity", "accuracy", "mean_confidence", "separability", "coherence", "silhouette")


def _contrast(cluster: Mapping[str, Any], of: str) -> dict[str, Any]:
    stored = cluster.get(f"{of}_contrast") or {}
    interval = stored.get("inside_interval")
    return {
        f"{of}_interval": None if interval is None else tuple(interval),
        f"{of}_outside": stored.get("outside"),
        f"{of}_p": stored.get("p_value"),
    }


def most_suspicious(analysis: Analysis) -> ClusterRow | None:
    """Give the most coherent cluster of the most separable class, or None where no class has clusters.

    A shortcut sits in one place and looks the same everywhere, so its maps are alike as those of objects are not.
    """
    return first_suspicious(ranked_classes(analysis), lambda id: most_coherent(analysis.category(id)))


def first_suspicious(ranked: Iterable[ClassRow], found_in: Callable[[str], Found | None]) -> Found | None:
    """Give what is found in the first of these classes in which something is; those with a problem have nothing."""
    found = (found_in(row.category) for row in ranked if row.problem is None)
    return next((each for each in found if each is not None), None)


def most_coherent(category: Category) -> ClusterRow | None:
    """Give the cluster of a class whose maps are most alike, or None where the class has no clusters."""
    clusters = cluster_rows(category)
    return max(clusters, key=lambda cluster: -2.0 if cluster.coherence is None else cluster.coherence, default=None)
