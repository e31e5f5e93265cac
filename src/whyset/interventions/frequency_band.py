"""A band of frequencies: of images and volumes, and of series."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import to_single
from whyset.interventions.fills import Fill
from whyset.interventions.fourier import filter_band
from whyset.interventions.statistics import StatisticIntervention


@dataclass(frozen=True)
class BandIntervention(StatisticIntervention):
    """Base of the bands: `host − band(host) + band(x)` is the new input.

    The fill "mean" removes the band, except the mean of each channel.
    """

    fills: ClassVar[tuple[str, ...]] = ("host", "mean")
    null_text: ClassVar[str] = "the same band of a sample of another class"

    low: float = 0.0
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        high = math.inf if self.high is None else self.high
        if not 0 <= self.low < high:
            raise InputError(
                f"{type(self).__name__}(low={self.low!r}, high={self.high!r}): expected frequencies with 0 <= low < "
                "high, or high=None for all from low on"
            )

    def filter(self, x: Tensor) -> Tensor:
        """Return the part of samples in the band, in single precision at least."""
        raise NotImplementedError

    def measure(self, x: Tensor) -> Tensor:
        """Return the part of samples in the band, shaped like `x`."""
        return self.filter(x).to(x.dtype)

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with the band of other samples."""
        return to_single(host) - self.filter(host) + to_single(values)

    def neutral(self, values: Tensor, fill: Fill) -> Tensor:
        """Return the mean of each channel if it is in the band, else 0."""
        mean = values.mean(tuple(range(2, values.dim())), keepdim=True)
        return (mean if self.low == 0 else torch.zeros_like(mean)).expand_as(values)


@dataclass(frozen=True)
class FrequencyBand(BandIntervention):
    """A band of spatial frequencies of an image or a volume (as Yin 2019): fine textures, or colors and coarse shapes.

    The frequency f is `(f₁² + f₂² + ...)^½`, in all directions alike.

    Parameters
    ----------
    low : float, default 0.0
        The lower edge, in cycles per pixel; a pattern that repeats after p pixels has the frequency 1/p.
    high : float, optional
        The upper edge; None is all frequencies from `low` on.
    sharp : bool, default False
        Whether the edges of the band are sharp, which causes ringing; otherwise frequencies at the edges of the band
        have the weight 1/2, with Gaussians as transitions. A Gaussian blur of standard deviation s has its edge at
        0.187/s.

    Raises
    ------
    InputError
        The frequencies are negative or not in order.

    Examples
    --------
    >>> low, high = FrequencyBand(high=0.2), FrequencyBand(low=0.2)
    >>> x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    >>> torch.allclose(low.select(x).values + high.select(x).values, x)
    True
    """

    name: ClassVar[str] = "frequency_band"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume")

    sharp: bool = False

    def filter(self, x: Tensor) -> Tensor:
        """Return the part of samples in the band, in single precision at least."""
        return filter_band(x, self.low, self.high, sharp=self.sharp)


@dataclass(frozen=True)
class SeriesBand(BandIntervention):
    """A band of frequencies of a series, with sharp edges.

    Parameters
    ----------
    low : float, default 0.0
        The lower edge, in units of `rate`.
    high : float, optional
        The upper edge; None is all frequencies from `low` on.
    rate : float, default 1.0
        The number of positions in a unit of time: with the sampling rate in Hz, frequencies are in Hz; with 1, they are
        in cycles per position.

    Raises
    ------
    InputError
        The frequencies are negative or not in order, or the rate is not positive.

    Examples
    --------
    >>> hum = SeriesBand(low=45.0, high=55.0, rate=1000.0)
    >>> time = torch.arange(1000) / 1000
    >>> x = torch.sin(2 * torch.pi * 50 * time).expand(1, 1, -1)
    >>> bool(hum.select(x).values.std() / x.std() > 0.9)
    True
    """

    name: ClassVar[str] = "series_band"
    modalities: ClassVar[tuple[str, ...]] = ("series",)

    rate: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rate > 0:
            raise InputError(f"SeriesBand(rate={self.rate!r}): expected a positive number of positions")

    def filter(self, x: Tensor) -> Tensor:
        """Return the part of samples in the band, in single precision at least."""
        return filter_band(x, self.low / self.rate, None if self.high is None else self.high / self.rate, sharp=True)
