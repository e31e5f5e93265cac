"""Clusters of a class whose mean heatmaps differ mainly in place: the same pattern, shifted."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from whyset.modality import MODALITIES
from whyset.store import Category, Run
from whyset.store.evidence.records import PYDANTIC
from whyset.store.layout import RELEVANCE

ALIKE = 0.9
"""Two mean heatmaps agree if their cosine is larger."""
MOST_CLUSTERS = 16
"""Clusters of a class that are compared, the first ones: the number of pairs grows with its square."""


@dataclass(frozen=True)
class ShiftedPair:
    """Two clusters whose mean heatmaps agree after a shift, and not without it.

    `cosine` is that of the mean heatmaps as they are, `shifted_cosine` the largest over all shifts, and `shift` the
    shift of the first one by which it is reached, in positions along each axis.
    """

    __pydantic_config__: ClassVar[Any] = PYDANTIC

    clusters: tuple[int, int]
    cosine: float
    shifted_cosine: float
    shift: tuple[int, ...]

    def __str__(self) -> str:
        first, second = self.clusters
        return (
            f"Position, not strategy: the mean heatmaps of clusters {first} and {second} agree after a shift by "
            f"{' x '.join(map(str, self.shift))} (cosine {self.shifted_cosine:.2f}, without it {self.cosine:.2f})."
        )


def find_shifted_clusters(run: Run, category: Category, clustering: str | None = None) -> tuple[ShiftedPair, ...]:
    """Find pairs of clusters that differ mainly in place, by their mean heatmaps.

    The cosine after a shift s is `max_s Σ_p A(p - s) B(p) / (|A| |B|)`, with zeros outside of A: relevance that leaves
    the heatmap lowers it. It is computed for all shifts by the Fourier transform.

    Parameters
    ----------
    run : Run
        The run.
    category : Category
        A class of one of its analyses.
    clustering : str, optional
        The name of a clustering, by default that of the class.

    Returns
    -------
    tuple of ShiftedPair
        Pairs whose cosine exceeds 0.9 after a shift and not without it. Empty if the analysis has no mean heatmaps, and
        for texts and tables, whose positions cannot be shifted.
    """
    name = f"mean_map.{clustering or category.evidence.default_clustering}"
    kind = MODALITIES[run.modality]
    shiftable = kind.aligned and kind.has_channels and (category.evidence.array or RELEVANCE) == RELEVANCE
    if not shiftable or name not in category.columns:
        return ()
    maps = np.asarray(category.column(name), np.float64)[:MOST_CLUSTERS]
    known = [number for number, one in enumerate(maps) if np.isfinite(one).all() and one.any()]
    fixed_axes = 0 if kind.sums_channels else maps.ndim - 2  # the channels of series cannot be shifted
    axes = tuple(range(fixed_axes, maps.ndim - 1))
    normed = {number: maps[number] / np.linalg.norm(maps[number]) for number in known}
    spectra = {number: transform(one, axes) for number, one in normed.items()}
    pairs = []
    for first, second in combinations(known, 2):
        cosine = float((normed[first] * normed[second]).sum())
        if cosine <= ALIKE:
            shifted = correlate(spectra[first], spectra[second], axes, maps.shape[1:])
            pairs.append(_find_best((first, second), cosine, shifted.sum(axis=tuple(range(fixed_axes)))))
    return tuple(pair for pair in pairs if pair.shifted_cosine > ALIKE)


def _find_best(clusters: tuple[int, int], cosine: float, shifted: NDArray[np.float64]) -> ShiftedPair:
    best = np.unravel_index(int(shifted.argmax()), shifted.shape)
    shift = (
        int(place) if place < side // 2 else int(place) - side for place, side in zip(best, shifted.shape, strict=True)
    )
    return ShiftedPair(clusters, cosine, float(shifted[best]), tuple(shift))


def transform(one: NDArray[Any], axes: tuple[int, ...]) -> NDArray[np.complex128]:
    """Return the Fourier transform along the axes, with as many zeros as positions, so that no shift wraps around."""
    return np.asarray(np.fft.rfftn(one, [2 * one.shape[axis] for axis in axes], axes))


def correlate(
    a: NDArray[np.complex128], b: NDArray[np.complex128], axes: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return `Σ_p a(p - s) b(p)` for all shifts s along the axes, from the transforms of arrays of this shape.

    Negative shifts come last.

    >>> a, b = (transform(np.array(one), (0,)) for one in ([1.0, 0, 0], [0, 0, 5.0]))
    >>> abs(correlate(a, b, (0,), (3,)).round(6)).tolist()
    [0.0, 0.0, 5.0, 0.0, 0.0, 0.0]
    """
    return np.asarray(np.fft.irfftn(np.conj(a) * b, [2 * shape[axis] for axis in axes], axes))
