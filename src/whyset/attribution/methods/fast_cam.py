"""FastCAM as a method of a run."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from whyset.attribution.attributors.cam import FastCAM, InterpolateMode, find_cam_layers
from whyset.attribution.attributors.cam.layer_attributor import check_interpolate_mode
from whyset.attribution.methods.method import POSITIONAL, Method
from whyset.errors import InputError


@dataclass(frozen=True)
class FastCAMMethod(Method):
    """Where few channels of several layers are active, the same for all classes (Mundhenk 2019).

    The attributor is `whyset.attribution.FastCAM`.

    Parameters
    ----------
    layers : str or tuple of str, optional
        The layers: paths of modules, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default the last layer of each resolution that influences the output.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map of a layer is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.

    Raises
    ------
    InputError
        The layers are not names, or the mode is unknown.

    Examples
    --------
    >>> FastCAMMethod(("layer2", "layer4")).describe()
    'FastCAM (the same for all classes) at layer2, layer4'
    """

    name: ClassVar[str] = "fast_cam"
    needs_gradients: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = POSITIONAL

    layers: str | tuple[str, ...] | None = None
    interpolate_mode: InterpolateMode = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_interpolate_mode(type(self).__name__, self.interpolate_mode)
        given = (self.layers,) if isinstance(self.layers, str) else self.layers
        given = tuple(given) if isinstance(given, list) else given
        is_names = isinstance(given, tuple) and bool(given) and all(isinstance(one, str) for one in given)
        if given is not None and not is_names:
            raise InputError(f"FastCAMMethod(layers={self.layers!r}): expected names of layers")
        object.__setattr__(self, "layers", given)

    def describe(self) -> str:
        """Return the name of the method with the layers, and that it does not depend on the class."""
        layers = "the last layer of each resolution" if self.layers is None else ", ".join(self.layers)
        mode = "" if self.interpolate_mode == "linear" else f", interpolated by {self.interpolate_mode}"
        return f"FastCAM (the same for all classes) at {layers}{mode}"

    def resolve(self, model: nn.Module, x: Tensor) -> Self:
        """Return a copy with the layers that are used for this model and inputs (n, channels, *sides).

        InputError: no layer has positions that influence the output.
        """
        found = self.layers or tuple(layer.name for layer in find_cam_layers(model, x))
        changed: Any = {"layers": found}
        return replace(self, **changed)

    def bind(self, model: nn.Module) -> FastCAM:
        """Make the attributor for a model.

        InputError: the model has no such layer.
        """
        return FastCAM(model, self.layers, interpolate_mode=self.interpolate_mode)
