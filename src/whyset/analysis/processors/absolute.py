"""The magnitude of relevance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor


@dataclass(frozen=True)
class Absolute(Processor):
    """Return |R|, so that evidence against a class counts like evidence for it."""

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        size: NDArray[np.floating] = np.abs(maps)
        return size
