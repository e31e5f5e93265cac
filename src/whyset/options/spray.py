"""The options of `Spray`: types, documentation, defaults, and options of the command line."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from whyset.options.option import Flag, option

if TYPE_CHECKING:  # as for `explain`
    from whyset.analysis.processors import Affinity, Distance, Eigengap, JoinSisters, Laplacian, Processor
    from whyset.analysis.scores import Separability, SmallClusters

INPUT = "attribution/input"


@dataclass(frozen=True)
class Parts:
    """A default that is made of parts of an analysis when it is needed, because they import SciPy and scikit-learn.

    >>> Parts("Euclidean"), Parts(("KMeans", "HDBSCAN"))
    (Euclidean(), (KMeans(), HDBSCAN()))
    """

    names: str | tuple[str, ...]
    home: str = "whyset.analysis.processors"

    def __call__(self) -> Any:
        home = import_module(self.home)
        if isinstance(self.names, str):
            return getattr(home, self.names)()
        return tuple(getattr(home, name)() for name in self.names)

    def __repr__(self) -> str:
        if isinstance(self.names, str):
            return f"{self.names}()"
        return f"({', '.join(f'{name}()' for name in self.names)}{',' if len(self.names) == 1 else ''})"


@dataclass(frozen=True)
class SprayOptions:
    """The options of `Spray`, each described once, as those of `explain`."""

    name: str = field(
        default="spray", metadata=option("The name of the analysis in the run.", Flag("Name of the analysis."))
    )
    array: str = field(
        default=INPUT,
        metadata=option(
            'The array of the run to analyze: "attribution/input", "attribution/<layer>" or "concept/<layer>"; or an '
            'activation, "activation/<layer>" or "mean_activation/<layer>", which is prepared in the same way.',
            Flag(
                "Array to analyze: attribution/input, attribution/LAYER, concept/LAYER, activation/LAYER or "
                "mean_activation/LAYER."
            ),
        ),
    )
    group_by: str = field(
        default="auto",
        metadata=option(
            "The grouping of samples into classes: by label (by prediction where it is unknown), prediction or "
            'target, or one class of all samples. "auto" is by label, and by target in a run with several targets per '
            'sample or without predicted classes, as of a regression. "COLUMN:COUNT", such as "true_value:4" or '
            '"error:4", makes groups of equal size by a column of numbers; "error" is the predicted minus the true '
            "value.",
            Flag(
                "Group samples into classes by label, prediction or target; all: one class; COLUMN:COUNT: groups of "
                "equal size by a column of numbers, such as true_value:4 or error:4.",
                choices=("auto", "label", "prediction", "target", "all"),
            ),
            type='{"auto", "label", "prediction", "target", "all"} or str',
        ),
    )
    pooling: int | None = field(
        default=28,
        metadata=option(
            "The longest side of pooled maps, in cells; None for no pooling.",
            Flag("Longer side of the pooled relevance maps.", kind=int, least=1),
            type="int or None",
        ),
    )
    preprocessing: "tuple[Processor, ...]" = field(
        default=(),
        metadata=option(
            "Further processors for blocks of maps (n, ...).",
            Flag(
                "Preprocessing of pooled maps: absolute, fourier (the same wherever a pattern is), histogram or "
                "salient; repeatable.",
                "--preprocessing",
                many=True,
                default=None,
                shown="none",
                choices=("absolute", "fourier", "histogram", "salient"),
            ),
            type="tuple of Processor",
        ),
    )
    metric: "Distance" = field(
        default_factory=Parts("Euclidean"),
        metadata=option(
            "The distance of features.",
            Flag(
                "Distance: euclidean, cosine, correlation, cityblock, wasserstein, sliced-wasserstein or ssim.",
                shown="euclidean",
                choices=(
                    "euclidean",
                    "cosine",
                    "correlation",
                    "cityblock",
                    "wasserstein",
                    "sliced-wasserstein",
                    "ssim",
                ),
            ),
        ),
    )
    n_neighbors: int = field(
        default=10,
        metadata=option(
            "The number of neighbors in the graph, fewer in small classes.",
            Flag("Number of nearest neighbors in the graph.", kind=int, least=1),
        ),
    )
    device: str | None = field(
        default=None,
        metadata=option(
            "The device of torch on which neighbors are searched; by default the search is in NumPy.",
            Flag("Torch device for the neighbor search, such as cuda."),
        ),
    )
    approximate_above: int | None = field(
        default=None,
        metadata=option(
            "The number of samples above which neighbors are approximate, found without `device`; by default never.",
            Flag("Number of samples above which neighbors are approximate.", kind=int, least=0),
        ),
    )
    affinity: "Affinity" = field(
        default_factory=Parts("SymmetricNeighbors"),
        metadata=option(
            "The weights of the graph.",
            Flag("Edge weights of the graph: knn or rbf.", shown="knn", choices=("knn", "rbf")),
        ),
    )
    laplacian: "Laplacian" = field(
        default_factory=Parts("SymmetricLaplacian"),
        metadata=option(
            "The Laplacian of the graph.",
            Flag(
                "Normalized Laplacian: symmetric or random-walk.",
                shown="symmetric",
                choices=("symmetric", "random-walk"),
            ),
        ),
    )
    eigenvectors: int = field(
        default=32,
        metadata=option(
            "The number of eigenvectors, at least the number of clusters of any clustering.",
            Flag("Number of eigenvectors to compute.", kind=int, least=2),
        ),
    )
    n_clusters: "Eigengap" = field(
        default_factory=Parts("Eigengap"), metadata=option("The choice of the number of clusters.")
    )
    clusterings: "tuple[Processor, ...]" = field(
        default_factory=Parts(("KMeans", "HDBSCAN")),
        metadata=option(
            "Clusterings: processors, clusterers of scikit-learn, or a mapping from names to these. The first is "
            "the default, which is shown and scored.",
            Flag(
                "Clustering: kmeans, kmeans:5, kmeans:2-30, hdbscan[:MIN_CLUSTER_SIZE], dbscan[:EPS], "
                "agglomerative[:5] or leiden[:RESOLUTION]; repeatable, the first is the default clustering, which is "
                "scored.",
                "--clustering",
                many=True,
                default=None,
                shown="kmeans and hdbscan",
                choices=("kmeans", "hdbscan", "dbscan", "agglomerative", "leiden"),
            ),
            type="sequence or mapping",
        ),
    )
    sisters: "JoinSisters | None" = field(
        default_factory=Parts("JoinSisters"),
        metadata=option(
            "Which clusters of a clustering are joined because they share one strategy; None to join none. A given "
            "number of clusters is kept.",
            Flag(
                "Join clusters whose mean maps are alike: join, or keep.",
                "--sisters",
                shown="join",
                choices=("join", "keep"),
            ),
            type="JoinSisters or None",
        ),
    )
    embeddings: "tuple[Processor, ...]" = field(
        default_factory=Parts(("TSNE",)),
        metadata=option(
            "Embeddings: processors, transformers of scikit-learn, or a mapping from names to these. The first is the "
            "default, which is shown.",
            Flag(
                "Embedding: tsne, opentsne, umap, tsne-features, opentsne-features, umap-features, pca or lle; "
                "repeatable, the first is the default.",
                "--embedding",
                many=True,
                default=None,
                shown="tsne",
                choices=(
                    "tsne",
                    "opentsne",
                    "umap",
                    "tsne-features",
                    "opentsne-features",
                    "umap-features",
                    "pca",
                    "lle",
                ),
            ),
            type="sequence or mapping",
        ),
    )
    separability: "Separability" = field(
        default_factory=Parts("Separability", "whyset.analysis.scores"),
        metadata=option("The score of the default clustering."),
    )
    small_clusters: "SmallClusters | None" = field(
        default_factory=Parts("SmallClusters", "whyset.analysis.scores"),
        metadata=option(
            'The search for small clusters, which are the clustering "small"; None for no search.',
            Flag(
                "Look for small clusters in addition to the clusterings: search, leiden for candidates of Leiden as "
                "well, or none.",
                "--small-clusters",
                shown="search",
                choices=("search", "leiden", "none"),
            ),
            type="SmallClusters or None",
        ),
    )
    surrogates: int = field(
        default=99,
        metadata=option(
            "The largest number of surrogates for the p-value of the separability, fewer where p is clearly not small; "
            "0 for no p-value.",
            Flag("Largest number of surrogates for the p-values.", kind=int, least=0),
        ),
    )
    resamplings: int = field(
        default=20,
        metadata=option(
            "The number of subsamples for the stability of clusters; 0 for no stability.",
            Flag("Number of resamplings for the stability of clusters.", kind=int, least=0),
        ),
    )
    min_class_size: int = field(
        default=10,
        metadata=option(
            "The number of samples below which a class is not analyzed, at least 10.",
            Flag("Number of samples below which a class is not analyzed.", kind=int, least=10),
        ),
    )
    seed: int = field(
        default=0, metadata=option("Seed of all random steps, at least 0.", Flag("Random seed.", kind=int))
    )
