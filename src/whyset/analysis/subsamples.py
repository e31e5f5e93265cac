"""The neighbors in subsamples of a class, from one search for longer lists."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.pipelines.pipeline import Pipeline
from whyset.analysis.processors import KNearestNeighbors, Neighbors

_MARGIN = 12  # of a list beyond k/share neighbors, so that hardly any row has fewer than k of them in a subsample


@dataclass(frozen=True, eq=False)
class SubsampleNeighbors:
    """A pipeline whose neighbors in a subsample are read from longer lists of neighbors in all samples.

    The k nearest rows in a subsample are the first k in it of the list of all rows by distance. If the list of a row
    ends before, or if the pipeline has no exact search, the search is made in the subsample.

    Attributes
    ----------
    pipeline : Pipeline
        The pipeline from `features`.
    longer : Neighbors or None
        The lists, (N, more than k).
    k : int
        The number of neighbors.
    """

    pipeline: Pipeline
    longer: Neighbors | None = None
    k: int = 0

    @classmethod
    def of(cls, pipeline: Pipeline, features: NDArray[np.floating], share: float) -> "SubsampleNeighbors":
        """Search for lists that are long enough for subsamples of this share of the `features` (N, D)."""
        search = next((step.processor for step in pipeline.steps if step.name == "neighbors"), None)
        if not isinstance(search, KNearestNeighbors):
            return cls(pipeline)
        length = min(len(features) - 1, int(np.ceil(search.k / share)) + _MARGIN)
        return cls(pipeline, replace(search, k=length)(features), search.k)

    def prepare(self, rows: NDArray[np.integer]) -> tuple[Pipeline, dict[str, Any]]:
        """Return the pipeline for a subsample, ascending `rows` (n,), and its inputs other than the features."""
        found = None if self.longer is None else select_neighbors(self.longer, rows, self.k)
        if found is None:
            return self.pipeline, {}
        steps = tuple(step for step in self.pipeline.steps if step.name != "neighbors")
        return Pipeline(self.pipeline.name, steps), {"neighbors": found}


def select_neighbors(longer: Neighbors, rows: NDArray[np.integer], k: int) -> Neighbors | None:
    """Return the k nearest of each of the ascending `rows` among them; None if a list holds fewer than k of them."""
    place = np.full(len(longer.indices), -1, np.int64)
    place[rows] = np.arange(len(rows))
    indices = place[longer.indices[rows]]
    inside = indices >= 0
    if inside.sum(axis=1).min() < k:
        return None
    first = np.argsort(~inside, axis=1, kind="stable")[:, :k]
    return Neighbors(np.take_along_axis(indices, first, axis=1), np.take_along_axis(longer.distances[rows], first, 1))
