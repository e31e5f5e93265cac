"""Reference samples of the channels of a layer by relevance maximization (CRP; Achtibat et al. 2023)."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import find_explained
from whyset.errors import InputError
from whyset.store import Run, open_run
from whyset.store.remote import AnyPath

_BLOCK_VALUES = 4_000_000  # values of concept relevance in memory at once


def concept_references(
    run: Run | str | AnyPath, layer: str, count: int = 8, rows: NDArray[np.integer] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the samples for which each channel of a recorded layer is most relevant (Achtibat et al. 2023).

    This is the relevance maximization of CRP. Returns row numbers and relevance, (channels, count) each. `rows` are the
    rows to choose from, for example those of a class; by default all that are explained.

    >>> found, relevance = concept_references("runs/cifar", "layer3")        # doctest: +SKIP
    """
    run = (run if isinstance(run, Run) else open_run(run)).thoroughly()
    return reference_samples(_blocks(run, layer, find_explained(run) if rows is None else np.asarray(rows)), count)


def _blocks(
    run: Run, layer: str, rows: NDArray[np.integer]
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.floating]]]:
    concepts = run.concept(layer)
    step = max(1, _BLOCK_VALUES // concepts.shape[1])
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield part, concepts[part]


def reference_samples(
    blocks: Iterable[tuple[NDArray[np.integer], NDArray[np.floating]]], count: int = 8
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rank samples per channel by the relevance that the channel had for their prediction, the largest first.

    `blocks` yields (indices (n,), concept relevance (n, channels)), so that a data set need not fit into memory.
    Returns sample indices and relevance, (channels, count) each. Activation maximization would rank samples by what a
    channel detects; this ranks them by its use for the prediction. Of equal relevance the lower index comes first.

    >>> found, relevance = reference_samples([(np.array([4, 7]), np.array([[0.1, 5.0], [0.3, -1.0]]))], count=1)
    >>> found.tolist(), relevance.tolist()
    ([[7], [4]], [[0.3], [5.0]])
    """
    if count < 1:
        raise InputError(f"reference_samples: count must be at least 1, got {count}.")
    best: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
    for indices, relevance in blocks:
        own = np.broadcast_to(np.asarray(indices, np.int64), relevance.T.shape), relevance.T.astype(np.float64)
        best = _largest(*own, count) if best is None else _largest(*_join(best, own), count)
    if best is None:
        raise InputError("reference_samples needs at least one sample.")
    return best


def _join(
    best: tuple[NDArray[np.int64], NDArray[np.float64]], own: tuple[NDArray[np.int64], NDArray[np.float64]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.hstack([best[0], own[0]]), np.hstack([best[1], own[1]])


def _largest(
    indices: NDArray[np.int64], relevance: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Keep the `count` largest of each row."""
    order = np.lexsort((indices, -relevance), axis=1)[:, :count]
    return np.take_along_axis(indices, order, axis=1), np.take_along_axis(relevance, order, axis=1)
