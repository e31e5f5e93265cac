"""The spectrum averaged over directions: how sharp, blurred, noisy or full of contrast a sample is."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import to_single
from whyset.interventions.fourier import (
    ROUNDING,
    crop,
    get_positions,
    index_zero,
    mirror,
    radial_frequencies,
    transform,
)
from whyset.interventions.statistics import StatisticIntervention


@dataclass(frozen=True)
class RadialSpectrum(StatisticIntervention):
    """The power in bands of frequencies, whatever their direction: `F⁻¹(F(host) · P_b(x)^½ / P_b(host)^½)`.

    `P_b` is the power of a channel in band b, the sum of |F|² over the frequencies (f₁² + f₂² + ...)^½ in
    [b w, (b + 1) w), as in the radially averaged spectra of natural images (van der Schaaf, van Hateren 1996). A host
    becomes as sharp, blurred, noisy or full of contrast as the sample, and keeps its edges, shapes and mean. Samples
    are continued by mirroring, since the jump between opposite edges of a blurred image has the spectrum of a sharp
    one. A band in which a host has nothing stays empty.

    Parameters
    ----------
    band_width : float, default 1/32
        The width w of a band, in cycles per position; the highest frequency is 0.5 along an axis.

    Raises
    ------
    InputError
        The width is not in (0, 0.5].

    Examples
    --------
    >>> x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    >>> torch.allclose(RadialSpectrum().insert(x, RadialSpectrum().select(x), x), x)
    True
    """

    name: ClassVar[str] = "radial_spectrum"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume", "series")
    null_text: ClassVar[str] = "the radial spectrum of a sample of another class"

    band_width: float = 1 / 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.band_width <= 0.5:
            raise InputError(
                f"RadialSpectrum(band_width={self.band_width!r}): expected cycles per position in (0, 0.5]"
            )

    def measure(self, x: Tensor) -> Tensor:
        """Return the root of the power in each band, (n, C, bands)."""
        mirrored = mirror(to_single(x))
        return _measure(transform(mirrored), self._find_bands(mirrored))

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with these spectra."""
        if len(host) == 0:
            return to_single(host)
        mirrored = mirror(to_single(host))
        coefficients, bands = transform(mirrored), self._find_bands(mirrored)
        own = _measure(coefficients, bands)
        mean = coefficients[index_zero(coefficients)].abs()
        least = ROUNDING * torch.maximum(own.amax(2), mean)[..., None]  # a constant host has rounding only
        gains = torch.where(own > least, values.to(own.dtype) / own, 0)[..., bands]
        gains[index_zero(gains)] = 1  # the mean
        found: Tensor = torch.fft.irfftn(coefficients * gains, s=mirrored.shape[2:], dim=get_positions(host))
        return crop(found, host)

    def _find_bands(self, mirrored: Tensor) -> Tensor:
        """Return the band of each coefficient of `rfftn`."""
        return (radial_frequencies(mirrored) / self.band_width).floor().long()


def _measure(coefficients: Tensor, bands: Tensor) -> Tensor:
    power = coefficients.abs().square()
    power[..., 1:-1] *= 2  # `rfftn` leaves out one of two conjugate coefficients, except at both ends
    power[index_zero(power)] = 0
    found = power.new_zeros((*power.shape[:2], int(bands.max()) + 1))
    return found.index_add_(2, bands.flatten(), power.flatten(2)).sqrt()
