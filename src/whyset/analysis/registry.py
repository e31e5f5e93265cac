"""Parts of an analysis by the short names of the command line."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from whyset.analysis.processors import (
    DBSCAN,
    HDBSCAN,
    LLE,
    PCA,
    TSNE,
    UMAP,
    Absolute,
    Affinity,
    Agglomerative,
    Cityblock,
    Correlation,
    Cosine,
    Distance,
    Euclidean,
    FourierMagnitude,
    Histogram,
    JoinSisters,
    KMeans,
    Laplacian,
    Leiden,
    Processor,
    RadialBasis,
    RandomWalkLaplacian,
    SalientRelevance,
    SlicedWasserstein,
    StructuralDissimilarity,
    SymmetricLaplacian,
    SymmetricNeighbors,
    Wasserstein,
    kmeans_sweep,
)
from whyset.analysis.scores import SmallClusters
from whyset.errors import InputError

T = TypeVar("T")

METRICS: Mapping[str, Callable[[], Distance]] = MappingProxyType(
    {
        "euclidean": Euclidean,
        "cosine": Cosine,
        "correlation": Correlation,
        "cityblock": Cityblock,
        "wasserstein": Wasserstein,
        "sliced-wasserstein": SlicedWasserstein,
        "ssim": StructuralDissimilarity,
    }
)
AFFINITIES: Mapping[str, Callable[[], Affinity]] = MappingProxyType({"knn": SymmetricNeighbors, "rbf": RadialBasis})
LAPLACIANS: Mapping[str, Callable[[], Laplacian]] = MappingProxyType(
    {"symmetric": SymmetricLaplacian, "random-walk": RandomWalkLaplacian}
)
EMBEDDINGS: Mapping[str, Callable[[], Processor]] = MappingProxyType(
    {
        "tsne": TSNE,
        "tsne-features": lambda: TSNE(space="features"),
        "opentsne": lambda: TSNE(implementation="opentsne"),
        "opentsne-features": lambda: TSNE(space="features", implementation="opentsne"),
        "umap": UMAP,
        "umap-features": lambda: UMAP(space="features"),
        "pca": PCA,
        "lle": LLE,
    }
)
PREPROCESSING: Mapping[str, Callable[[], Processor]] = MappingProxyType(
    {"absolute": Absolute, "fourier": FourierMagnitude, "histogram": Histogram, "salient": SalientRelevance}
)
SISTERS: Mapping[str, Callable[[], JoinSisters | None]] = MappingProxyType({"join": JoinSisters, "keep": lambda: None})
SMALL_CLUSTERS: Mapping[str, Callable[[], SmallClusters | None]] = MappingProxyType(
    {"search": SmallClusters, "leiden": lambda: SmallClusters(resolutions=(1.0, 8.0)), "none": lambda: None}
)
NAMED: Mapping[str, Mapping[str, Callable[[], Any]]] = MappingProxyType(
    {
        "metric": METRICS,
        "affinity": AFFINITIES,
        "laplacian": LAPLACIANS,
        "sisters": SISTERS,
        "small_clusters": SMALL_CLUSTERS,
    }
)
CLUSTERINGS = (
    "kmeans, kmeans:K, kmeans:FROM-TO, hdbscan[:MIN_CLUSTER_SIZE], dbscan[:EPS], agglomerative[:K], leiden[:RESOLUTION]"
)


def parse(option: str, value: Any) -> Any:
    """Return the value of an option of `Spray` for that of the command line, where its parts have short names.

    >>> parse("metric", "cosine"), parse("embeddings", ["pca"]), parse("n_neighbors", 7)
    (Cosine(), (PCA(n_components=2),), 7)
    """
    if option in NAMED:
        return _find(option, value, NAMED[option])
    if option == "clusterings":
        return tuple(part for text in value for part in parse_clusterings(text))
    if option == "preprocessing":
        return tuple(_find("preprocessing", text, PREPROCESSING) for text in value)
    if option == "embeddings":
        return tuple(_find("embedding", text, EMBEDDINGS) for text in value)
    return value


def parse_clusterings(text: str) -> tuple[Processor, ...]:
    """Return the clusterings of a name, with an optional number after a colon.

    >>> [part.name for part in parse_clusterings("kmeans:2-4")], parse_clusterings("dbscan:0.2")
    (['kmeans-2', 'kmeans-3', 'kmeans-4'], (DBSCAN(eps=0.2, min_samples=8),))
    """
    kind, _, value = text.partition(":")
    try:
        if kind == "kmeans" and "-" in value:
            fewest, most = value.split("-")
            return kmeans_sweep(int(fewest), int(most))
        if kind == "kmeans":
            return (KMeans(int(value) if value else None),)
        if kind == "hdbscan":
            return (HDBSCAN(int(value)) if value else HDBSCAN(),)
        if kind == "dbscan":
            return (DBSCAN(float(value)) if value else DBSCAN(),)
        if kind == "agglomerative":
            return (Agglomerative(int(value) if value else None),)
        if kind == "leiden":
            return (Leiden(float(value)) if value else Leiden(),)
    except InputError:
        raise
    except ValueError:
        pass
    raise InputError(f"Unknown clustering {text!r}; the clusterings are {CLUSTERINGS}.")


def _find(what: str, name: str, table: Mapping[str, Callable[[], T]]) -> T:
    if name not in table:
        raise InputError(f"Unknown {what} {name!r}; expected one of {', '.join(table)}.")
    return table[name]()
