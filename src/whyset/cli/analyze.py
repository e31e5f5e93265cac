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
        help="kmeans, kmeans:5, kmeans:2-30, hdbscan[:MIN_CLUSTER_SIZE], dbscan[:EPS], agglomerative[:5]; "
        "may be repeated, the first is the default that is scored.",
    ),
]
Embeddings = Annotated[
    list[str] | None,
    typer.Option(
        "--embedding", help="tsne, umap, tsne-features, umap-features, pca, lle; may be repeated, the first is shown."
    ),
]


def analyze(
    run: RunFolder,
    name: Annotated[str, typer.Option(help="Name of the analysis in the run.")] = "spray",
    array: Annotated[
        str | None, typer.Option(help="Array to analyze: attribution/input, attribution/LAYER or concept/LAYER.")
    ] = None,
    engine: EngineName = "serial",
    workers: Workers = None,
    scheduler: Scheduler = None,
    group_by: Annotated[
        str | None, typer.Option(help="Classes are those of the label, prediction or target.", show_default="auto")
    ] = None,
    pooling: Annotated[int | None, typer.Option(help="Longer side of a pooled map.", min=1)] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="euclidean, cosine, correlation, cityblock, wasserstein, sliced-wasserstein or ssim."),
    ] = None,
    n_neighbors: Annotated[int | None, typer.Option(help="Nearest neighbors in the graph.", min=1)] = None,
    device: Annotated[str | None, typer.Option(help="Search neighbors on a device of torch, such as cuda.")] = None,
    approximate_above: Annotated[
        int | None, typer.Option(help="From more samples than this on, neighbors are approximate.", min=0)
    ] = None,
    affinity: Annotated[str | None, typer.Option(help="Weights of the graph: knn or rbf.")] = None,
    laplacian: Annotated[str | None, typer.Option(help="symmetric or random-walk.")] = None,
    eigenvectors: Annotated[int | None, typer.Option(help="Eigenvectors that are kept.", min=2)] = None,
    clustering: Clusterings = None,
    embedding: Embeddings = None,
    surrogates: Annotated[int | None, typer.Option(help="Surrogates for the p-values.", min=0)] = None,
    resamplings: Annotated[int | None, typer.Option(help="Resamplings for the stability of clusters.", min=0)] = None,
    memo: Annotated[Path | None, typer.Option(help="Folder that keeps the results of steps for the next time.")] = None,
    seed: Seed = 0,
) -> int:
    """Find the strategies of every class: spectral relevance analysis (SpRAy); finished classes are kept."""
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
        if type(error) is not WhysetError:  # what is wrong with the input has a class of its own
            raise
        echo(error)
        return PARTLY_DONE
    echo(f"go on with: {command('report', run)}, or {command('view', run)}")
    return 0
