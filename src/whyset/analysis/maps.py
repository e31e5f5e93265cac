"""Reading the relevance of a class, a block of rows at a time."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline
from whyset.analysis.pipelines.spray import INPUT, Spray
from whyset.analysis.processors import ChannelSum, Clustering
from whyset.errors import InputError
from whyset.store import LazyArray, Run

_BLOCK_VALUES = 8_000_000  # values of relevance held at once: 32 MB in float32


def analysed_array(run: Run, of: str) -> LazyArray:
    """Give the array of a run that is analysed; InputError, with what there is, where the run does not hold it."""
    names = [spec.name for spec in run.arrays if spec.name.startswith(("attribution/", "concept/")) and spec.shape]
    if of not in names:
        raise InputError(
            f"{run.path} holds no {of!r}; it holds {', '.join(names)}. Layers and concepts are recorded by "
            "`whyset explain --layer NAME --concept NAME`."
        )
    return run.array(of)


def features_of(
    run: Run, indices: NDArray[np.int64], preparation: Pipeline, seed: int, of: str = INPUT
) -> NDArray[np.float32]:
    """Give the features (N, D) of the samples `indices` by the steps in `preparation`."""
    array = analysed_array(run, of)
    features: NDArray[np.float32] | None = None
    for rows, maps in _blocks(array, indices):
        block = preparation.run({"maps": maps}, seed=seed)["features"]
        if features is None:
            features = np.empty((len(indices), block.shape[1]), np.float32)
        features[rows] = block
    assert features is not None, "a class has a sample at least"
    return features


def prepared_shape(run: Run, spray: Spray, index: int) -> tuple[int, ...]:
    """Give the shape that a map has before it is flattened, by preparing that of one sample."""
    array = analysed_array(run, spray.of)
    results = spray.preparation(array.shape[1:]).run({"maps": array[[index]]}, seed=spray.seed)
    shape: tuple[int, ...] = results["normalised"].shape[1:]
    return shape


def mean_maps(
    run: Run, indices: NDArray[np.int64], clusterings: Mapping[str, Clustering]
) -> dict[str, NDArray[np.float32]]:
    """Give the signed mean of the channel-summed maps of each cluster, (clusters, H, W), for each clustering.

    They are maps of the input, whatever was analysed, so that they can be looked at. Noise takes no part. The relevance
    is read once for all of them.
    """
    shape = run.relevance.shape[-2:]
    sums = {name: np.zeros((len(clustering.sizes), *shape)) for name, clustering in clusterings.items()}
    for rows, maps in _blocks(run.relevance, indices):
        summed = ChannelSum()(maps)
        for name, clustering in clusterings.items():
            labels = clustering.labels[rows]
            np.add.at(sums[name], labels[labels >= 0], summed[labels >= 0])
    return {
        name: (sums[name] / clustering.sizes[:, None, None]).astype(np.float32)
        for name, clustering in clusterings.items()
    }


def _blocks(array: LazyArray, indices: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield positions in `indices` with their relevance, block by block."""
    step = max(1, _BLOCK_VALUES // int(np.prod(array.shape[1:])))
    for start in range(0, len(indices), step):
        rows = slice(start, start + step)
        yield rows, array[indices[rows]]
