"""Analysis: the strategies behind the explanations of each class. No torch."""

from whyset.analysis.analyze import analyze
from whyset.analysis.pipelines import Pipeline, Spray, Step
from whyset.analysis.processors import HDBSCAN, TSNE, AreaPooling, Eigengap, KMeans, Processor
from whyset.analysis.scores import Separability

__all__ = [
    "HDBSCAN",
    "TSNE",
    "AreaPooling",
    "Eigengap",
    "KMeans",
    "Pipeline",
    "Processor",
    "Separability",
    "Spray",
    "Step",
    "analyze",
]
