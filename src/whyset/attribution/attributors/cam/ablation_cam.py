"""Ablation-CAM: activations weighted by the change of the output without their channel."""

from collections.abc import Sequence

from torch import Tensor

from whyset.attribution.attributors.cam.channel_cam import ChannelCAM, repeat_batch
from whyset.attribution.attributors.cam.layer import CamLayer
from whyset.attribution.attributors.cam.place import replace_value


class AblationCAM(ChannelCAM):
    """Explain by `ReLU(Σ_k (y − y_k) A_k)`, with the output y_k without channel k (Ablation-CAM, Desai 2020).

    The activations A_k of channel k are set to 0 at all positions of the layer; a class token keeps its value. The
    paper divides the weights by y, a factor of the whole map, which would change its sign where y is negative. The
    model evaluates each input once for each channel of the layer.

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

    Raises
    ------
    InputError
        The model has no such layer, the mode is unknown, or `internal_batch_size` is less than 1.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> output, attribution = AblationCAM(model.eval())(torch.rand(5, 3, 8, 10), target=1)
    """

    def evaluate(self, x: Tensor, layer: CamLayer, maps: Tensor, channels: Sequence[int]) -> Tensor:
        kept = maps.new_ones(len(channels), len(x), layer.channels)
        for place, channel in enumerate(channels):
            kept[place, :, channel] = 0
        factor = kept.flatten(0, 1)
        with replace_value(self.model, layer.name, lambda value: layer.grid.multiply_maps(value, factor)):
            outputs: Tensor = self.model(repeat_batch(x, len(channels)))
        return outputs

    def weigh(self, values: Tensor, value: Tensor) -> Tensor:
        return value - values
