"""Projection: the part of a layer's output along a concept vector becomes that of a reference."""

from typing import ClassVar

from torch import Tensor

from whyset.fixing.layer_change import ConceptDetector, LayerChange


class Projection(LayerChange):
    """Set the component along directions to that of a reference z, at each position.

    `h' = h − Σᵢ uᵢ wᵢᵀ(h − z)` with directions u and filters w, `wᵢᵀuⱼ = 1` if i = j and 0 otherwise. With one
    direction and `w = u / uᵀu` it is P-ClArC (Anders 2022) if z is the mean of samples without the concept, and
    A-ClArC if z is that of samples with it.

    Parameters
    ----------
    layer, channel_axis, detector, label
        See `LayerChange`.
    directions, filters : Tensor
        The directions u and the filters w, (k, channels).
    reference : Tensor
        The mean z over samples and positions, (channels,).

    Examples
    --------
    >>> import torch
    >>> change = make_projection("0", 1, vector=torch.tensor([2.0, 0]), reference=torch.tensor([5.0, 5]))
    >>> change(torch.tensor([[1.0, 1], [9, 3]]))
    tensor([[5., 1.],
            [5., 3.]])
    """

    kind: ClassVar[str] = "projection"
    directions: Tensor
    filters: Tensor
    reference: Tensor

    def __init__(
        self,
        layer: str,
        channel_axis: int,
        directions: Tensor,
        filters: Tensor,
        reference: Tensor,
        detector: ConceptDetector | None = None,
        label: int | None = None,
    ) -> None:
        super().__init__(layer, channel_axis, detector, label)
        self.register_buffer("directions", directions)
        self.register_buffer("filters", filters)
        self.register_buffer("reference", reference)

    @property
    def n_channels(self) -> int:
        """The number of channels that the layer must have."""
        return self.directions.shape[1]

    def change(self, h: Tensor) -> Tensor:
        """Return the projected output, for one with channels in its last dimension."""
        changed = h
        for direction, weights in zip(self.directions.to(h), self.filters.to(h), strict=True):
            excess = (h * weights).sum(-1, keepdim=True) - (self.reference.to(h) * weights).sum()
            changed = changed - excess * direction
        return changed


def make_projection(
    layer: str,
    channel_axis: int,
    vector: Tensor,
    reference: Tensor,
    detector: ConceptDetector | None = None,
    label: int | None = None,
) -> Projection:
    """Make the orthogonal projection along one vector (channels,), as P-ClArC and A-ClArC use it."""
    return Projection(layer, channel_axis, vector[None], (vector / (vector @ vector))[None], reference, detector, label)
