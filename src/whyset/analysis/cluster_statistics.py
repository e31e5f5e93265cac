"""Statistics of the clusters of a class: tests, intervals, differences, stability, outliers."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines import Pipeline, Spray, Step
from whyset.analysis.pipelines.pipeline import step_seed
from whyset.analysis.pipelines.spray import CONCEPT
from whyset.analysis.processors import Clustering, KMeans
from whyset.analysis.sample_metadata import SampleMetadata
from whyset.analysis.scores import (
    ClusterContrast,
    Enrichment,
    GaussianPrototypes,
    MaxStatistic,
    MeanDifference,
    accuracy_contrast,
    confidence_contrast,
    enrichments,
    local_outlier_factor,
)
from whyset.analysis.stability import Resampling
from whyset.store.evidence import (
    ClusteringEvidence,
    ContrastTest,
    DifferenceTest,
    EnrichmentTest,
    PrototypeEvidence,
    StabilityEvidence,
)

_PROTOTYPES = 8  # of a class, as in the paper, fewer if it has less than ten samples for each
_CHANNELS = 8  # of a cluster, those that are stored
_KEPT_TESTS = 100  # enrichments that are stored, the smallest p-values first; the number of all tests is stored, too


def compute_cluster_statistics(
    described: ClusteringEvidence,
    features: NDArray[np.floating],
    members: SampleMetadata,
    pipeline: Pipeline,
    results: dict[str, Any],
    spray: Spray,
    seed: int,
) -> tuple[ClusteringEvidence, dict[str, NDArray[Any]]]:
    """Add statistics to the clusters of the default clustering, and return further columns.

    Contrasts and enrichment compare samples, each counted once: inside a cluster if any of its explanations is, outside
    if none is. Everything else compares explanations.

    The columns are `outlier_factor` (N,), `difference.<name>` (clusters, D), the difference of the mean features from
    the rest of the class, and `difference_mask.<name>` (clusters, D), 1 where it is significant.
    """
    name = spray.default_clustering
    clustering: Clustering = results[f"clustering.{name}"]
    found = [_difference(features, clustering.labels == number, seed) for number in range(len(clustering.sizes))]
    stability, recovery = _stability(features, clustering, pipeline, spray, seed)
    tests = enrichments(clustering.labels, members.attributes(), members.samples)
    once = members.by_sample()
    clusters = tuple(
        replace(
            cluster,
            recovery=recovery.get(cluster.id),
            accuracy_contrast=_contrast(accuracy_contrast(once.labels, once.predictions, inside)),
            confidence_contrast=_contrast(confidence_contrast(once.confidence, inside, seed=seed)),
            difference=_describe_difference(difference, spray),
            enrichment=tuple(_test(test) for test in tests[:_KEPT_TESTS] if test.cluster == cluster.id),
        )
        for cluster, difference in zip(described.clusters, found, strict=True)
        for inside in [np.isin(once.samples, members.samples[clustering.labels == cluster.id])]
    )
    columns = _difference_columns(name, found, features.shape[1])
    columns["outlier_factor"] = local_outlier_factor(results["neighbors"]).astype(np.float32)
    return replace(described, stability=stability, n_enrichment_tests=len(tests), clusters=clusters), columns


def _difference_columns(name: str, found: list[MeanDifference], width: int) -> dict[str, NDArray[Any]]:
    nothing = np.zeros((0, width))
    return {
        f"difference.{name}": np.vstack([nothing, *(part.mean for part in found)]).astype(np.float32),
        f"difference_mask.{name}": np.vstack([nothing, *(part.significant for part in found)]).astype(np.uint8),
    }


def find_prototypes(
    features: NDArray[np.floating], members: SampleMetadata, spray: Spray, seed: int
) -> tuple[PrototypeEvidence | None, dict[str, NDArray[Any]]]:
    """Describe the prototypes of a class in concept relevance, with the columns `prototype` and `log_likelihood` (N,).

    For other relevance, return None and no columns.
    """
    if not spray.array.startswith(CONCEPT):
        return None, {}
    samples, channels = features.shape
    components = max(1, min(_PROTOTYPES, samples // 10))
    covariance: Literal["full", "diag"] = "full" if samples >= components * channels else "diag"
    found = GaussianPrototypes(components, covariance)(features, seed=step_seed(seed, "prototypes"))
    prototypes = PrototypeEvidence(
        covariance=covariance,
        weights=tuple(found.weights.tolist()),
        explanations=tuple(members.indices[found.prototypes].tolist()),
        outliers=tuple(members.indices[found.outliers()].tolist()),
    )
    return prototypes, {"prototype": found.members, "log_likelihood": found.log_likelihood}


def _stability(
    features: NDArray[np.floating], clustering: Clustering, pipeline: Pipeline, spray: Spray, seed: int
) -> tuple[StabilityEvidence | None, dict[int, float]]:
    """Return the stability of the clustering, and the recovery of each cluster; None and {} without resamplings."""
    if spray.resamplings == 0:
        return None, {}
    resampling = Resampling(spray.resamplings)
    found = resampling(features, clustering.labels, pipeline, f"clustering.{spray.default_clustering}", seed=seed)
    low, high = np.quantile(found.adjusted_rand, [0.05, 0.95]).tolist()
    recovery = {number: float(value) for number, value in enumerate(found.recovery) if np.isfinite(value)}
    return StabilityEvidence(found.mean, (low, high), resampling.runs, resampling.share), recovery


def stability_beyond(
    features: NDArray[np.floating], pipeline: Pipeline, results: dict[str, Any], spray: Spray, seed: int
) -> float | None:
    """Return the stability of as many k-means clusters as a larger eigengap beyond the numbers searched has.

    None without such a gap, and without resamplings.
    """
    beyond = results["number"].beyond
    if beyond is None or spray.resamplings == 0:
        return None
    step = Step("clustering.beyond", KMeans(beyond), ("spectrum", "number"))
    chain = Pipeline("beyond", (*pipeline.until("number").steps, step))
    found = step.processor(results["spectrum"], results["number"], **step.seed(seed))  # type: ignore[operator]
    return Resampling(spray.resamplings)(features, found.labels, chain, step.name, seed=seed).mean


def _test(test: Enrichment) -> EnrichmentTest:
    return EnrichmentTest(
        attribute=test.attribute,
        value=test.value,
        inside=test.inside,
        n_inside=test.size,
        outside=test.outside,
        n_outside=test.others,
        p_value=test.p_value,
        q_value=test.q_value,
        odds_ratio=test.odds_ratio,
    )


def _contrast(found: ClusterContrast) -> ContrastTest:
    return ContrastTest(**vars(found))


def _difference(features: NDArray[np.floating], inside: NDArray[np.bool_], seed: int) -> MeanDifference:
    """Compare the features inside and outside; if a side has fewer than two samples, nothing differs."""
    if min(np.count_nonzero(inside), np.count_nonzero(~inside)) < 2:
        nothing = np.zeros(features.shape[1])
        return MeanDifference(nothing, nothing, np.inf, 1.0)
    return MaxStatistic()(features, inside, seed=step_seed(seed, "difference"))


def _describe_difference(difference: MeanDifference, spray: Spray) -> DifferenceTest | None:
    """Describe a difference; in concept relevance, with the channels that are more relevant inside, the most first."""
    if not np.isfinite(difference.threshold):
        return None
    channels: tuple[int, ...] = ()
    if spray.array.startswith(CONCEPT):
        order = np.argsort(-difference.statistic, kind="stable")
        channels = tuple(order[difference.statistic[order] > difference.threshold][:_CHANNELS].tolist())
    share = float(difference.significant.mean())
    return DifferenceTest(float(difference.p_value), float(difference.threshold), share, channels)
