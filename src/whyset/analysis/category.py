"""The analysis of one class: from its relevance in the run to a CategoryResult."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from whyset.analysis.adjustments import describe_treatment, fit_to_samples
from whyset.analysis.cluster_statistics import compute_cluster_statistics, find_prototypes, stability_beyond
from whyset.analysis.data_issues import check_features, limit_neighbors
from whyset.analysis.describe import describe_class, describe_clustering, describe_eigengap, describe_graph
from whyset.analysis.groups import Group
from whyset.analysis.maps import class_features, get_analyzed_array, get_prepared_shape, mean_maps
from whyset.analysis.memo import Memo
from whyset.analysis.pipelines import Pipeline, Spray
from whyset.analysis.pipelines.pipeline import UNJOINED, step_seed
from whyset.analysis.processors import Clustering
from whyset.analysis.processors.base import get_name
from whyset.analysis.sample_metadata import SampleMetadata, get_members
from whyset.analysis.scores import silhouette
from whyset.analysis.significance import significance
from whyset.analysis.small_clusters import SMALL, describe_small_clusters, make_clustering, with_details
from whyset.errors import InputError
from whyset.store import CategoryResult, Run
from whyset.store.evidence import ClusteringEvidence, EmbeddingEvidence

_ONE_THREAD_BELOW = 2000  # samples; for smaller matrices, starting threads takes longer than the work


def analyze_class(run: Run, group: Group, spray: Spray, memo: Memo | None = None) -> CategoryResult:
    """Analyze one class. If it cannot be analyzed, the result gives the reason in `evidence.problem`."""
    try:
        with _threads(len(group.indices)):
            return _analyze(run, group, spray, memo)
    except InputError as error:
        members = get_members(run, group)
        evidence = replace(describe_class(group, members, spray), problem=str(error))
        return CategoryResult(group.id, group.name, {"index": group.indices}, evidence)


def _threads(samples: int) -> AbstractContextManager[Any]:
    return threadpool_limits(1) if samples < _ONE_THREAD_BELOW else nullcontext()


def _workers() -> int:
    """Return the number of steps that may run in parallel; engines set OMP_NUM_THREADS for their workers."""
    share = os.environ.get("OMP_NUM_THREADS", "")
    return int(share) if share.isdigit() and int(share) > 0 else os.cpu_count() or 1


def _analyze(run: Run, group: Group, spray: Spray, memo: Memo | None) -> CategoryResult:
    if len(group.indices) < spray.min_class_size:
        raise InputError(f"Too few explanations: {len(group.indices)}; at least {spray.min_class_size} are needed.")
    seed = step_seed(spray.seed, group.id)
    features = class_features(run, spray, group.id, group.indices)
    checked = check_features(features, group.indices, spray.min_class_size)
    features, group = features[checked.kept], replace(group, indices=group.indices[checked.kept])
    members = get_members(run, group)
    spray, left_out = fit_to_samples(spray, len(features))
    pipeline = _pipeline(run, group, spray)
    results = pipeline.run({"features": features}, seed=seed, workers=_workers(), memo=memo)
    tested = significance(results, pipeline, spray.surrogates, seed)
    clusterings, columns = _clusterings(run, features, members, results, spray)
    name = spray.default_clustering
    clusterings[name], tested_columns = compute_cluster_statistics(
        clusterings[name], features, members, pipeline, results, spray, seed
    )
    beyond = stability_beyond(features, pipeline, results, spray, seed)
    prototypes, prototype_columns = find_prototypes(features, members, spray, seed)
    embeddings = _embeddings(results, spray)
    evidence = replace(
        describe_class(group, members, spray),
        separability=tested,
        eigengap=describe_eigengap(results["number"], beyond),
        graph=describe_graph(results["spectrum"], spray.affinity, results["neighbors"]),
        clusterings=clusterings,
        embeddings={kind: EmbeddingEvidence(values.shape[1]) for kind, values in embeddings.items()},
        prototypes=prototypes,
        data_issues=(*checked.treatment, *left_out, *describe_treatment(spray, results, beyond)),
        small_clusters=describe_small_clusters(results, members),
    )
    placed = {f"embedding.{kind}": values for kind, values in embeddings.items()}
    columns = {"index": group.indices} | placed | _graph_columns(results) | columns
    return CategoryResult(group.id, group.name, columns | prototype_columns | tested_columns, evidence)


def _graph_columns(results: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {
        "eigenvalues": results["spectrum"].eigenvalues,
        "degree": results["affinity"].sum(axis=1),
        "reach": results["neighbors"].distances[:, -1],
    }


def _pipeline(run: Run, group: Group, spray: Spray) -> Pipeline:
    """Return the steps for this class, with fewer neighbors for few samples and the shape of maps for distances."""
    samples = len(group.indices)
    is_map = len(get_analyzed_array(run, spray.array).shape) > 3  # rows, channels, and at least two axes of places
    needs_shape = is_map or spray.metric.needs_shape
    shape = get_prepared_shape(run, spray, int(group.indices[0])) if needs_shape else None
    return spray.pipeline(limit_neighbors(spray.n_neighbors, samples), samples=samples, shape=shape)


def _embeddings(results: dict[str, Any], spray: Spray) -> dict[str, NDArray[Any]]:
    """Return all embeddings by name, including the spectral one."""
    found = {get_name(part): results[f"embedding.{get_name(part)}"] for part in spray.embeddings}
    return found | {"spectral": results["spectrum"].eigenvectors.astype(np.float32)}


def _clusterings(
    run: Run, features: NDArray[np.float32], members: SampleMetadata, results: dict[str, Any], spray: Spray
) -> tuple[dict[str, ClusteringEvidence], dict[str, NDArray[Any]]]:
    """Describe all clusterings, and return their columns."""
    described: dict[str, ClusteringEvidence] = {}
    columns: dict[str, NDArray[Any]] = {}
    found: dict[str, Clustering] = {
        get_name(part): results[f"clustering.{get_name(part)}"] for part in spray.clusterings
    }
    if (small := make_clustering(results)) is not None:
        found[SMALL] = small
    for name, clustering in found.items():
        silhouettes = silhouette(clustering)
        plain = describe_clustering(clustering, features, members, spray.separability, silhouettes)
        described[name] = with_details(plain, clustering, results["details"])
        columns[f"clustering.{name}"] = clustering.labels
        columns[f"silhouette.{name}"] = silhouettes
        if clustering.unjoined is not None:
            columns[f"{UNJOINED}.{name}"] = clustering.unjoined
        if clustering.dendrogram is not None:
            columns[f"dendrogram.{name}"] = clustering.dendrogram
    maps = mean_maps(run, members.indices, {name: clustering.labels for name, clustering in found.items()})
    return described, columns | maps
