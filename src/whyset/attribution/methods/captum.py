"""Attribution methods of captum as methods of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import nn

from whyset.attribution.attributors.captum import find_captum_class
from whyset.attribution.methods.captum_arguments import check_arguments, plain_value
from whyset.attribution.methods.captum_attributor import CaptumAttributor
from whyset.attribution.methods.method import Method
from whyset.errors import InputError
from whyset.printable import short_dataclass_repr


@dataclass(frozen=True)
class CaptumMethod(Method):
    """An attribution method of captum, by the name of its class in `captum.attr`.

    Maps of a layer, such as those of LayerGradCam, are summed over channels and interpolated to the size of the input,
    as `captum.attr.LayerAttribution.interpolate` does.

    Parameters
    ----------
    method : str
        The name of the class, such as "DeepLift", "LayerGradCam" or "KernelShap".
    arguments : mapping, optional
        Arguments of its `attribute`: numbers, texts and lists. Nested lists, arrays and tensors are passed as tensors
        of the input's type, as `feature_mask` of integers; flat lists as tuples.
    layer : str, optional
        The path of the module, for methods that take a layer.
    patch : int, optional
        Side of square patches that are the features, for methods that take a `feature_mask`; by default every element
        is a feature. KernelShap, Lime and Shapley values of images need patches to be computed in acceptable time.
    interpolate_mode : str, optional
        How maps of a layer are enlarged, as in `torch.nn.functional.interpolate`; by default "nearest", as in captum.

    Raises
    ------
    InputError
        captum has no such method, an argument is unknown or missing, or the method does not explain outputs.
    MissingExtraError
        captum is not installed.

    Examples
    --------
    >>> CaptumMethod("DeepLift", {"baselines": 0.5}).describe()
    'DeepLift of captum, baselines 0.5'
    """

    name: ClassVar[str] = "captum"
    draws_globally: ClassVar[bool] = True

    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    layer: str | None = None
    patch: int | None = None
    interpolate_mode: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.arguments, Mapping):
            raise InputError(f"arguments of captum's {self.method}: expected a mapping, got {self.arguments!r}")
        kept = {name: plain_value(name, value) for name, value in self.arguments.items()}
        object.__setattr__(self, "arguments", kept)
        check_arguments(find_captum_class(self.method), self.arguments, self.layer, self.patch)

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    def describe(self) -> str:
        """Return the class, its layer and its arguments."""
        layer = "" if self.layer is None else f" at {self.layer}"
        parts = [f"{name} {_shorten(value)}" for name, value in self.arguments.items()]
        patch = [] if self.patch is None else [f"patches of {self.patch}"]
        return ", ".join([f"{self.method} of captum{layer}", *parts, *patch])

    def bind(self, model: nn.Module) -> CaptumAttributor:
        """Make the attributor for a model.

        InputError: the model has no such layer.
        """
        return CaptumAttributor(
            model,
            self.method,
            self.arguments,
            layer=self.layer,
            patch=self.patch,
            interpolate_mode=self.interpolate_mode,
        )


def _shorten(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
