"""The details that maps share: what separates a mark from a natural pose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from whyset.analysis.processors.base import Processor
from whyset.analysis.scores.clusters import coherence
from whyset.errors import InputError


@dataclass(frozen=True)
class Details(Processor):
    """Subtract from each map the mean of the cells around each cell: x - mean of x in a window.

    A mark is in the same cells of all maps that have it, so their details agree. Poses of objects agree in the large,
    but not cell by cell, so their details are nearly orthogonal.

    Parameters
    ----------
    shape : tuple of int, optional
        The shape of a map before it was flattened, such as (H, W). Rows without two axes of places (None, or one axis),
        such as the channels of a concept, are unchanged.
    window : int, default 5
        The side of the window in cells, at least 2; maps are pooled to 28 cells by default.

    Raises
    ------
    InputError
        `window` is less than 2.
    """

    shape: tuple[int, ...] | None = None
    window: int = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", None if self.shape is None else tuple(self.shape))
        if self.window < 2:
            raise InputError(f"Details: window must be at least 2, got {self.window}.")

    def __call__(self, features: NDArray[np.floating]) -> NDArray[np.floating]:
        if self.shape is None or len(self.shape) < 2:
            return features
        maps = features.reshape(len(features), *self.shape)
        details: NDArray[np.floating] = maps - uniform_filter(maps, (1, *[self.window] * len(self.shape)))
        return details.reshape(features.shape)


def contrast_details(details: NDArray[np.floating], inside: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return the coherence of the details (N, D) inside a cluster, and outside; None with fewer than two maps there."""
    return coherence(details[inside]), coherence(details[~inside])
