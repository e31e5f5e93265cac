"""Processors: the steps of an analysis, one kind per file. `PROCESSORS` is the table of all that are stored by name."""

from collections.abc import Mapping
from types import MappingProxyType

from whyset.analysis.processors.affinity import Affinity, RadialBasis, SymmetricNeighbors
from whyset.analysis.processors.agglomerative import Agglomerative
from whyset.analysis.processors.approximate import ApproximateNeighbors
from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.clustering import Clustering, Eigengap, NumberOfClusters
from whyset.analysis.processors.density import DBSCAN, HDBSCAN
from whyset.analysis.processors.distances import Cityblock, Correlation, Cosine, Distance, Euclidean
from whyset.analysis.processors.embeddings import LLE, PCA, TSNE, UMAP
from whyset.analysis.processors.estimator import ClusteringEstimator, EmbeddingEstimator, Estimator
from whyset.analysis.processors.kmeans import KMeans, kmeans_sweep
from whyset.analysis.processors.laplacian import Laplacian, RandomWalkLaplacian, SymmetricLaplacian
from whyset.analysis.processors.leiden import Leiden
from whyset.analysis.processors.neighbors import KNearestNeighbors, Neighbors
from whyset.analysis.processors.pooling import AreaPooling, Pooling
from whyset.analysis.processors.preprocessing import (
    Absolute,
    AbsoluteSum,
    ChannelSum,
    Flatten,
    FourierMagnitude,
    Histogram,
)
from whyset.analysis.processors.resize import Rescale, Resize
from whyset.analysis.processors.salient_relevance import SalientRelevance
from whyset.analysis.processors.sisters import JoinSisters
from whyset.analysis.processors.spectrum import Spectrum, SpectrumOfGraph
from whyset.analysis.processors.ssim import StructuralDissimilarity
from whyset.analysis.processors.wasserstein import SlicedWasserstein, Wasserstein

PREPROCESSING = (
    ChannelSum, Absolute, AbsoluteSum, Histogram, AreaPooling, Pooling, Resize, Rescale, FourierMagnitude,
    SalientRelevance, Flatten,
)  # fmt: skip
DISTANCES = (Euclidean, Cosine, Correlation, Cityblock, Wasserstein, SlicedWasserstein, StructuralDissimilarity)
GRAPH = (
    KNearestNeighbors, ApproximateNeighbors, SymmetricNeighbors, RadialBasis, SymmetricLaplacian,
    RandomWalkLaplacian, Spectrum, Eigengap,
)  # fmt: skip
CLUSTERINGS = (KMeans, HDBSCAN, DBSCAN, Agglomerative, Leiden, ClusteringEstimator)
AFTER_CLUSTERING = (JoinSisters,)
EMBEDDINGS = (TSNE, UMAP, PCA, LLE, EmbeddingEstimator)
PROCESSORS: Mapping[str, type[Processor]] = MappingProxyType(
    {part.__name__: part for part in (*PREPROCESSING, *DISTANCES, *GRAPH, *CLUSTERINGS, *AFTER_CLUSTERING, *EMBEDDINGS)}
)

__all__ = [
    "AFTER_CLUSTERING",
    "CLUSTERINGS",
    "DBSCAN",
    "DISTANCES",
    "EMBEDDINGS",
    "GRAPH",
    "HDBSCAN",
    "LLE",
    "PCA",
    "PREPROCESSING",
    "PROCESSORS",
    "TSNE",
    "UMAP",
    "Absolute",
    "AbsoluteSum",
    "Affinity",
    "Agglomerative",
    "ApproximateNeighbors",
    "AreaPooling",
    "ChannelSum",
    "Cityblock",
    "Clustering",
    "ClusteringEstimator",
    "Correlation",
    "Cosine",
    "Distance",
    "Eigengap",
    "EmbeddingEstimator",
    "Estimator",
    "Euclidean",
    "Flatten",
    "FourierMagnitude",
    "Histogram",
    "JoinSisters",
    "KMeans",
    "KNearestNeighbors",
    "Laplacian",
    "Leiden",
    "Neighbors",
    "NumberOfClusters",
    "Pooling",
    "Processor",
    "RadialBasis",
    "RandomWalkLaplacian",
    "Rescale",
    "Resize",
    "SalientRelevance",
    "SlicedWasserstein",
    "Spectrum",
    "SpectrumOfGraph",
    "StructuralDissimilarity",
    "SymmetricLaplacian",
    "SymmetricNeighbors",
    "Wasserstein",
    "kmeans_sweep",
]
