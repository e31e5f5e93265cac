"""Normalize each map by the sum of its absolute values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor


@dataclass(frozen=True)
class AbsoluteSum(Processor):
    """Divide each map by Σ|R|, so that maps are compared by shape and not by strength; a zero map is unchanged.

    The signed sum would be the wrong divisor: it passes zero where positive and negative relevance balance.
    """

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        axes = tuple(range(1, maps.ndim))
        total = np.abs(maps).sum(axis=axes, keepdims=True, dtype=np.float64)
        normalized: NDArray[np.floating] = (maps / np.where(total == 0, 1.0, total)).astype(maps.dtype)
        return normalized
