"""Reading the relevance of a class, a block of rows at a time."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline
from whyset.analysis.processors import ChannelSum, Clustering
from whyset.store import Run

_BLOCK_VALUES = 8_000_000  # values of relevance held at once: 32 MB in float32


def features_of(run: Run, indices: NDArray[np.int64], preparation: Pipeline, seed: int) -> NDArray[np.float32]:
    """Give the features (N, D) of the samples `indices` by the steps in `preparation`."""
    blocks = [
        np.asarray(preparation.run({"maps": maps}, seed=seed)["features"], np.float32)
        for _, maps in _blocks(run, indices)
    ]
    return np.concatenate(blocks)


def mean_maps(
    run: Run, indices: NDArray[np.int64], clusterings: Mapping[str, Clustering]
) -> dict[str, NDArray[np.float32]]:
    """Give the signed mean of the channel-summed maps of each cluster, (clusters, H, W), for each clustering.

    Noise takes no part. The relevance is read once for all of them.
    """
    shape = run.relevance.shape[-2:]
    sums = {name: np.zeros((len(clustering.sizes), *shape)) for name, clustering in clusterings.items()}
    for rows, maps in _blocks(run, indices):
        summed = ChannelSum()(maps)
        for name, clustering in clusterings.items():
            labels = clustering.labels[rows]
            np.add.at(sums[name], labels[labels >= 0], summed[labels >= 0])
    return {
        name: (sums[name] / clustering.sizes[:, None, None]).astype(np.float32)
        for name, clustering in clusterings.items()
    }


def _blocks(run: Run, indices: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield positions in `indices` with their relevance, block by block."""
    relevance = run.relevance
    step = max(1, _BLOCK_VALUES // int(np.prod(relevance.shape[1:])))
    for start in range(0, len(indices), step):
        rows = slice(start, start + step)
        yield rows, relevance[indices[rows]]
