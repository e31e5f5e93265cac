"""Class activation maps as methods of a run."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.cam import (
    AblationCAM,
    GradCAM,
    GradCAMPlusPlus,
    GuidedGradCAM,
    HiResCAM,
    InterpolateMode,
    LayerCAM,
    ScoreCAM,
    find_cam_layer,
)
from whyset.attribution.attributors.cam.layer_attributor import check_interpolate_mode
from whyset.attribution.methods.method import POSITIONAL, BoundMethod, Method


@dataclass(frozen=True)
class CAMMethod(Method):
    """Base of the methods whose map is computed at one layer and enlarged to the input.

    A subclass names its attributor and its title.

    Parameters
    ----------
    layer : str, optional
        The layer: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default the last one whose positions influence the output, which `find_cam_layer` finds.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.
    """

    title: ClassVar[str]
    attributor: ClassVar[Any]
    several_targets: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = POSITIONAL

    layer: str | None = None
    interpolate_mode: InterpolateMode = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_interpolate_mode(type(self).__name__, self.interpolate_mode)

    def describe(self) -> str:
        """Return the name of the method, the layer, and the parameters that are not the default."""
        place = "the last layer with positions" if self.layer is None else self.layer
        return ", ".join([f"{self.title} at {place}", *self._describe_parameters()])

    def _describe_parameters(self) -> list[str]:
        return [] if self.interpolate_mode == "linear" else [f"interpolated by {self.interpolate_mode}"]

    def resolve(self, model: nn.Module, x: Tensor) -> Self:
        """Return a copy with the layer that is used for this model and inputs (n, channels, *sides).

        InputError: no layer has positions that influence the output, or the given one has not.
        """
        changed: Any = {"layer": find_cam_layer(model, x, self.layer).name}
        return replace(self, **changed)

    def bind(self, model: nn.Module) -> BoundMethod:
        """Make the attributor for a model.

        InputError: the model has no such layer.
        """
        bound: BoundMethod = self.attributor(model, self.layer, **self._arguments())
        return bound

    def _arguments(self) -> dict[str, Any]:
        return {"interpolate_mode": self.interpolate_mode}


@dataclass(frozen=True)
class GradientCAMMethod(CAMMethod):
    """Base of the class activation maps from activations and gradients at a layer.

    Parameters
    ----------
    layer : str, optional
        The layer: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default the last one whose positions influence the output, which `find_cam_layer` finds.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How the map is enlarged to the input; "linear" is bilinear for images and trilinear for volumes.
    relu_attributions : bool, default True
        Whether negative values of the map are set to 0, before it is enlarged.
    """

    relu_attributions: bool = True

    def _describe_parameters(self) -> list[str]:
        return [*super()._describe_parameters(), *([] if self.relu_attributions else ["with negative values"])]

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "relu_attributions": self.relu_attributions}


@dataclass(frozen=True)
class ChannelCAMMethod(GradientCAMMethod):
    """Base of the class activation maps from one evaluation of the model for each channel of a layer.

    Parameters
    ----------
    layer : str, optional
        The layer: the path of a module, or PATH:OPERATION:NUMBER for the call of a function in the forward of one. By
        default the last one whose positions influence the output, which `find_cam_layer` finds.
    interpolate_mode : {"linear", "nearest"}, default "linear"
        How masks and the map are enlarged to the input; "linear" is bilinear for images and trilinear for volumes.
    relu_attributions : bool, default True
        Whether negative values of the map are set to 0, before it is enlarged.
    internal_batch_size : int, optional
        The number of inputs that the model evaluates at once; by default, and at least, the size of the batch.
    """

    needs_gradients: ClassVar[bool] = False

    internal_batch_size: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.internal_batch_size is not None:
            whole_number(f"{type(self).__name__}(internal_batch_size=...)", self.internal_batch_size, 1)

    def _arguments(self) -> dict[str, Any]:
        return {**super()._arguments(), "internal_batch_size": self.internal_batch_size}


@dataclass(frozen=True)
class GradCAMMethod(GradientCAMMethod):
    """Activations of a layer, weighted by the mean gradient of their channel (Selvaraju 2017).

    The attributor is `whyset.attribution.GradCAM`.

    >>> GradCAMMethod(layer="layer4").describe()
    'Grad-CAM at layer4'
    """

    name: ClassVar[str] = "grad_cam"
    title: ClassVar[str] = "Grad-CAM"
    attributor: ClassVar[Any] = GradCAM


@dataclass(frozen=True)
class GradCAMPlusPlusMethod(GradientCAMMethod):
    """Activations of a layer, weighted by positive gradients of their channel (Chattopadhay 2018).

    The attributor is `whyset.attribution.GradCAMPlusPlus`.

    >>> GradCAMPlusPlusMethod().describe()
    'Grad-CAM++ at the last layer with positions'
    """

    name: ClassVar[str] = "grad_cam_plus_plus"
    title: ClassVar[str] = "Grad-CAM++"
    attributor: ClassVar[Any] = GradCAMPlusPlus


@dataclass(frozen=True)
class HiResCAMMethod(GradientCAMMethod):
    """Activations of a layer, weighted by their own gradients (Draelos 2020).

    The attributor is `whyset.attribution.HiResCAM`.

    >>> HiResCAMMethod(relu_attributions=False, layer="features").describe()
    'HiResCAM at features, with negative values'
    """

    name: ClassVar[str] = "hires_cam"
    title: ClassVar[str] = "HiResCAM"
    attributor: ClassVar[Any] = HiResCAM


@dataclass(frozen=True)
class LayerCAMMethod(GradientCAMMethod):
    """Activations of a layer, weighted by their own positive gradients (Jiang 2021).

    The attributor is `whyset.attribution.LayerCAM`.

    >>> LayerCAMMethod(layer="layer2", interpolate_mode="nearest").describe()
    'LayerCAM at layer2, interpolated by nearest'
    """

    name: ClassVar[str] = "layer_cam"
    title: ClassVar[str] = "LayerCAM"
    attributor: ClassVar[Any] = LayerCAM


@dataclass(frozen=True)
class ScoreCAMMethod(ChannelCAMMethod):
    """Activations of a layer, weighted by the output for the input that they mask (Wang 2020).

    The attributor is `whyset.attribution.ScoreCAM`.

    >>> ScoreCAMMethod(layer="layer4", internal_batch_size=64).describe()
    'Score-CAM at layer4'
    """

    name: ClassVar[str] = "score_cam"
    title: ClassVar[str] = "Score-CAM"
    attributor: ClassVar[Any] = ScoreCAM


@dataclass(frozen=True)
class AblationCAMMethod(ChannelCAMMethod):
    """Activations of a layer, weighted by what the output loses without their channel (Desai 2020).

    The attributor is `whyset.attribution.AblationCAM`.

    >>> AblationCAMMethod(layer="blocks.11.norm1").describe()
    'Ablation-CAM at blocks.11.norm1'
    """

    name: ClassVar[str] = "ablation_cam"
    title: ClassVar[str] = "Ablation-CAM"
    attributor: ClassVar[Any] = AblationCAM


@dataclass(frozen=True)
class GuidedGradCAMMethod(CAMMethod):
    """Guided backpropagation times Grad-CAM (Selvaraju 2017).

    The attributor is `whyset.attribution.GuidedGradCAM`.

    >>> GuidedGradCAMMethod(layer="layer4").describe()
    'Guided Grad-CAM at layer4'
    """

    name: ClassVar[str] = "guided_grad_cam"
    title: ClassVar[str] = "Guided Grad-CAM"
    attributor: ClassVar[Any] = GuidedGradCAM
