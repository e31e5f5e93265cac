"""`whyset analyze`"""

from pathlib import Path
from typing import Annotated, Any

import typer

from whyset.cli.exit_codes import PARTLY_DONE
from whyset.cli.options import EngineName, RunFolder, Scheduler, Seed, Workers, make_engine
from whyset.cli.progress import choose_display
from whyset.command import command
from whyset.errors import WhysetError
from whyset.printable import echo

EXAMPLE = (
    "whyset analyze runs/mine --array concept/layer3 --clustering kmeans --clustering agglomerative --embedding pca"
)
Clusterings = Annotated[
    list[str] | None,
    typer.Option(
        "--clustering",
        help="Clustering: kmeans, kmeans:5, kmeans:2-30, hdbscan[:MIN_CLUSTER_SIZE], dbscan[:EPS] or "
        "agglomerative[:5]; repeatable, the first is the default clustering, which is scored.",
    ),
]
Embeddings = Annotated[
    list[str] | None,
    typer.Option(
        "--embedding",
        help="Embedding: tsne, umap, tsne-features, umap-features, pca or lle; repeatable, the first is the default.",
    ),
]


def analyze(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="Name of the analysis.")] = "spray",
    array: Annotated[
        str | None,
        typer.Option(
            help="Array to analyze: attribution/input, attribution/LAYER, concept/LAYER, activation/LAYER or "
            "mean_activation/LAYER.",
            show_default="attribution/input",
        ),
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            help="Group samples into classes by label, prediction or target; all: one class; COLUMN:COUNT: groups of "
            "equal size by a column of numbers, such as true_value:4 or error:4.",
            show_default="auto",
        ),
    ] = None,
    pooling: Annotated[int | None, typer.Option(help="Longer side of the pooled relevance maps.", min=1)] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="Distance: euclidean, cosine, correlation, cityblock, wasserstein, sliced-wasserstein or ssim."
        ),
    ] = None,
    n_neighbors: Annotated[int | None, typer.Option(help="Number of nearest neighbors in the graph.", min=1)] = None,
    device: Annotated[str | None, typer.Option(help="Torch device for the neighbor search, such as cuda.")] = None,
    approximate_above: Annotated[
        int | None, typer.Option(help="Number of samples above which neighbors are approximate.", min=0)
    ] = None,
    affinity: Annotated[str | None, typer.Option(help="Edge weights of the graph: knn or rbf.")] = None,
    laplacian: Annotated[str | None, typer.Option(help="Normalized Laplacian: symmetric or random-walk.")] = None,
    eigenvectors: Annotated[int | None, typer.Option(help="Number of eigenvectors to compute.", min=2)] = None,
    clustering: Clusterings = None,
    embedding: Embeddings = None,
    surrogates: Annotated[int | None, typer.Option(help="Number of surrogates for the p-values.", min=0)] = None,
    resamplings: Annotated[
        int | None, typer.Option(help="Number of resamplings for the stability of clusters.", min=0)
    ] = None,
    memo: Annotated[Path | None, typer.Option(help="Folder that caches the results of steps.")] = None,
    seed: Seed = 0,
) -> int:
    """Find the strategies of every class by spectral relevance analysis (SpRAy); finished classes are kept."""
    import whyset
    from whyset.analysis import registry

    given: dict[str, Any] = {
        "array": array,
        "group_by": group_by,
        "pooling": pooling,
        "metric": metric and registry.parse_metric(metric),
        "n_neighbors": n_neighbors,
        "device": device,
        "approximate_above": approximate_above,
        "affinity": affinity and registry.parse_affinity(affinity),
        "laplacian": laplacian and registry.parse_laplacian(laplacian),
        "eigenvectors": eigenvectors,
        "clusterings": clustering and [part for text in clustering for part in registry.parse_clusterings(text)],
        "embeddings": embedding and [registry.parse_embedding(text) for text in embedding],
        "surrogates": surrogates,
        "resamplings": resamplings,
    }
    spray = whyset.Spray(name=name, seed=seed, **{key: value for key, value in given.items() if value is not None})
    try:
        whyset.analyze(run, spray, engine=make_engine(engine, workers, scheduler), progress=choose_display(), memo=memo)
    except WhysetError as error:
        if type(error) is not WhysetError:  # wrong input has its own subclasses
            raise
        echo(error)
        return PARTLY_DONE
    echo(f"next: {command('report', run)}, or {command('view', run)}")
    return 0
