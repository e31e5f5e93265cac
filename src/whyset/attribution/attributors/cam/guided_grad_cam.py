"""Guided Grad-CAM: guided backpropagation where Grad-CAM is positive."""

from collections.abc import Sequence

from torch import Tensor, nn

from whyset.attribution.attributors.cam.grad_cam import GradCAM
from whyset.attribution.attributors.cam.layer import CamLayer
from whyset.attribution.attributors.cam.layer_attributor import InterpolateMode
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import GuidedBackprop
from whyset.attribution.targets import Target
from whyset.printable import short_repr


class GuidedGradCAM:
    """Explain by `B ⊙ ReLU(Σ_k w_k A_k)`: guided backpropagation B times the enlarged Grad-CAM (Selvaraju 2017).

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    layer : str, optional
        The layer of Grad-CAM: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward
        of one. By default `find_cam_layer` finds it.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.

    Raises
    ------
    InputError
        The model has no such layer, or the mode is unknown.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> output, attribution = GuidedGradCAM(model.eval())(torch.rand(5, 3, 8, 10), target=1)
    >>> attribution.shape
    torch.Size([5, 3, 8, 10])
    """

    def __init__(
        self, model: nn.Module, layer: str | None = None, *, interpolate_mode: InterpolateMode = "linear"
    ) -> None:
        self._cam = GradCAM(model, layer, interpolate_mode=interpolate_mode)
        self._guided = Gradient(model, GuidedBackprop())

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self._cam.model).__name__, "layer": self._cam.layer})

    def find_layer(self, x: Tensor) -> CamLayer:
        """Return the layer of Grad-CAM for inputs with the sides of `x` (n, channels, *sides).

        InputError: no layer has positions that influence the output.
        """
        return self._cam.find_layer(x)

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, *sides).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
        targets : sequence, optional
            Several targets in place of `target`; they share both forward passes.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, shaped like `x`; with several `targets` (targets, n, ...).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor with sides, the output is not one
            tensor, or no layer has positions that influence it.
        """
        output, maps = self._cam(x, target, targets=targets)
        guided: Tensor = self._guided(x, target, targets=targets)[1]
        return output, guided * maps
