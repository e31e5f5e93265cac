"""The base of the class activation maps whose weights are outputs of the model, one evaluation for each channel."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.cam.layer import CamLayer
from whyset.attribution.attributors.cam.layer_attributor import InterpolateMode, LayerAttributor, enlarge
from whyset.attribution.attributors.cam.place import replace_value
from whyset.attribution.targets import Target, list_targets, output_coefficient


class ChannelCAM(LayerAttributor, ABC):
    """Base of the maps `Σ_k w_k A_k` whose weight w_k follows from the output of the model for a changed channel k.

    A subclass has `evaluate`, the output for changed channels, and the formula of the weights, `weigh`. No gradients
    are needed. All targets share the evaluations.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    layer : str, optional
        The layer: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default `find_cam_layer` finds it.
    relu_attributions : bool, default True
        Whether negative values of the map are set to 0, before it is enlarged.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.
    internal_batch_size : int, optional
        The number of inputs that the model evaluates at once; by default, and at least, the number of samples.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        *,
        relu_attributions: bool = True,
        interpolate_mode: InterpolateMode = "linear",
        internal_batch_size: int | None = None,
    ) -> None:
        super().__init__(model, layer, interpolate_mode=interpolate_mode)
        if internal_batch_size is not None:
            internal_batch_size = whole_number("internal_batch_size", internal_batch_size, 1)
        self.relu_attributions, self.internal_batch_size = relu_attributions, internal_batch_size

    @abstractmethod
    def evaluate(self, x: Tensor, layer: CamLayer, maps: Tensor, channels: Sequence[int]) -> Tensor:
        """Return the outputs (channels · n, ...) for each of these channels changed, of maps (n, channels, *grid)."""

    @abstractmethod
    def weigh(self, values: Tensor, value: Tensor) -> Tensor:
        """Return the weights (n, channels) from values with a changed channel (n, channels), and without one (n, 1)."""

    @torch.no_grad()
    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the map of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, *sides).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
        targets : sequence, optional
            Several targets in place of `target`; they share all evaluations.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The map (n, 1, *sides); with several `targets` (targets, n, 1, *sides).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor with sides, the output is not one
            tensor, or no layer has positions that influence it.
        """
        asked = list_targets(target, targets)
        layer = self.find_layer(x)
        x, kept = x.detach(), list[Tensor]()

        def keep(value: Tensor) -> Tensor:
            kept.append(value.clone())  # the model may write into it
            return value

        with replace_value(self.model, layer.name, keep):
            output = self.model(x.clone())
        maps = layer.grid.to_maps(kept[0])
        coefficients = torch.stack([output_coefficient(output, one) for one in asked.targets])
        values = self._evaluate_all(x, layer, maps, coefficients)
        whole = (coefficients * output).flatten(2).sum(2)
        found = [self._finish(self.weigh(*one), maps, x) for one in zip(values, whole.unsqueeze(2), strict=True)]
        return output, torch.stack(found) if asked.several else found[0]

    def _evaluate_all(self, x: Tensor, layer: CamLayer, maps: Tensor, coefficients: Tensor) -> Tensor:
        """Return the explained values (targets, n, channels) with each channel changed."""
        size = len(x) if self.internal_batch_size is None else self.internal_batch_size
        found = []
        for channels in torch.arange(maps.shape[1]).split(max(1, size // len(x))):
            outputs = self.evaluate(x, layer, maps, channels.tolist()).unflatten(0, (len(channels), len(x)))
            found.append((coefficients.unsqueeze(1) * outputs).flatten(3).sum(3))
        return torch.cat(found, 1).transpose(1, 2)

    def _finish(self, weights: Tensor, maps: Tensor, x: Tensor) -> Tensor:
        found = torch.einsum("nc,nc...->n...", weights, maps).unsqueeze(1)
        return enlarge(found.relu() if self.relu_attributions else found, x, self.interpolate_mode)


def repeat_batch(x: Tensor, times: int) -> Tensor:
    """Return several copies of a batch, one after the other."""
    return x.repeat(times, *[1] * (x.dim() - 1))
