"""Scores of clusterings, clusters and classes: one per file, each with its formula and source (docs/scores.md)."""

from whyset.analysis.scores.coherence import coherence
from whyset.analysis.scores.composition import accuracy, finite_mean, purity
from whyset.analysis.scores.contrast import ClusterContrast, accuracy_contrast, confidence_contrast
from whyset.analysis.scores.copula import CopulaSurrogates
from whyset.analysis.scores.difference import MaxStatistic, MeanDifference
from whyset.analysis.scores.enrichment import Enrichment, enrichments
from whyset.analysis.scores.intervals import bootstrap_mean, wilson
from whyset.analysis.scores.medoids import medoids
from whyset.analysis.scores.multiple import benjamini_hochberg
from whyset.analysis.scores.outlier_factor import local_outlier_factor
from whyset.analysis.scores.prototypes import GaussianPrototypes, Prototypes
from whyset.analysis.scores.reference_samples import reference_samples
from whyset.analysis.scores.separability import Separability
from whyset.analysis.scores.silhouette import silhouette
from whyset.analysis.scores.surrogates import GaussianSurrogates, p_value

__all__ = [
    "ClusterContrast",
    "CopulaSurrogates",
    "Enrichment",
    "GaussianPrototypes",
    "GaussianSurrogates",
    "MaxStatistic",
    "MeanDifference",
    "Prototypes",
    "Separability",
    "accuracy",
    "accuracy_contrast",
    "benjamini_hochberg",
    "bootstrap_mean",
    "coherence",
    "confidence_contrast",
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
