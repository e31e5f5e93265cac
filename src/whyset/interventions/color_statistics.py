"""The mean and the standard deviation of each channel."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.interventions.checks import to_double
from whyset.interventions.fills import Fill
from whyset.interventions.statistics import StatisticIntervention


@dataclass(frozen=True)
class ColorStatistics(StatisticIntervention):
    """The mean μ and the standard deviation σ of each channel: `(host − μ_host) / σ_host · σ + μ` (Reinhard 2001).

    Reinhard transfers them in the color space lαβ; here they are those of the input's channels, whatever they are. A
    channel in which a host is constant only gets the mean. The fill "mean" gives all channels the same mean and the
    same standard deviation, those of the channels on average: gray, or the usual colors of the data if inputs are
    standardized.

    Examples
    --------
    >>> x, host = torch.rand(2, 3, 8, 8) * 0.5 + 0.2, torch.rand(2, 3, 8, 8)
    >>> intervention = ColorStatistics()
    >>> result = intervention.insert(x, intervention.select(x), host)
    >>> torch.allclose(result.mean((2, 3)), x.mean((2, 3)), atol=1e-6)
    True
    """

    name: ClassVar[str] = "color_statistics"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume")
    fills: ClassVar[tuple[str, ...]] = ("host", "mean")

    def measure(self, x: Tensor) -> Tensor:
        """Return mean and standard deviation (n, 2, C) in double precision."""
        flat = to_double(x).flatten(2)
        return torch.stack([flat.mean(2), flat.std(2, correction=0)], dim=1)

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with these means and standard deviations."""
        shape = (*host.shape[:2], *[1] * (host.dim() - 2))
        mean, std = (part.reshape(shape) for part in values.unbind(1))
        own_mean, own_std = (part.reshape(shape) for part in self.measure(host).unbind(1))
        scale = torch.where(own_std > 0, std / own_std, 0)
        return (to_double(host) - own_mean) * scale + mean

    def neutral(self, values: Tensor, fill: Fill) -> Tensor:
        """Return the mean over the channels for each of them."""
        return values.mean(2, keepdim=True).expand_as(values)
