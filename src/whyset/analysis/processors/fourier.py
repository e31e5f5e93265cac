"""The magnitude of each spatial frequency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft2

from whyset.analysis.processors.base import Processor
from whyset.errors import InputError


@dataclass(frozen=True)
class FourierMagnitude(Processor):
    """Return |FFT| of maps (..., H, W), shape (..., H, W//2 + 1), which does not depend on the position of a pattern.

    A map shifted cyclically has the same magnitudes. The other half of the frequencies mirrors this one.
    """

    def __call__(self, maps: NDArray[np.floating]) -> NDArray[np.floating]:
        if maps.ndim < 3:
            raise InputError(f"Expected maps of shape (N, ..., H, W), got {maps.shape}.")
        magnitude: NDArray[np.floating] = np.abs(rfft2(maps)).astype(maps.dtype)
        return magnitude
