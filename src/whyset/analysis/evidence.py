"""What speaks for each cluster of a class, and where it differs: tests, intervals, stability, outliers."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.members import Members
from whyset.analysis.pipelines import Pipeline, Spray
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.pipelines.spray import CONCEPT
from whyset.analysis.processors import Clustering
from whyset.analysis.scores import (
    Difference,
    GaussianPrototypes,
    MaxStatistic,
    accuracy_contrast,
    confidence_contrast,
    enrichments,
    local_outlier_factor,
)
from whyset.analysis.stability import Resampling

_PROTOTYPES = 8  # of a class, as many as in the paper, where it has ten samples for each
_CHANNELS = 8  # of a cluster, those that are told
_KEPT_TESTS = 100  # enrichments that are stored, the smallest p-values first; the number of all is stored beside them


def add_evidence(
    info: dict[str, Any],
    features: NDArray[np.floating],
    members: Members,
    pipeline: Pipeline,
    results: dict[str, Any],
    spray: Spray,
    seed: int,
) -> dict[str, NDArray[Any]]:
    """Describe in `info` what speaks for the clusters of the default clustering, and give further columns.

    `outlier_factor` (N,), and for each cluster of the default clustering where its features differ from the rest:
    `difference.<name>` (clusters, D) and, 1 where that is significant, `difference_mask.<name>` (clusters, D).
    Of concept relevance, also the `prototype` and the `log_likelihood` (N,) of each sample.
    """
    name = spray.default_clustering
    clustering: Clustering = results[f"clustering.{name}"]
    described = info["clusterings"][name]
    described |= _stability(features, clustering, pipeline, spray, seed) | _enrichment(clustering, members)
    found = [_difference(features, clustering.labels == number, seed) for number in range(len(clustering.sizes))]
    for cluster, difference in zip(described["clusters"], found, strict=True):
        cluster |= _contrasts(members, clustering.labels == cluster["id"], seed) | _told(difference, spray)
    nothing = np.zeros((0, features.shape[1]))
    return _prototypes(info, features, members, spray, seed) | {
        "outlier_factor": local_outlier_factor(results["neighbours"]).astype(np.float32),
        f"difference.{name}": np.vstack([nothing, *(part.mean for part in found)]).astype(np.float32),
        f"difference_mask.{name}": np.vstack([nothing, *(part.significant for part in found)]).astype(np.uint8),
    }


def _prototypes(
    info: dict[str, Any], features: NDArray[np.floating], members: Members, spray: Spray, seed: int
) -> dict[str, NDArray[Any]]:
    """Describe the prototypes of a class in concept relevance, and give their columns; nothing of other relevance."""
    if not spray.of.startswith(CONCEPT):
        return {}
    samples, channels = features.shape
    components = max(1, min(_PROTOTYPES, samples // 10))
    covariance = "full" if samples >= components * channels else "diag"
    found = GaussianPrototypes(components, covariance)(features, seed=step_seed(seed, "prototypes"))
    info["prototypes"] = {
        "covariance": covariance,
        "weights": found.weights.tolist(),
        "samples": members.indices[found.prototypes].tolist(),
        "outliers": members.indices[found.outliers()].tolist(),
    }
    return {"prototype": found.members, "log_likelihood": found.log_likelihood}


def _stability(
    features: NDArray[np.floating], clustering: Clustering, pipeline: Pipeline, spray: Spray, seed: int
) -> dict[str, Any]:
    """Give the stability of the clustering, with the `recovery` of each cluster; None where it is left out."""
    if spray.resamplings == 0:
        return {"stability": None}
    resampling = Resampling(spray.resamplings)
    found = resampling(features, clustering.labels, pipeline, f"clustering.{spray.default_clustering}", seed=seed)
    return {
        "stability": {
            "adjusted_rand": found.mean,
            "range": np.quantile(found.adjusted_rand, [0.05, 0.95]).tolist(),
            "recovery": [float(value) if np.isfinite(value) else None for value in found.recovery],
            "runs": resampling.runs,
            "share": resampling.share,
        }
    }


def _enrichment(clustering: Clustering, members: Members) -> dict[str, Any]:
    tests = enrichments(clustering.labels, members.attributes())
    smallest = [asdict(test) | {"odds_ratio": test.odds_ratio} for test in tests[:_KEPT_TESTS]]
    return {"enrichment": {"tests": len(tests), "smallest": smallest}}


def _contrasts(members: Members, inside: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    return {
        "accuracy_contrast": asdict(accuracy_contrast(members.labels, members.predictions, inside)),
        "confidence_contrast": asdict(confidence_contrast(members.confidence, inside, seed=seed)),
    }


def _difference(features: NDArray[np.floating], inside: NDArray[np.bool_], seed: int) -> Difference:
    """Compare the features inside and outside; where a side is too small for that, nothing differs."""
    if min(np.count_nonzero(inside), np.count_nonzero(~inside)) < 2:
        nothing = np.zeros(features.shape[1])
        return Difference(nothing, nothing, np.inf, 1.0)
    return MaxStatistic()(features, inside, seed=step_seed(seed, "difference"))


def _told(difference: Difference, spray: Spray) -> dict[str, Any]:
    """Describe a difference; of concept relevance, name the channels that are more relevant inside, the most first."""
    if not np.isfinite(difference.threshold):
        return {"difference": None}
    share = float(difference.significant.mean())
    told: dict[str, Any] = {"p_value": difference.p_value, "threshold": difference.threshold, "share": share}
    if spray.of.startswith(CONCEPT):
        order = np.argsort(-difference.statistic, kind="stable")
        told["channels"] = order[difference.statistic[order] > difference.threshold][:_CHANNELS].tolist()
    return {"difference": told}
