"""Analysis: the strategies behind the explanations of each class. No torch."""

from whyset.analysis.analyze import analyze
from whyset.analysis.assign import Assignment, Place, assign
from whyset.analysis.memo import Memo
from whyset.analysis.pipelines import Pipeline, Spray, Step
from whyset.analysis.processors import (
    DBSCAN,
    HDBSCAN,
    LLE,
    PCA,
    TSNE,
    UMAP,
    Agglomerative,
    AreaPooling,
    Eigengap,
    KMeans,
    Processor,
    kmeans_sweep,
)
from whyset.analysis.scores import Separability

__all__ = [
    "DBSCAN",
    "HDBSCAN",
    "LLE",
    "PCA",
    "TSNE",
    "UMAP",
    "Agglomerative",
    "AreaPooling",
    "Assignment",
    "Eigengap",
    "KMeans",
    "Memo",
    "Pipeline",
    "Place",
    "Processor",
    "Separability",
    "Spray",
    "Step",
    "analyze",
    "assign",
    "kmeans_sweep",
]
