"""Grad-CAM: activations weighted by the mean gradient of their channel."""

from torch import Tensor

from whyset.attribution.attributors.cam.gradient_cam import GradientCAM, mean_over_positions


class GradCAM(GradientCAM):
    """Explain by `ReLU(Σ_k w_k A_k)`, with the mean `w_k` of `∂y/∂A_k` over positions (Grad-CAM, Selvaraju 2017).

    A is the activation of a layer with channels k. If a global average pool and a linear layer with weights W follow,
    the map of a class c is that of CAM (Zhou 2016), `Σ_k W_ck A_k`, divided by the number of positions.

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

    Raises
    ------
    InputError
        The model has no such layer, or the mode is unknown.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> attribute = GradCAM(model.eval())
    >>> output, attribution = attribute(torch.rand(5, 3, 8, 10), target=1)
    >>> attribution.shape, attribute.find_layer(torch.rand(5, 3, 8, 10)).name
    (torch.Size([5, 1, 8, 10]), '1')
    """

    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        return (mean_over_positions(gradient) * activation).sum(1)
