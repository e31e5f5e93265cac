"""Evidence for clusters of an imported ViRelAy project, with the fields that are known."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import Group
from whyset.analysis.maps import compute_features, mean_maps
from whyset.analysis.pipelines import Spray
from whyset.analysis.sample_metadata import SampleMetadata, get_members
from whyset.analysis.scores import coherence, medoids
from whyset.store import CategoryResult, Run
from whyset.store.evidence import ClassEvidence, ClusterEvidence, ClusteringEvidence, EmbeddingEvidence
from whyset.store.virelay.categories import FoundCategory
from whyset.store.virelay.importing import CategoryNames

TREATMENT = (
    "imported from ViRelAy: separability, p-value, eigengap and silhouettes are not known; "
    "`whyset analyze --name NEW` computes new clusters and scores"
)
FIRST_SHOWN = ("tsne", "t-SNE", "umap", "UMAP")


def describe_imported_category(run: Run, found: FoundCategory, names: CategoryNames) -> CategoryResult:
    """Describe a category of a ViRelAy project; `found.index` counts rows of the run.

    Cluster numbers are unchanged, also if some clusters are empty. Coherence and medoids are computed from the maps, as
    in analyses of whyset; fields that need the whole analysis are null.

    Parameters
    ----------
    run : Run
        The imported run.
    found : FoundCategory
        The category as it was read from the project's files.
    names : CategoryNames
        The names of the category, its clusterings and its embeddings in the run.

    Returns
    -------
    CategoryResult
        What an analysis stores for a class: columns and evidence.
    """
    members = get_members(run, Group(-1 if names.label is None else names.label, names.name, found.index, "category"))
    columns: dict[str, NDArray[Any]] = {"index": found.index}
    evidence = _describe(found, names, members)
    if not len(found.index):
        empty = replace(evidence, problem="The category holds no explanations.")
        return CategoryResult(names.id, names.name, columns, empty)
    for name, values in found.embeddings.items():
        columns[f"embedding.{names.embeddings[name]}"] = values
    columns |= _eigenvalues(found, names)
    features = compute_features(run, found.index, Spray().preparation(), 0)
    columns |= mean_maps(
        run, found.index, {names.clusterings[name]: labels for name, labels in found.clusterings.items()}
    )
    clusterings: dict[str, ClusteringEvidence] = {}
    for name, labels in found.clusterings.items():
        own = names.clusterings[name]
        columns[f"clustering.{own}"] = labels
        clusterings[own] = _describe_clustering(labels, features, members, found.given_clusters.get(name))
    return CategoryResult(names.id, names.name, columns, replace(evidence, clusterings=clusterings))


def _describe(found: FoundCategory, names: CategoryNames, members: SampleMetadata) -> ClassEvidence:
    embeddings = {names.embeddings[name]: EmbeddingEvidence(v.shape[1]) for name, v in found.embeddings.items()}
    clusterings = [names.clusterings[name] for name in found.clusterings]
    preferred = [found.first_shown.get("embedding"), *FIRST_SHOWN]
    return ClassEvidence(
        n_explanations=members.n_explanations,
        n_samples=members.n_samples,
        label=names.label,
        grouped_by=f"category {found.name!r} of the project",
        purity_of=members.purity_of,
        composition=members.composition(),
        default_clustering=next((n for n in clusterings if n == found.first_shown.get("clustering")), clusterings[0]),
        embeddings=embeddings,
        default_embedding=next((name for name in preferred if name in embeddings), next(iter(embeddings))),
        data_issues=(TREATMENT,),
    )


def _eigenvalues(found: FoundCategory, names: CategoryNames) -> dict[str, NDArray[Any]]:
    """Return the eigenvalues of the first embedding that has any as those of the class, others by their names."""
    columns = {f"eigenvalues.{names.embeddings[name]}": values for name, values in found.eigenvalues.items()}
    if columns:
        columns["eigenvalues"] = columns.pop(next(iter(columns)))
    return columns


def _describe_clustering(
    labels: NDArray[np.int32], features: NDArray[np.floating], members: SampleMetadata, asked_for: int | None
) -> ClusteringEvidence:
    return ClusteringEvidence(
        n_clusters=len(np.unique(labels[labels >= 0])),
        selected_by="not known" if asked_for is None else "given",
        n_noise=int(np.count_nonzero(labels < 0)),
        clusters=tuple(_describe_cluster(number, labels == number, features, members) for number in _numbers(labels)),
    )


def _describe_cluster(
    number: int, inside: NDArray[np.bool_], features: NDArray[np.floating], members: SampleMetadata
) -> ClusterEvidence:
    own, rows = members[inside], np.flatnonzero(inside)
    typical = medoids(features, rows) if len(rows) else rows
    return ClusterEvidence(
        id=number,
        n_explanations=own.n_explanations,
        n_samples=own.n_samples,
        composition=own.composition(),
        coherence=coherence(features[inside]),
        medoids=tuple(members.indices[typical].tolist()),
    )


def _numbers(labels: NDArray[np.int32]) -> range:
    """Return all cluster numbers up to the largest, so that the position of a cluster in the list is its number."""
    return range(int(labels.max(initial=-1)) + 1)
