"""HiResCAM: activations weighted by their own gradients."""

from torch import Tensor

from whyset.attribution.attributors.cam.gradient_cam import GradientCAM


class HiResCAM(GradientCAM):
    """Explain by `ReLU(Σ_k G_k ⊙ A_k)`, with `G_k = ∂y/∂A_k` (HiResCAM, Draelos 2020).

    If one linear layer follows, the map without the ReLU sums to the output without its bias. It is that of Grad-CAM if
    the gradient of a channel is the same at all positions, as before a global average pool.

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
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 48, 2)).eval()
    >>> output, attribution = HiResCAM(model)(torch.rand(5, 3, 8, 10), target=1)
    """

    def combine(self, activation: Tensor, gradient: Tensor) -> Tensor:
        return (gradient * activation).sum(1)
