"""Evidence for the small clusters of a class, and the details that the maps of a cluster share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors import Clustering
from whyset.analysis.processors.clustering import NOISE
from whyset.analysis.sample_metadata import SampleMetadata
from whyset.analysis.scores import SmallClusterSearch, contrast_details
from whyset.store.evidence import ClusteringEvidence, SmallClusterEvidence, SmallClustersEvidence

SMALL = "small"
"""The name of the clustering that consists of the small clusters; all other samples are its noise."""


def describe_small_clusters(results: Mapping[str, Any], members: SampleMetadata) -> SmallClustersEvidence | None:
    """Describe the search for small clusters; None if there was none."""
    search: SmallClusterSearch | None = results.get("small_clusters")
    if search is None:
        return None
    clusters = tuple(
        SmallClusterEvidence(
            rows=tuple(members.indices[one.members].tolist()),
            n_explanations=len(one.members),
            n_samples=members[one.members].n_samples,
            effect=one.effect,
            recovery=one.recovery,
            n_clusters=one.n_clusters,
        )
        for one in search.clusters
    )
    return SmallClustersEvidence(
        n_candidates=search.n_candidates,
        n_surrogates=len(search.null),
        null_effect=float(search.null.max()) if len(search.null) else None,
        clusters=clusters,
    )


def make_clustering(results: Mapping[str, Any]) -> Clustering | None:
    """Return the small clusters as a clustering, in their order; None without any."""
    search: SmallClusterSearch | None = results.get("small_clusters")
    if search is None or not search.clusters:
        return None
    labels = np.full(len(results["details"]), NOISE, np.int32)
    for number, one in enumerate(search.clusters):
        labels[one.members] = number
    return Clustering(labels, results["details"].astype(np.float64), "search")


def with_details(
    described: ClusteringEvidence, clustering: Clustering, details: NDArray[np.floating]
) -> ClusteringEvidence:
    """Add the coherence of the details of each cluster, and of the rest of the class."""
    clusters = []
    for cluster in described.clusters:
        here, elsewhere = contrast_details(details, clustering.labels == cluster.id)
        clusters.append(replace(cluster, detail_coherence=here, detail_coherence_elsewhere=elsewhere))
    return replace(described, clusters=tuple(clusters))
