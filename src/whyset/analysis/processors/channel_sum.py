"""Sum over the channels of a map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class ChannelSum(Processor):
    """Sum signed relevance over the channels, (N, C, H, W) -> (N, H, W); maps without channels are unchanged.

    Volumes (N, C, D, H, W) lose their channel axis, too.
    """

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim not in (3, 4, 5):
            raise InputError(f"Expected maps of shape (N, C, H, W) or (N, H, W), got {maps.shape}.")
        return maps.sum(axis=1, dtype=maps.dtype) if maps.ndim > 3 else maps
