"""Scores of clusterings, clusters and classes: each has its formula and its source (docs/scores.md)."""

from whyset.analysis.concepts import reference_samples
from whyset.analysis.scores.bottleneck import Bottleneck, BottleneckOfGraph
from whyset.analysis.scores.clusters import (
    accuracy,
    coherence,
    compute_recovery,
    finite_mean,
    local_outlier_factor,
    medoids,
    purity,
    silhouette,
)
from whyset.analysis.scores.contrast import ClusterContrast, accuracy_contrast, confidence_contrast
from whyset.analysis.scores.details import Details, contrast_details
from whyset.analysis.scores.difference import MaxStatistic, MeanDifference
from whyset.analysis.scores.enrichment import Enrichment, enrichments
from whyset.analysis.scores.inference import benjamini_hochberg, bootstrap_mean, wilson
from whyset.analysis.scores.prototypes import GaussianPrototypes, Prototypes
from whyset.analysis.scores.segment import Segment
from whyset.analysis.scores.separability import Separability
from whyset.analysis.scores.sequential import SequentialTest, compute_sequential_p
from whyset.analysis.scores.small_clusters import SmallCluster, SmallClusters, SmallClusterSearch
from whyset.analysis.scores.surrogates import CopulaSurrogates, GaussianSurrogates, p_value

__all__ = [
    "Bottleneck",
    "BottleneckOfGraph",
    "ClusterContrast",
    "CopulaSurrogates",
    "Details",
    "Enrichment",
    "GaussianPrototypes",
    "GaussianSurrogates",
    "MaxStatistic",
    "MeanDifference",
    "Prototypes",
    "Segment",
    "Separability",
    "SequentialTest",
    "SmallCluster",
    "SmallClusterSearch",
    "SmallClusters",
    "accuracy",
    "accuracy_contrast",
    "benjamini_hochberg",
    "bootstrap_mean",
    "coherence",
    "compute_recovery",
    "compute_sequential_p",
    "confidence_contrast",
    "contrast_details",
    "enrichments",
    "finite_mean",
    "local_outlier_factor",
    "medoids",
    "p_value",
    "purity",
    "reference_samples",
    "silhouette",
    "wilson",
]
