"""Score-CAM: activations weighted by the output for the input that they mask."""

from collections.abc import Sequence

import torch
from torch import Tensor

from whyset.attribution.attributors.cam.channel_cam import ChannelCAM, repeat_batch
from whyset.attribution.attributors.cam.layer import CamLayer
from whyset.attribution.attributors.cam.layer_attributor import enlarge


class ScoreCAM(ChannelCAM):
    """Explain by `ReLU(Σ_k w_k A_k)`, with `w = softmax_k(y(x ⊙ H_k))` (Score-CAM, Wang 2020).

    The mask H_k is the activation A_k of channel k, enlarged to the input and scaled to the range from 0 to 1; it is 0
    if the activation is the same at all positions. The softmax is that of the paper's algorithm; the code of its
    authors has the probability of the class in its place. The model evaluates each input once for each channel.

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
        How masks and the map are enlarged to the input; "linear" is bilinear for images and trilinear for volumes.
    internal_batch_size : int, optional
        The number of inputs that the model evaluates at once; by default, and at least, the number of samples.

    Raises
    ------
    InputError
        The model has no such layer, the mode is unknown, or `internal_batch_size` is less than 1.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> output, attribution = ScoreCAM(model.eval(), internal_batch_size=32)(torch.rand(5, 3, 8, 10), target=1)
    """

    def evaluate(self, x: Tensor, layer: CamLayer, maps: Tensor, channels: Sequence[int]) -> Tensor:
        masks = enlarge(maps[:, channels], x, self.interpolate_mode)
        sides = tuple(range(2, masks.dim()))
        low, high = masks.amin(sides, keepdim=True), masks.amax(sides, keepdim=True)
        masks = (masks - low) / torch.where(high > low, high - low, 1)
        inputs = repeat_batch(x, len(channels)) * masks.transpose(0, 1).flatten(0, 1).unsqueeze(1)
        outputs: Tensor = self.model(inputs)
        return outputs

    def weigh(self, values: Tensor, value: Tensor) -> Tensor:
        return values.softmax(1)
