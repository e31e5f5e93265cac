"""Adjustments of an analysis to unusual classes and graphs, described in words."""

from dataclasses import replace
from typing import Any

from whyset.analysis.pipelines import Spray
from whyset.analysis.pipelines.spray import get_n_clusters
from whyset.analysis.processors import LLE, TSNE, UMAP, SpectrumOfGraph
from whyset.analysis.processors.base import get_name
from whyset.errors import InputError


def fit_to_samples(spray: Spray, samples: int) -> tuple[Spray, list[str]]:
    """Leave out clusterings with more clusters than half of the explanations, and return the rest with a note.

    InputError: the default clustering is one of them.
    """
    large = [part for part in spray.clusterings if (get_n_clusters(part) or 0) > samples // 2]
    if not large:
        return spray, []
    if spray.clusterings[0] in large:
        raise InputError(
            f"{samples} explanations are too few for {spray.default_clustering}: at least two per cluster are needed."
        )
    kept = tuple(part for part in spray.clusterings if part not in large)
    names = ", ".join(get_name(part) for part in large)
    return replace(spray, clusterings=kept), [f"{samples} explanations are too few for {names}: left out."]


def describe_treatment(spray: Spray, results: dict[str, Any], stability: float | None = None) -> list[str]:
    """Return one sentence for each adjustment, to be stored with the results.

    `stability` is that of as many clusters as a larger eigengap beyond the numbers searched has.
    """
    found: list[str] = []
    neighbors, number = results["neighbors"], results["number"]
    samples, used = neighbors.indices.shape
    if used < spray.n_neighbors:
        found.append(f"{samples} explanations are few: each has {used} neighbors instead of {spray.n_neighbors}.")
    if spray.approximate_above is not None and samples > spray.approximate_above:
        found.append(f"Neighbors are approximate: their measured recall is {neighbors.recall:.4f}.")
    found += _graph(results["spectrum"])
    if not number.clear:
        found.append(
            "No eigengap is clear: the largest one is after the first eigenvalue, as in a class with one strategy; the "
            "number of clusters is that of the best split."
        )
    if number.beyond is not None:
        found.append(
            f"A larger eigengap is beyond the numbers searched, for {number.beyond} clusters{_stability(stability)}: "
            f"Spray(n_clusters=Eigengap({number.beyond})) uses it."
        )
    return found + [sentence for part in spray.embeddings for sentence in _embedding(part, samples)]


def _stability(value: float | None) -> str:
    return "" if value is None else f" (stability {value:.2f})"


def _graph(spectrum: SpectrumOfGraph) -> list[str]:
    found = []
    if spectrum.components > 1:
        found.append(
            f"The neighbor graph falls into {spectrum.components} components: each was solved "
            "separately, and counts as one cluster at least."
        )
    if spectrum.isolated.any():
        found.append(f"{spectrum.isolated.sum()} explanations have no neighbor: they are noise in every clustering.")
    return found


def _embedding(part: object, samples: int) -> list[str]:
    if isinstance(part, TSNE) and part.perplexity_for(samples) < part.perplexity:
        used = f"{part.perplexity_for(samples):.3g} instead of {part.perplexity:g}"
        return [f"{samples} explanations are few: t-SNE used the perplexity {used}."]
    if isinstance(part, UMAP | LLE) and samples <= part.n_neighbors:
        used = f"{samples - 1} neighbors instead of {part.n_neighbors}"
        return [f"{samples} explanations are few: {type(part).__name__} used {used}."]
    return []
