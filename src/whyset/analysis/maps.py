"""The relevance of a class, read in blocks of rows."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline, step_seed
from whyset.analysis.pipelines.spray import Spray
from whyset.analysis.processors import ChannelSum
from whyset.errors import InputError
from whyset.options.spray import INPUT
from whyset.store import LazyArray, Run
from whyset.store.layout import ANALYZED

_MEANS = ("mean_map", "mean_abs_map")
_BLOCK_VALUES = 8_000_000  # values of relevance in memory at once: 32 MB in float32


def get_analyzed_array(run: Run, of: str) -> LazyArray:
    """Return the array of a run that is analyzed; an InputError lists the arrays if the run does not hold it."""
    names = [spec.name for spec in run.arrays if spec.name.startswith(ANALYZED) and spec.shape]
    if of not in names:
        raise InputError(
            f"{run.path} holds no {of!r}; it holds {', '.join(names)}. Layers, concepts and activations are "
            "recorded by `whyset explain --layer NAME --concept NAME --record activation:NAME`."
        )
    return run.array(of)


def compute_features(
    run: Run, indices: NDArray[np.int64], preparation: Pipeline, seed: int, of: str = INPUT
) -> NDArray[np.float32]:
    """Compute the features (N, D) of the samples `indices` by the steps in `preparation`."""
    array = get_analyzed_array(run, of)
    features: NDArray[np.float32] | None = None
    for rows, maps in _blocks(array, indices):
        block = preparation.run({"maps": maps}, seed=seed)["features"]
        if features is None:
            features = np.empty((len(indices), block.shape[1]), np.float32)
        features[rows] = block
    assert features is not None, "a class has a sample at least"
    return features


def class_features(run: Run, spray: Spray, category: str, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Compute the features of samples of one class with the seed of the class, so that they are reproducible."""
    preparation = spray.preparation(get_analyzed_array(run, spray.array).shape[1:])
    return compute_features(run, indices, preparation, step_seed(spray.seed, category), spray.array)


def get_prepared_shape(run: Run, spray: Spray, index: int) -> tuple[int, ...]:
    """Return the shape of a map before it is flattened, by preparing the map of one sample."""
    array = get_analyzed_array(run, spray.array)
    results = spray.preparation(array.shape[1:]).run({"maps": array[[index]]}, seed=spray.seed)
    shape: tuple[int, ...] = results["normalized"].shape[1:]
    return shape


def mean_maps(
    run: Run, indices: NDArray[np.int64], clusterings: Mapping[str, NDArray[np.int32]]
) -> dict[str, NDArray[np.float32]]:
    """Return the columns `mean_map.<name>` and `mean_abs_map.<name>`, for images (clusters, H, W).

    They are the mean of the relevance maps of each cluster, and of their magnitudes, summed over channels.
    `clusterings` holds the labels (n,) of each clustering. The maps are those of the input, also if another array was
    analyzed, so that they can be displayed. Where relevance of both signs cancels, only the second column shows it.
    Noise takes no part, and a cluster without samples has zeros. The relevance is read once for all clusterings.
    """
    row = run.relevance.shape[1:]
    shape = row[1:] if len(row) > 2 else row
    counts = {name: int(labels.max(initial=-1)) + 1 for name, labels in clusterings.items()}
    sums = {f"{kind}.{name}": np.zeros((count, *shape)) for name, count in counts.items() for kind in _MEANS}
    for rows, maps in _blocks(run.relevance, indices):
        summed = ChannelSum()(maps) if len(row) > 2 else maps
        for name, labels in clusterings.items():
            inside = labels[rows] >= 0
            np.add.at(sums[f"mean_map.{name}"], labels[rows][inside], summed[inside])
            np.add.at(sums[f"mean_abs_map.{name}"], labels[rows][inside], np.abs(summed[inside]))
    return {
        f"{kind}.{name}": _divide(sums[f"{kind}.{name}"], labels)
        for kind in _MEANS
        for name, labels in clusterings.items()
    }


def _divide(sums: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    sizes = np.bincount(labels[labels >= 0], minlength=len(sums))
    means: NDArray[np.float64] = sums / np.maximum(sizes, 1).reshape(-1, *[1] * (sums.ndim - 1))
    return means.astype(np.float32)


def _blocks(array: LazyArray, indices: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield positions in `indices` with their relevance, block by block."""
    step = max(1, _BLOCK_VALUES // int(np.prod(array.shape[1:])))
    for start in range(0, len(indices), step):
        rows = slice(start, start + step)
        yield rows, array[indices[rows]]
