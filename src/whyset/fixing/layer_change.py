"""The base of the changes of a layer's output, and the detector that states for which samples they apply."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.findings.views import POOLINGS


class ConceptDetector(nn.Module):
    """Detects a concept in the output of a layer: `v · (pool(h) − center) / scale ≥ threshold`.

    Parameters
    ----------
    vector, center : Tensor
        The concept vector, and the mean of samples without the concept, (channels,).
    scale, threshold : Tensor
        The unit of the scores, and the least score of samples with the concept; of no dimension.
    pooling : {"max", "mean"}
        How the values of a channel at all positions become one.
    """

    vector: Tensor
    center: Tensor
    scale: Tensor
    threshold: Tensor

    def __init__(self, vector: Tensor, center: Tensor, scale: Tensor, threshold: Tensor, pooling: str) -> None:
        super().__init__()
        self.pooling = pooling
        for name, value in (("vector", vector), ("center", center), ("scale", scale), ("threshold", threshold)):
            self.register_buffer(name, value)

    def forward(self, h: Tensor) -> Tensor:
        """Return whether each sample has the concept, (n,), for an output with channels in dimension 1."""
        pooled = POOLINGS[self.pooling](h.flatten(2)) if h.dim() > 2 else h
        scores = (pooled - self.center.to(h)) @ self.vector.to(h) / self.scale.to(h)
        return scores >= self.threshold.to(h)


class LayerChange(nn.Module):
    """Base of the changes of a layer's output h, which are the same function of h in every call of the layer.

    A new change is a subclass with a `kind`, whose tensors are buffers, and a line in the table `LAYER_CHANGES`.

    Parameters
    ----------
    layer : str
        The path of a module, as in `model.named_modules()`.
    channel_axis : int
        The dimension of the channels in its output.
    detector : ConceptDetector or None, default None
        Change only samples in which it detects the concept; None: all.
    label : int or None, default None
        Change only samples that the unchanged model predicts as this class; None: all.
    """

    kind: ClassVar[str]
    """The name in the table and in files."""

    def __init__(
        self, layer: str, channel_axis: int, detector: ConceptDetector | None = None, label: int | None = None
    ):
        super().__init__()
        self.layer, self.channel_axis, self.label = layer, channel_axis, label
        self.detector = detector

    def change(self, h: Tensor) -> Tensor:
        """Return the changed output, for one with channels in its last dimension."""
        raise NotImplementedError

    @property
    def n_channels(self) -> int:
        """The number of channels that the layer must have."""
        raise NotImplementedError

    def forward(self, output: Tensor, predicted: Tensor | None = None) -> Tensor:
        """Return the changed output of the layer.

        Parameters
        ----------
        output : Tensor
            The output (n, ...).
        predicted : Tensor or None
            Whether the unchanged model predicts the class for each sample, (n,); None if `label` is None.
        """
        axis = self._find_axis(output)
        changed = self.change(output.movedim(axis, -1)).movedim(-1, axis)
        with torch.no_grad(), torch._C.DisableTorchFunction():  # a choice of samples is not an operation of the model
            active = self._find_active(output.detach().movedim(axis, 1), predicted)
        if active is None:
            return changed
        return torch.where(active.view(-1, *[1] * (output.dim() - 1)), changed, output)

    def describe(self) -> dict[str, Any]:
        """Return everything but the tensors, as JSON."""
        pooling = None if self.detector is None else self.detector.pooling
        described = {"layer": self.layer, "channel_axis": self.channel_axis, "label": self.label, "pooling": pooling}
        return {"kind": self.kind, **described}

    @classmethod
    def build(cls, described: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "LayerChange":
        """Build a change from its description and the tensors of its state."""
        own = {name: value for name, value in tensors.items() if "." not in name}
        parts = {name.partition(".")[2]: value for name, value in tensors.items() if name.startswith("detector.")}
        detector = ConceptDetector(**parts, pooling=described["pooling"]) if parts else None
        return cls(described["layer"], described["channel_axis"], **own, detector=detector, label=described["label"])

    def _find_active(self, h: Tensor, predicted: Tensor | None) -> Tensor | None:
        detected: Tensor | None = None if self.detector is None else self.detector(h)
        if detected is None or predicted is None:
            return predicted if detected is None else detected
        return detected & predicted

    def _find_axis(self, output: Any) -> int:
        axis = self.channel_axis
        if not isinstance(output, Tensor) or not 0 < axis < output.dim() or output.shape[axis] != self.n_channels:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise InputError(
                f"fix of layer {self.layer!r}: expected an output with {self.n_channels} channels in dimension {axis}, "
                f"got {got}: the fix was made for another layer"
            )
        return axis
