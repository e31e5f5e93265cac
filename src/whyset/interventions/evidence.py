"""Evidence: the part of each sample that an intervention moves, as a region or as a statistic."""

from dataclasses import dataclass, fields
from typing import Any, Self

from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """Base of the evidence of n samples; each field is a tensor with one entry for each sample."""

    def __repr__(self) -> str:
        """Return the name and the shapes of the tensors."""
        shapes = ", ".join(f"{part.name} {tuple(getattr(self, part.name).shape)}" for part in fields(self))
        return f"<{type(self).__name__} of {len(self)} samples: {shapes}>"

    def __len__(self) -> int:
        return len(self._tensors()[0])

    def __getitem__(self, rows: Any) -> Self:
        """Return the evidence of some samples: of a slice, a mask, or indices, which may repeat.

        >>> import torch
        >>> len(Region(torch.ones(3, 1, 4, 4, dtype=torch.bool))[[0, 0, 2, 2]])
        4
        """
        return type(self)(*(tensor[rows] for tensor in self._tensors()))

    def to(self, device: Any) -> Self:
        """Return the evidence on a device."""
        return type(self)(*(tensor.to(device) for tensor in self._tensors()))

    def _tensors(self) -> list[Tensor]:
        return [getattr(self, part.name) for part in fields(self)]


@dataclass(frozen=True, eq=False, repr=False)
class Region(Evidence):
    """A part of each sample: positions, channels, features, or channels of a layer.

    Parameters
    ----------
    mask : Tensor of bool
        True within the region, shaped like the samples, with a side of 1 where all entries are equal: (n, 1, H, W) for
        pixels. A sample without evidence has no True: it has no positive relevance, or a text is shorter than the span.
    """

    mask: Tensor

    @property
    def size(self) -> Tensor:
        """The number of positions, channels or features of each sample (n,); 0 where there is no evidence."""
        return self.mask.flatten(1).sum(1)

    def overlap(self, other: "Region") -> Tensor:
        """Return the share of each region (n,) that another one covers; 0 where this one is empty."""
        return (self.mask & other.mask).flatten(1).sum(1) / self.size.clamp(min=1)


@dataclass(frozen=True, eq=False, repr=False)
class Statistic(Evidence):
    """A statistic of each whole sample, and the range of its values, to which results are clipped.

    Parameters
    ----------
    values : Tensor
        The statistic of each sample (n, ...).
    low, high : Tensor
        The smallest and the largest value of each channel of the samples, (n, C, 1, ...).
    """

    values: Tensor
    low: Tensor
    high: Tensor
