"""The base of the class activation maps that are computed from activations and gradients at a layer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cam.grid import PositionGrid
from whyset.attribution.attributors.cam.layer_attributor import InterpolateMode, LayerAttributor, enlarge
from whyset.attribution.attributors.cam.place import replace_value
from whyset.attribution.targets import Target, list_targets, output_coefficient
from whyset.errors import InputError, UnseenOperationError


class GradientCAM(LayerAttributor, ABC):
    """Base of the maps `Σ_k w_k ⊙ A_k` of activations A at a layer, with weights from the gradients `G = ∂y/∂A`.

    A subclass has the formula, `combine`. The batch takes one forward pass, and one backward pass to the layer for each
    target.

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
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str | None = None,
        *,
        relu_attributions: bool = True,
        interpolate_mode: InterpolateMode = "linear",
    ) -> None:
        super().__init__(model, layer, interpolate_mode=interpolate_mode)
        self.relu_attributions = relu_attributions

    @abstractmethod
    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        """Return the map (n, *grid) of activations and gradients (n, channels, *grid)."""

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
            Several targets in place of `target`; they share one forward pass.

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
        leaves: list[Tensor] = []

        def detach(value: Tensor) -> Tensor:
            leaves.append(value.detach().requires_grad_())
            return leaves[0].clone()  # the model may write into it

        with torch.enable_grad():
            with replace_value(self.model, layer.name, detach):
                output = self.model(x.detach().clone())
            coefficients = [output_coefficient(output, one).detach() for one in asked.targets]
            gradients = [_differentiate(output, leaves[0], one, layer.name) for one in coefficients]
        found = [self._finish(layer.grid, leaves[0].detach(), gradient, x) for gradient in gradients]
        return output.detach(), torch.stack(found) if asked.several else found[0]

    def _finish(self, grid: PositionGrid, activation: Tensor, gradient: Tensor, x: Tensor) -> Tensor:
        found = self.combine(grid.to_maps(activation), grid.to_maps(gradient)).unsqueeze(1)
        return enlarge(found.relu() if self.relu_attributions else found, x, self.interpolate_mode)


def mean_over_positions(maps: Tensor) -> Tensor:
    """Return the mean of each map (n, channels, *grid), as (n, channels, 1, ...)."""
    return maps.mean(dim=tuple(range(2, maps.dim())), keepdim=True)


def sum_over_positions(maps: Tensor) -> Tensor:
    """Return the sum of each map (n, channels, *grid), as (n, channels, 1, ...)."""
    return maps.sum(dim=tuple(range(2, maps.dim())), keepdim=True)


def _differentiate(output: Tensor, leaf: Tensor, coefficient: Tensor, layer: str) -> Tensor:
    if not output.requires_grad:
        raise InputError(
            f"the output carries no gradient from {layer!r}: give another layer, or use Score-CAM or Ablation-CAM, "
            "which need no gradients"
        )
    (gradient,) = torch.autograd.grad(output, leaf, coefficient, retain_graph=True, allow_unused=True)
    if gradient is None:
        raise UnseenOperationError(f"the output does not depend on the value of {layer!r}: give another layer")
    return gradient
