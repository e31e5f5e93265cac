"""What the channels of a layer stand for, over a whole run."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.groups import find_explained
from whyset.analysis.scores import reference_samples
from whyset.store import Run, open_run
from whyset.store.remote import AnyPath

_BLOCK_VALUES = 4_000_000  # values of concept relevance held at once


def concept_references(
    run: Run | str | AnyPath, layer: str, count: int = 8, rows: NDArray[np.integer] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give, for each channel of a recorded layer, the samples that it was most relevant for (CRP's relevance
    maximization; Achtibat et al. 2023): row numbers and relevance, (channels, count) each.

    `rows` are the rows to choose from, a class say; by default all that are explained.

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
