"""The analysis of one class: from its relevance in the run to a CategoryResult."""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from whyset.analysis.checks import checked_features, lowered_neighbours
from whyset.analysis.describe import described_clustering, described_graph, described_group, described_scores
from whyset.analysis.evidence import add_evidence
from whyset.analysis.groups import Group
from whyset.analysis.maps import class_features, mean_maps, prepared_shape
from whyset.analysis.members import Members, members_of
from whyset.analysis.memo import Memo
from whyset.analysis.pipelines import Pipeline, Spray
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.processors import Affinity, Clustering, Neighbours
from whyset.analysis.processors.base import name_of
from whyset.analysis.scores import CopulaSurrogates, silhouette
from whyset.analysis.significance import significance
from whyset.analysis.treatment import fitted_to, treatment_of
from whyset.errors import InputError
from whyset.store import CategoryResult, Run

_ONE_THREAD_BELOW = 2000  # samples; for smaller matrices, waking threads takes longer than the work


def analysed_class(run: Run, group: Group, spray: Spray, memo: Memo | None = None) -> CategoryResult:
    """Analyse one class. One that cannot be analysed is a result, too: its `info["problem"]` says why."""
    try:
        with _threads(len(group.indices)):
            return _analysed(run, group, spray, memo)
    except InputError as error:
        members = members_of(run, group)
        info = described_group(group, members, spray) | {"of": spray.of, "problem": str(error)}
        return CategoryResult(group.id, group.name, {"index": group.indices}, info)


def _threads(samples: int) -> AbstractContextManager[Any]:
    return threadpool_limits(1) if samples < _ONE_THREAD_BELOW else nullcontext()


def _workers() -> int:
    """Give how many steps may run side by side: a worker of an engine is told its share of the cores."""
    share = os.environ.get("OMP_NUM_THREADS", "")
    return int(share) if share.isdigit() and int(share) > 0 else os.cpu_count() or 1


def _analysed(run: Run, group: Group, spray: Spray, memo: Memo | None) -> CategoryResult:
    if len(group.indices) < spray.smallest_class:
        raise InputError(f"Too few samples: {len(group.indices)}; at least {spray.smallest_class} are needed.")
    seed = step_seed(spray.seed, group.id)
    features = class_features(run, spray, group.id, group.indices)
    checked = checked_features(features, group.indices, spray.smallest_class)
    features, group = features[checked.kept], replace(group, indices=group.indices[checked.kept])
    members = members_of(run, group)
    spray, left_out = fitted_to(spray, len(features))
    pipeline = _pipeline(run, group, spray)
    results = pipeline.run({"features": features}, seed=seed, workers=_workers(), memo=memo)
    tested = significance(features, results["separability"], pipeline, CopulaSurrogates(spray.surrogates), seed)
    info = described_group(group, members, spray) | described_graph(results["spectrum"]) | {"of": spray.of}
    info["graph"] = _graph(spray.affinity, results["neighbours"])
    info["scores"] = described_scores(results["separability"], tested, results["number"], members)
    info["treatment"] = [*checked.treatment, *left_out, *treatment_of(spray, results)]
    columns = {"index": group.indices} | _embeddings(results, spray, info)
    columns |= {
        "eigenvalues": results["spectrum"].eigenvalues,
        "degree": results["affinity"].sum(axis=1),
        "reach": results["neighbours"].distances[:, -1],
    }
    columns |= _clusterings(run, features, members, results, spray, info)
    columns |= add_evidence(info, features, members, pipeline, results, spray, seed)
    return CategoryResult(group.id, group.name, columns, info)


def _pipeline(run: Run, group: Group, spray: Spray) -> Pipeline:
    """Give the steps for this class: neighbours lowered for few samples, a distance of maps told their shape."""
    samples = len(group.indices)
    shape = prepared_shape(run, spray, int(group.indices[0])) if spray.distance.needs_shape else None
    return spray.pipeline(lowered_neighbours(spray.neighbours, samples), samples=samples, shape=shape)


def _graph(affinity: Affinity, neighbours: Neighbours) -> dict[str, Any]:
    """Describe how the graph was made, so that new samples can be joined to it."""
    return {
        "neighbours": neighbours.indices.shape[1],
        "affinity": affinity.fitted(neighbours).stored_form(),
        "recall": neighbours.recall,
    }


def _embeddings(results: dict[str, Any], spray: Spray, info: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Give the columns of all embeddings, the spectral one included, and describe them in `info`."""
    spectral = results["spectrum"].eigenvectors.astype(np.float32)
    found = {name_of(part): results[f"embedding.{name_of(part)}"] for part in spray.embeddings}
    found["spectral"] = spectral
    info["embeddings"] = {name: {"dimensions": values.shape[1]} for name, values in found.items()}
    return {f"embedding.{name}": values for name, values in found.items()}


def _clusterings(
    run: Run,
    features: NDArray[np.float32],
    members: Members,
    results: dict[str, Any],
    spray: Spray,
    info: dict[str, Any],
) -> dict[str, NDArray[Any]]:
    """Give the columns of all clusterings, and describe them in `info`."""
    columns: dict[str, NDArray[Any]] = {}
    found: dict[str, Clustering] = {name_of(part): results[f"clustering.{name_of(part)}"] for part in spray.clusterings}
    for name, clustering in found.items():
        silhouettes = silhouette(clustering)
        info["clusterings"][name] = described_clustering(clustering, features, members, spray.separability, silhouettes)
        columns[f"clustering.{name}"] = clustering.labels
        columns[f"silhouette.{name}"] = silhouettes
        if clustering.dendrogram is not None:
            columns[f"dendrogram.{name}"] = clustering.dendrogram
    return columns | mean_maps(run, members.indices, {name: clustering.labels for name, clustering in found.items()})
