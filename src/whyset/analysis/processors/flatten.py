"""Flatten maps to feature vectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor


@dataclass(frozen=True)
class Flatten(Processor):
    """Flatten each map to a row, (N, H, W) -> (N, H·W)."""

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.ascontiguousarray(maps.reshape(len(maps), -1))
