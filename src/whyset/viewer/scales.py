"""Relevance of full color when heatmaps are compared: percentiles of |relevance| over many maps of a class."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whyset.image import compute_scale
from whyset.image.shapes import sum_channels
from whyset.store.lazy import LazyArray
from whyset.viewer.maps import map_sides, pieces
from whyset.viewer.schemas import Scale, ScaleTable

PERCENTILES = (100.0, 99.5, 99.0, 95.0)
MOST_MAPS, MOST_PIXELS = 512, 2**23
"""Most values that are read: half for the clusters, at least one map of each, half for the whole class."""

MOST_CLUSTERS, MOST_HELD = 256, 2**26
"""Number of largest clusters that get their own scale; fewer if one map of each is too much."""


def scale_table(
    relevance: LazyArray, rows: NDArray[np.int64], clusters: NDArray[np.int64], clustering: str
) -> ScaleTable:
    """Compute scales of the class and of its clusters (-1 is noise) from evenly chosen relevance maps."""
    pixels = math.prod(map_sides(relevance.shape, None, whole=True))
    budget = max(2, min(MOST_MAPS, MOST_PIXELS // pixels))
    numbers, sizes = np.unique(clusters, return_counts=True)
    largest = np.sort(numbers[np.argsort(-sizes, kind="stable")][: max(1, min(MOST_CLUSTERS, MOST_HELD // pixels))])
    groups: list[tuple[int | None, NDArray[np.int64]]] = [(None, rows)]
    groups += [(int(number), rows[clusters == number]) for number in largest]
    shares = [budget // 2] + [max(1, budget // 2 // max(1, len(largest)))] * len(largest)
    chosen = [_evenly(members, share) for (_, members), share in zip(groups, shares, strict=True)]
    read = dict(_maps(relevance, np.unique(np.concatenate(chosen))))
    scales = [
        Scale(
            cluster=cluster, samples=len(members), maps=len(some), values=_values([read[row] for row in some.tolist()])
        )
        for (cluster, members), some in zip(groups, chosen, strict=True)
    ]
    return ScaleTable(clustering=clustering, percentiles=list(PERCENTILES), scales=scales)


def _evenly(members: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Choose at most `count` members at even distances."""
    if len(members) <= count:
        return members
    return members[np.arange(count) * len(members) // count]


def _maps(relevance: LazyArray, rows: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for place, piece in pieces(relevance, rows):
        for position, one in zip(place, sum_channels(piece), strict=True):
            yield int(rows[position]), one.astype(np.float32)


def _values(maps: list[NDArray[np.float32]]) -> list[float]:
    pixels = np.concatenate([one.ravel() for one in maps]) if maps else np.empty(0)
    most = float(np.finfo(np.float32).max)
    return [min(compute_scale(pixels, percentile), most) for percentile in PERCENTILES]
