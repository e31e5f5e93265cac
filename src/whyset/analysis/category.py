"""The analysis of one class: from its relevance in the run to a CategoryResult."""

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
from whyset.analysis.maps import features_of, mean_maps
from whyset.analysis.members import Members, members_of
from whyset.analysis.pipelines import Spray
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.scores import CopulaSurrogates, silhouette
from whyset.analysis.significance import significance
from whyset.analysis.treatment import treatment_of
from whyset.errors import InputError
from whyset.store import CategoryResult, Run

_ONE_THREAD_BELOW = 2000  # samples; for smaller matrices, waking threads takes longer than the work


def analysed_class(run: Run, group: Group, spray: Spray) -> CategoryResult:
    """Analyse one class. One that cannot be analysed is a result, too: its `info["problem"]` says why."""
    try:
        with _threads(len(group.indices)):
            return _analysed(run, group, spray)
    except InputError as error:
        members = members_of(run, group)
        info = described_group(group, members, spray) | {"problem": str(error)}
        return CategoryResult(group.id, group.name, {"index": group.indices}, info)


def _threads(samples: int) -> AbstractContextManager[Any]:
    return threadpool_limits(1) if samples < _ONE_THREAD_BELOW else nullcontext()


def _analysed(run: Run, group: Group, spray: Spray) -> CategoryResult:
    if len(group.indices) < spray.smallest_class:
        raise InputError(f"Too few samples: {len(group.indices)}; at least {spray.smallest_class} are needed.")
    seed = step_seed(spray.seed, group.id)
    features = features_of(run, group.indices, spray.preparation(), seed)
    checked = checked_features(features, group.indices, spray.smallest_class)
    features, group = features[checked.kept], replace(group, indices=group.indices[checked.kept])
    members = members_of(run, group)
    pipeline = spray.pipeline(lowered_neighbours(spray.neighbours, len(features)))
    results = pipeline.run({"features": features}, seed=seed)
    tested = significance(features, results["separability"], pipeline, CopulaSurrogates(spray.surrogates), seed)
    info = described_group(group, members, spray) | described_graph(results["spectrum"])
    info["scores"] = described_scores(results["separability"], tested, results["number"], members)
    info["treatment"] = [*checked.treatment, *treatment_of(spray, results)]
    columns = (
        {"index": group.indices} | _embeddings(results, spray, info) | {"eigenvalues": results["spectrum"].eigenvalues}
    )
    columns |= _clusterings(run, features, members, results, spray, info)
    columns |= add_evidence(info, features, members, pipeline, results, spray, seed)
    return CategoryResult(group.id, group.name, columns, info)


def _embeddings(results: dict[str, Any], spray: Spray, info: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Give the columns of all embeddings, the spectral one included, and describe them in `info`."""
    spectral = results["spectrum"].eigenvectors.astype(np.float32)
    found = {part.name: results[f"embedding.{part.name}"] for part in spray.embeddings} | {"spectral": spectral}
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
    found = {part.name: results[f"clustering.{part.name}"] for part in spray.clusterings}
    for name, clustering in found.items():
        silhouettes = silhouette(clustering)
        info["clusterings"][name] = described_clustering(clustering, features, members, spray.separability, silhouettes)
        columns[f"clustering.{name}"] = clustering.labels
        columns[f"silhouette.{name}"] = silhouettes
    maps = mean_maps(run, members.indices, found)
    return columns | {f"mean_map.{name}": values for name, values in maps.items()}
