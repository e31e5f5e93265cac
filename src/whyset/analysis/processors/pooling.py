"""Area pooling that keeps the sum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class AreaPooling(Processor):
    """Pool maps (N, H, W) so that their longest side is at most `longest`; smaller maps are left as they are.

    Every new cell gathers the relevance of the area it covers; a pixel that lies across a border is shared in
    proportion to its area. So the sum of a map stays what it was, whether or not the sides divide:
    pooled = P_h map P_wᵀ, with P[i, j] the share of old pixel j inside new cell i (columns sum to 1).
    """

    longest: int = 28

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise InputError(f"AreaPooling: longest must be at least 1, got {self.longest}.")

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        height, width = maps.shape[-2:]
        new_height, new_width = self.shape(height, width)
        if (new_height, new_width) == (height, width):
            return maps
        rows = area_weights(height, new_height).astype(maps.dtype)
        columns = area_weights(width, new_width).astype(maps.dtype)
        pooled: NDArray[np.floating] = rows @ maps @ columns.T
        return pooled

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Give the pooled (height, width), with the proportions kept to the nearest cell."""
        factor = min(1.0, self.longest / max(height, width))
        return max(1, round(height * factor)), max(1, round(width * factor))


def area_weights(old: int, new: int) -> NDArray[np.float64]:
    """Give the (new, old) matrix of the share of each old pixel that lies inside each new cell."""
    edges = np.linspace(0, old, new + 1)
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    inside: NDArray[np.float64] = np.maximum(overlap, 0.0)
    return inside
