"""Grad-CAM++: activations weighted by positive gradients, each with a coefficient."""

import torch
from torch import Tensor

from whyset.attribution.attributors.cam.gradient_cam import GradientCAM, sum_over_positions


class GradCAMPlusPlus(GradientCAM):
    """Explain by `ReLU(Σ_k w_k A_k)`, with `w_k = Σ α_k ⊙ ReLU(G_k)` over positions (Grad-CAM++, Chattopadhay 2018).

    G_k is `∂y/∂A_k`, and `α_k = G_k² / (2 G_k² + G_k³ Σ A_k) = 1 / (2 + G_k Σ A_k)`, with the sum over positions, is
    0 where the gradient is 0. The paper explains exp(y), which multiplies the map by exp(y). Activations should not be
    negative, as after a ReLU: otherwise the denominator can be close to 0.

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
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> output, attribution = GradCAMPlusPlus(model.eval())(torch.rand(5, 3, 8, 10), target=1)
    """

    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        denominator = 2 + gradient * sum_over_positions(activation)
        is_known = (gradient > 0) & (denominator != 0)  # ReLU(G) is 0 elsewhere
        alpha = is_known / torch.where(is_known, denominator, 1)
        return (sum_over_positions(alpha * gradient.relu()) * activation).sum(1)
