"""Evidence for a class, its graph and its clusterings, from the results of the steps."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import Group
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import Affinity, Clustering, Neighbors, NumberOfClusters, SpectrumOfGraph
from whyset.analysis.sample_metadata import SampleMetadata
from whyset.analysis.scores import Separability, coherence, finite_mean, medoids
from whyset.store.evidence import (
    ClassEvidence,
    ClusterEvidence,
    ClusteringEvidence,
    ClusterJoin,
    EigengapEvidence,
    NeighborGraph,
)


def describe_class(group: Group, members: SampleMetadata, spray: Spray) -> ClassEvidence:
    """Describe the class itself; fields that have not been computed are None or empty."""
    return ClassEvidence(
        n_explanations=members.n_explanations,
        n_samples=members.n_samples,
        label=group.output,
        grouped_by=group.grouped_by,
        purity_of=members.purity_of,
        array=spray.array,
        composition=members.composition(),
        default_clustering=spray.default_clustering,
        default_embedding=spray.default_embedding,
    )


def describe_graph(spectrum: SpectrumOfGraph, affinity: Affinity, neighbors: Neighbors) -> NeighborGraph:
    """Describe the neighbor graph with its parameters, so that new samples can be joined to it."""
    return NeighborGraph(
        n_connected_components=spectrum.components,
        n_isolated=int(spectrum.isolated.sum()),
        n_neighbors=neighbors.indices.shape[1],
        recall=neighbors.recall,
        affinity=affinity.fit(neighbors).to_dict(),
    )


def describe_eigengap(number: NumberOfClusters, beyond_stability: float | None = None) -> EigengapEvidence:
    """Describe the eigengap that determines the number of clusters."""
    return EigengapEvidence(
        value=number.gap,
        n_clusters=number.clusters,
        is_max=number.clear,
        beyond=number.beyond,
        beyond_stability=beyond_stability,
    )


def describe_clustering(
    clustering: Clustering,
    features: NDArray[np.floating],
    members: SampleMetadata,
    score: Separability,
    silhouettes: NDArray[np.float32],
) -> ClusteringEvidence:
    """Describe a clustering and each of its clusters, the largest first."""
    apart = score.one_against_rest(clustering)
    clusters = tuple(
        replace(
            _describe_cluster(cluster, apart[cluster], clustering.labels == cluster, features, members, silhouettes),
            joined=list_joined(clustering, cluster),
        )
        for cluster in range(len(clustering.sizes))
    )
    return ClusteringEvidence(
        n_clusters=len(clusters),
        selected_by=clustering.selected_by,
        n_noise=int(np.count_nonzero(clustering.labels < 0)),
        separability=score(clustering),
        silhouette=finite_mean(silhouettes),
        clusters=clusters,
        min_cluster_size=clustering.min_cluster_size,
        joins=tuple(ClusterJoin(**vars(join)) for join in clustering.joins),
    )


def _describe_cluster(
    number: int,
    separability: float,
    inside: NDArray[np.bool_],
    features: NDArray[np.floating],
    members: SampleMetadata,
    silhouettes: NDArray[np.float32],
) -> ClusterEvidence:
    own, typical = members[inside], medoids(features, np.flatnonzero(inside))
    return ClusterEvidence(
        id=number,
        n_explanations=own.n_explanations,
        n_samples=own.n_samples,
        composition=own.composition(),
        separability=separability,
        coherence=coherence(features[inside]),
        silhouette=finite_mean(silhouettes[inside]),
        medoids=tuple(members.indices[typical].tolist()),
    )


def list_joined(clustering: Clustering, cluster: int) -> tuple[int, ...]:
    """Return the numbers, before joining, of the clusters that were joined to this one; empty if it was one cluster."""
    if clustering.unjoined is None:
        return ()
    found = np.unique(clustering.unjoined[clustering.labels == cluster])
    return tuple(found.tolist()) if len(found) > 1 else ()
