"""The base of the attributors at a layer: the layer, found once, and maps that are enlarged to the input."""

from types import MappingProxyType
from typing import Literal, get_args

from torch import Tensor, nn

from whyset.attribution.attributors.cam.layer import CamLayer, find_cam_layer
from whyset.attribution.attributors.cam.place import check_layer_name
from whyset.errors import InputError
from whyset.printable import short_repr

InterpolateMode = Literal["linear", "nearest"]

_LINEAR = MappingProxyType({1: "linear", 2: "bilinear", 3: "trilinear"})


class LayerAttributor:
    """Base of the attributors whose maps are those of one layer.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    layer : str, optional
        The layer: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default `find_cam_layer` finds it.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How maps are enlarged to the input; "linear" is bilinear for images and trilinear for volumes.

    Raises
    ------
    InputError
        The model has no such layer, or the mode is unknown.
    """

    def __init__(
        self, model: nn.Module, layer: str | None = None, *, interpolate_mode: InterpolateMode = "linear"
    ) -> None:
        check_interpolate_mode(type(self).__name__, interpolate_mode)
        if layer is not None:
            check_layer_name(model, layer)
        self.model, self.layer, self.interpolate_mode = model, layer, interpolate_mode
        self._found: dict[tuple[int, ...], CamLayer] = {}

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self.model).__name__, "layer": self.layer})

    def find_layer(self, x: Tensor) -> CamLayer:
        """Return the layer for inputs with the sides of `x` (n, channels, *sides), found in the first call.

        InputError: no layer has positions that influence the output.
        """
        shape = tuple(x.shape[1:])
        if shape not in self._found:
            self._found[shape] = find_cam_layer(self.model, x, self.layer)
        return self._found[shape]


def check_interpolate_mode(owner: str, mode: object) -> None:
    """Raise InputError unless the mode is known."""
    if mode not in get_args(InterpolateMode):
        raise InputError(f"{owner}(interpolate_mode={mode!r}): expected 'linear' or 'nearest'")


def enlarge(maps: Tensor, x: Tensor, mode: InterpolateMode) -> Tensor:
    """Interpolate maps (n, channels, *grid) to the sides of an input (n, channels, *sides).

    >>> import torch
    >>> enlarge(torch.rand(2, 1, 3, 4), torch.rand(2, 3, 6, 8), "linear").shape
    torch.Size([2, 1, 6, 8])
    """
    name = _LINEAR[x.dim() - 2] if mode == "linear" else mode
    return nn.functional.interpolate(maps, tuple(x.shape[2:]), mode=name)
