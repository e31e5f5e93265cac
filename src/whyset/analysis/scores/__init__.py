"""Scores of clusterings, clusters and classes: one per file, each with its formula and source."""

from whyset.analysis.scores.coherence import coherence
from whyset.analysis.scores.composition import accuracy, mean_confidence, purity
from whyset.analysis.scores.medoids import medoids
from whyset.analysis.scores.separability import Separability
from whyset.analysis.scores.silhouette import silhouette
from whyset.analysis.scores.surrogates import GaussianSurrogates, p_value

__all__ = [
    "GaussianSurrogates",
    "Separability",
    "accuracy",
    "coherence",
    "mean_confidence",
    "medoids",
    "p_value",
    "purity",
    "silhouette",
]
