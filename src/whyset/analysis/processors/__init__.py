"""Processors: one step of an analysis per file. `PROCESSORS` is the table of all that can be stored by name."""

from whyset.analysis.processors.affinity import SymmetricNeighbours
from whyset.analysis.processors.base import Processor
from whyset.analysis.processors.channel_sum import ChannelSum
from whyset.analysis.processors.clustering import Clustering
from whyset.analysis.processors.eigengap import Eigengap, NumberOfClusters
from whyset.analysis.processors.flatten import Flatten
from whyset.analysis.processors.hdbscan import HDBSCAN
from whyset.analysis.processors.kmeans import KMeans
from whyset.analysis.processors.neighbours import KNearestNeighbours, Neighbours
from whyset.analysis.processors.normalise import AbsoluteSum
from whyset.analysis.processors.pooling import AreaPooling
from whyset.analysis.processors.spectrum import Spectrum, SpectrumOfGraph
from whyset.analysis.processors.tsne import TSNE

__all__ = [
    "HDBSCAN",
    "TSNE",
    "AbsoluteSum",
    "AreaPooling",
    "ChannelSum",
    "Clustering",
    "Eigengap",
    "Flatten",
    "KMeans",
    "KNearestNeighbours",
    "Neighbours",
    "NumberOfClusters",
    "Processor",
    "Spectrum",
    "SpectrumOfGraph",
    "SymmetricNeighbours",
]
