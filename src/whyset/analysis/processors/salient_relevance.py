"""Salient relevance: areas of a relevance map that stand out from the rest of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class SalientRelevance(Processor):
    """Return the context-aware saliency of relevance maps (N, H, W), in [0, 1] (Li 2019; the filter of Goferman 2012).

    Relevance is divided by its largest |R| in each map. Two patches p and q of the map differ by

        d(p, q) = |p − q| / (1 + c · |position(p) − position(q)|)

    with the root mean square of their differences, and positions in units of the longer side. The saliency of a patch
    is `1 − exp(−d̄)`, with the mean d̄ over the K patches that differ least from it: it is high where relevance is
    unlike that of all other places, or of all but near ones. Patches are on a grid, and values between its points are
    interpolated linearly. The papers also average several scales of the image.

    The time grows with the square of the number of patches: pool maps to about 64 pixels before.

    Parameters
    ----------
    patch : int, default 7
        The side of the patches, in pixels of the map; odd, and not longer than a side of the map.
    step : int, default 3
        The distance of neighboring patches, in pixels.
    n_similar : int, default 64
        The number K of the most similar patches; at most all other ones are taken.
    weight : float, default 3.0
        The weight c of the distance between positions, at least 0.
    focus : float or None, default 0.8
        The saliency of foci, as a share of the largest one, above 0 and at most 1; None leaves this step out.

    Raises
    ------
    InputError
        A parameter is out of its range, or maps are not (N, H, W) or smaller than a patch.

    Examples
    --------
    >>> maps = np.zeros((1, 20, 30), np.float32)
    >>> maps[0, 5:10, 5:10] = 1
    >>> saliency = SalientRelevance()(maps)
    >>> saliency.shape, bool(saliency[0, 7, 7] > saliency[0, 15, 25])
    ((1, 20, 30), True)
    """

    patch: int = 7
    step: int = 3
    n_similar: int = 64
    weight: float = 3.0
    focus: float | None = 0.8

    def __post_init__(self) -> None:
        for name in ("patch", "step", "n_similar"):
            if getattr(self, name) < 1:
                raise InputError(f"SalientRelevance: {name} is {getattr(self, name)}: expected at least 1.")
        if self.patch % 2 == 0:
            raise InputError(f"SalientRelevance: patch is {self.patch}: expected an odd side, with a center.")
        if not 0 <= self.weight < np.inf:
            raise InputError(f"SalientRelevance: weight is {self.weight}: expected a finite number of at least 0.")
        if self.focus is not None and not 0 < self.focus <= 1:
            raise InputError(
                f"SalientRelevance: focus is {self.focus}: expected a share above 0 and at most 1, or None."
            )

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim != 3 or min(maps.shape[1:]) < self.patch:
            raise InputError(
                f"SalientRelevance: expected maps (N, H, W) of at least {self.patch} x {self.patch}, got {maps.shape}: "
                "sum them over their channels (ChannelSum), and take smaller patches for smaller maps."
            )
        rows, columns = (self._place(side) for side in maps.shape[1:])
        apart = _measure_distances(rows, columns, max(maps.shape[1:]))
        return np.stack([self._filter(one, rows, columns, apart) for one in maps]).astype(maps.dtype)

    def _place(self, side: int) -> NDArray[np.int64]:
        """Return the first pixels of the patches along a side; the last patch ends at its end."""
        return np.unique([*range(0, side - self.patch + 1, self.step), side - self.patch])

    def _filter(
        self, one: NDArray[np.floating], rows: NDArray[np.int64], columns: NDArray[np.int64], apart: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        largest = np.abs(one).max(initial=0).astype(np.float64)
        scaled = one / (largest or 1.0)
        windows = np.lib.stride_tricks.sliding_window_view(scaled, (self.patch, self.patch))
        patches = windows[np.ix_(rows, columns)].reshape(len(rows) * len(columns), -1).astype(np.float64)
        saliency = self._compare(patches, apart).reshape(len(rows), len(columns))
        half = self.patch // 2
        wide = np.stack([np.interp(np.arange(one.shape[1]), columns + half, line) for line in saliency])
        whole = np.stack([np.interp(np.arange(one.shape[0]), rows + half, line) for line in wide.T], axis=1)
        return whole if self.focus is None or not whole.any() else whole * _near_foci(whole, self.focus)

    def _compare(self, patches: NDArray[np.float64], apart: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the saliency of each patch; `apart` are the distances of their positions."""
        count = min(self.n_similar, len(patches) - 1)
        if count == 0:
            return np.zeros(len(patches))
        saliency = np.empty(len(patches))
        for i, patch in enumerate(patches):  # one at a time: the differences of all pairs would not fit in memory
            unlike = np.sqrt(np.square(patches - patch).mean(axis=1)) / (1 + self.weight * apart[i])
            saliency[i] = 1 - np.exp(-np.partition(np.delete(unlike, i), count - 1)[:count].mean())
        return saliency


def _near_foci(saliency: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return 1 minus the distance of each place to the next focus, in units of the longer side, at least 0."""
    distance: NDArray[np.float64] = distance_transform_edt(saliency < share * saliency.max()) / max(saliency.shape)
    return np.clip(1 - distance, 0, None)


def _measure_distances(rows: NDArray[np.int64], columns: NDArray[np.int64], side: int) -> NDArray[np.float64]:
    """Return the distance of each pair of patches, (patches, patches), in units of a side."""
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2) / side
    distances: NDArray[np.float64] = np.linalg.norm(places[:, None] - places[None], axis=2)
    return distances
