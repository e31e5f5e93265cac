"""Restoration: a linear map takes a layer's output with the evidence to the output without it."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from whyset.fixing.layer_change import ConceptDetector, LayerChange


class Restoration(LayerChange):
    """Apply a linear map to the channels of a layer at each position, `h' = h W + b`.

    Parameters
    ----------
    layer, channel_axis, detector, label
        See `LayerChange`.
    weight : Tensor
        The matrix Wᵀ, (channels, channels), as of a linear layer.
    bias : Tensor
        The vector b, (channels,).

    Examples
    --------
    >>> import torch
    >>> change = Restoration("0", 1, torch.eye(2), torch.tensor([1.0, 0]))
    >>> change(torch.tensor([[1.0, 2]]))
    tensor([[2., 2.]])
    """

    kind: ClassVar[str] = "restoration"
    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        layer: str,
        channel_axis: int,
        weight: Tensor,
        bias: Tensor,
        detector: ConceptDetector | None = None,
        label: int | None = None,
    ) -> None:
        super().__init__(layer, channel_axis, detector, label)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    @property
    def n_channels(self) -> int:
        """The number of channels that the layer must have."""
        return len(self.bias)

    def change(self, h: Tensor) -> Tensor:
        """Return the mapped output, for one with channels in its last dimension."""
        return F.linear(h, self.weight.to(h), self.bias.to(h))
