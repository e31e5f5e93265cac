"""Reference samples of the channels of a layer, over a whole run."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import find_explained
from whyset.analysis.scores import reference_samples
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
