"""Channels of a layer that are set to a constant."""

from typing import ClassVar

import torch
from torch import Tensor

from whyset.fixing.layer_change import ConceptDetector, LayerChange


class ChannelSuppression(LayerChange):
    """Set some channels of a layer to their mean for samples without the concept, at each position.

    Parameters
    ----------
    layer, channel_axis, detector, label
        See `LayerChange`.
    suppressed : Tensor
        True for the channels that are set, (channels,).
    values : Tensor
        The value of each channel, (channels,); only those of suppressed ones are used.

    Examples
    --------
    >>> change = ChannelSuppression("0", 1, torch.tensor([True, False]), torch.tensor([7.0, 0]))
    >>> change(torch.tensor([[1.0, 2]]))
    tensor([[7., 2.]])
    """

    kind: ClassVar[str] = "channel_suppression"
    suppressed: Tensor
    values: Tensor

    def __init__(
        self,
        layer: str,
        channel_axis: int,
        suppressed: Tensor,
        values: Tensor,
        detector: ConceptDetector | None = None,
        label: int | None = None,
    ) -> None:
        super().__init__(layer, channel_axis, detector, label)
        self.register_buffer("suppressed", suppressed)
        self.register_buffer("values", values)

    @property
    def n_channels(self) -> int:
        """The number of channels that the layer must have."""
        return len(self.suppressed)

    def change(self, h: Tensor) -> Tensor:
        """Return the output with constant channels, for one with channels in its last dimension."""
        return torch.where(self.suppressed.to(h.device), self.values.to(h), h)
