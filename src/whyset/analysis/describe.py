"""The `info` of a category: what was found, as JSON for the report and the viewer. docs/file-format.md lists it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import Group
from whyset.analysis.members import Members
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import Clustering, NumberOfClusters, SpectrumOfGraph
from whyset.analysis.scores import Separability, coherence, finite_mean, medoids


def described_group(group: Group, members: Members, spray: Spray) -> dict[str, Any]:
    """Describe the class itself; what has not been computed is null or empty."""
    return {
        "size": len(members.indices),
        "label": group.label,
        "grouped_by": group.grouped_by,
        "purity_of": members.purity_of,
        "problem": None,
        "clusterings": {},
        "default_clustering": spray.default_clustering,
        "embeddings": {},
        "default_embedding": spray.default_embedding,
        "scores": {
            "separability": {"value": None, "p_value": None, "surrogates": 0},
            "eigengap": {"value": None, "clusters": None, "clear": None},
            **members.composition(),
        },
        "treatment": [],
    }


def described_graph(spectrum: SpectrumOfGraph) -> dict[str, int]:
    """Describe the neighbour graph."""
    return {"components": spectrum.components, "isolated": int(spectrum.isolated.sum())}


def described_scores(
    separability: float, significance: dict[str, Any], number: NumberOfClusters, members: Members
) -> dict[str, Any]:
    """Describe the scores of the class."""
    return {
        "separability": {"value": separability, **significance},
        "eigengap": {"value": number.gap, "clusters": number.clusters, "clear": number.clear},
        **members.composition(),
    }


def described_clustering(
    clustering: Clustering,
    features: NDArray[np.floating],
    members: Members,
    score: Separability,
    silhouettes: NDArray[np.float32],
) -> dict[str, Any]:
    """Describe a clustering and each of its clusters, the largest first."""
    apart = score.one_against_rest(clustering)
    clusters = [
        {"id": cluster, "separability": apart[cluster]}
        | _described_cluster(clustering.labels == cluster, features, members, silhouettes)
        for cluster in range(len(clustering.sizes))
    ]
    return {
        "k": len(clusters),
        "selected_by": clustering.selected_by,
        "noise": int(np.count_nonzero(clustering.labels < 0)),
        "separability": score(clustering),
        "silhouette": finite_mean(silhouettes),
        "clusters": clusters,
    }


def _described_cluster(
    inside: NDArray[np.bool_], features: NDArray[np.floating], members: Members, silhouettes: NDArray[np.float32]
) -> dict[str, Any]:
    typical = medoids(features, np.flatnonzero(inside))
    return {
        "size": int(inside.sum()),
        **members[inside].composition(),
        "coherence": coherence(features[inside]),
        "silhouette": finite_mean(silhouettes[inside]),
        "medoids": members.indices[typical].tolist(),
    }
