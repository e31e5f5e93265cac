"""FastCAM: the spread of activations over channels, at several layers, from one forward pass."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cam.layer import CamLayer, find_cam_layer, find_cam_layers
from whyset.attribution.attributors.cam.layer_attributor import InterpolateMode, check_interpolate_mode, enlarge
from whyset.attribution.attributors.cam.place import check_layer_name, replace_value
from whyset.attribution.targets import Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

_OFFSET = 1e-7
"""Added to activations, as in the code of the paper, so that the logarithm of 0 is finite."""


class FastCAM:
    """Explain by the mean over layers of `Φ(m (log₂ m − mean_k log₂ A_k))`, with `m = mean_k A_k` (Mundhenk 2019).

    The statistic (SMOE scale) is large at positions where few channels k are active and the activation is large. Φ, the
    normal distribution function with mean and standard deviation of the map of a layer, scales it to the range from 0
    to 1. All layers count the same; the paper has weights for those of a ResNet. Negative activations count as 0. The
    map does not depend on the target: it shows where the network is active, for any class.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    layers : sequence of str, optional
        The layers: paths of modules, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default the last layer of each resolution that influences the output, which `find_layers` returns.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map of a layer is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.

    Raises
    ------
    InputError
        The model has no such layer, the sequence is empty, or the mode is unknown.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> output, attribution = FastCAM(model.eval())(torch.rand(5, 3, 8, 10))
    >>> attribution.shape
    torch.Size([5, 1, 8, 10])
    """

    def __init__(
        self, model: nn.Module, layers: Sequence[str] | None = None, *, interpolate_mode: InterpolateMode = "linear"
    ) -> None:
        check_interpolate_mode(type(self).__name__, interpolate_mode)
        if isinstance(layers, str) or (layers is not None and not layers):
            raise InputError(f"FastCAM(layers={layers!r}): expected a list of one or more names of layers")
        for layer in layers or ():
            check_layer_name(model, layer)
        self.model, self.layers, self.interpolate_mode = model, layers, interpolate_mode
        self._found: dict[tuple[int, ...], list[CamLayer]] = {}

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self.model).__name__, "layers": self.layers})

    def find_layers(self, x: Tensor) -> list[CamLayer]:
        """Return the layers for inputs with the sides of `x` (n, channels, *sides), found in the first call.

        InputError: no layer has positions that influence the output.
        """
        shape = tuple(x.shape[1:])
        if shape not in self._found:
            names = self.layers
            self._found[shape] = (
                find_cam_layers(self.model, x)
                if names is None
                else [find_cam_layer(self.model, x, name) for name in names]
            )
        return self._found[shape]

    @torch.no_grad()
    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the map of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, *sides).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            Checked, and without influence on the map.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The map (n, 1, *sides), from 0 to 1.

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor with sides, the output is not one
            tensor, or no layer has positions that influence it.
        """
        maps: list[Tensor] = []

        def take(value: Tensor, layer: CamLayer) -> Tensor:
            scaled = normalize_by_distribution(smoe_scale(layer.grid.to_maps(value)))
            maps.append(enlarge(scaled.unsqueeze(1), x, self.interpolate_mode))
            return value

        with ExitStack() as stack:
            for layer in self.find_layers(x):
                stack.enter_context(replace_value(self.model, layer.name, partial(take, layer=layer)))
            output = self.model(x.detach().clone())
        output_coefficient(output, target)
        return output, torch.stack(maps).mean(0)


def smoe_scale(maps: Tensor) -> Tensor:
    """Return `m (log₂ m − mean_k log₂ A_k)`, with `m = mean_k A_k`, of activations (n, channels, *grid) as (n, *grid).

    >>> smoe_scale(torch.tensor([[[1.0, 4.0], [4.0, 4.0]]])).round(decimals=3)
    tensor([[0.8050, 0.0000]])
    """
    positive = maps.relu() + _OFFSET
    mean = positive.mean(1)
    return mean * (mean.log2() - positive.log2().mean(1))


def normalize_by_distribution(maps: Tensor) -> Tensor:
    """Return the normal distribution function of maps (n, *grid), with mean and deviation of each; ½ if that is 0.

    >>> normalize_by_distribution(torch.tensor([[0.0, 0.0], [-1.0, 1.0]])).round(decimals=3)
    tensor([[0.5000, 0.5000],
            [0.2400, 0.7600]])
    """
    sides = tuple(range(1, maps.dim()))
    centered = maps - maps.mean(sides, keepdim=True)
    deviation = maps.std(sides, keepdim=True)  # of a sample, as in the code of the paper
    scaled = centered / torch.where(deviation > 0, deviation, 1)
    return (1 + torch.erf(scaled / math.sqrt(2))) / 2
