"""The attributor of a captum method in a run: bounded in memory, with maps of layers as large as the input."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.captum import Captum, find_captum_class
from whyset.attribution.methods.captum_arguments import as_argument
from whyset.attribution.targets import Target
from whyset.errors import InputError
from whyset.printable import short_repr

_COPIES = MappingProxyType({"GradientShap": "n_samples", "LayerGradientShap": "n_samples"})
"""Methods that evaluate several copies of the whole batch at once, and the argument with their number."""

_ONE_BY_ONE = ("KernelShap", "Lime")


class CaptumAttributor:
    """Explain by a method of captum, with arguments that are values; see `CaptumMethod`.

    Methods that expand the batch get an internal batch of its size, or parts of it, so that memory does not grow with
    the number of steps or copies.
    """

    def __init__(
        self,
        model: nn.Module,
        method: str,
        arguments: Mapping[str, Any],
        *,
        layer: str | None = None,
        patch: int | None = None,
        interpolate_mode: str | None = None,
    ) -> None:
        self.model, self.kind, self.arguments, self.patch = model, find_captum_class(method), arguments, patch
        self.layer, self.interpolate_mode = layer, interpolate_mode
        if layer is not None and layer not in dict(model.named_modules()):
            raise InputError(f"{type(model).__name__} has no module named {layer!r}; see model.named_modules()")
        self._taken = inspect.signature(self.kind.attribute).parameters

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self.model).__name__, "method": self.kind.__name__})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input, (n, ...) or (n, 1, ...) for a layer.

        InputError: the target does not fit the output, or the map of a layer cannot be enlarged to the input.
        """
        parts = x.split(max(1, len(x) // self._copies(x)))
        found, start = [], 0
        for part in parts:
            found.append(self._explain(part, _select_targets(target, start, len(part), len(x))))
            start += len(part)
        return torch.cat([output for output, _ in found]), torch.cat([maps for _, maps in found])

    def _explain(self, x: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        given = {name: as_argument(name, value, x) for name, value in self.arguments.items()}
        if self.patch is not None:
            given["feature_mask"] = make_patches(x, self.patch)
        if "internal_batch_size" in self._taken and "internal_batch_size" not in given:
            # Conductance needs two steps at once, for their difference.
            given["internal_batch_size"] = len(x) * (2 if "Conductance" in self.kind.__name__ else 1)
        output, maps = Captum(self.model, self._make, **given)(x, target)
        is_neuron = "neuron_selector" in self._taken
        return output, maps if self.layer is None or is_neuron or maps.shape == x.shape else self._enlarge(maps, x)

    def _make(self, model: nn.Module) -> Any:
        if self.layer is None:
            return self.kind(model)
        return self.kind(model, self.model.get_submodule(self.layer))

    def _copies(self, x: Tensor) -> int:
        """Return the number of copies of the batch that are evaluated at once; surrogates are fitted one by one."""
        if self.kind.__name__ in _ONE_BY_ONE:
            return len(x)
        name = _COPIES.get(self.kind.__name__)
        if name is not None:
            return int(self.arguments.get(name, self._taken[name].default))
        baselines = self.arguments.get("baselines")
        return len(baselines) if "Shap" in self.kind.__name__ and isinstance(baselines, list) else 1

    def _enlarge(self, maps: Tensor, x: Tensor) -> Tensor:
        """Sum the map of a layer over its channels, and interpolate it to the sides of the input."""
        if maps.dim() != x.dim() or x.dim() < 3:
            raise InputError(
                f"captum's {self.kind.__name__} returned maps {tuple(maps.shape)} of layer {self.layer!r} for inputs "
                f"{tuple(x.shape)}: expected a layer with channels and the same number of sides, such as the last "
                "convolution"
            )
        summed = maps.sum(dim=1, keepdim=True)
        mode = "nearest" if self.interpolate_mode is None else self.interpolate_mode
        return nn.functional.interpolate(summed, tuple(x.shape[2:]), mode=mode)


def make_patches(x: Tensor, side: int) -> Tensor:
    """Return the number of the patch of every element, shaped like one input with a batch of 1; channels share patches.

    >>> make_patches(torch.zeros(5, 3, 4, 6), 2)[0, 0].tolist()
    [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5], [3, 3, 4, 4, 5, 5]]
    """
    sides = x.shape[1:] if x.dim() == 2 else x.shape[2:]
    numbers = torch.zeros((), dtype=torch.long, device=x.device)
    for length in sides:
        place = torch.arange(length, device=x.device) // side
        numbers = numbers.unsqueeze(-1) * (int(place[-1]) + 1) + place
    return numbers.expand(1, *x.shape[1:]).contiguous()


def _select_targets(target: Target, start: int, count: int, samples: int) -> Target:
    """Return the targets of some samples, where there is one for each."""
    if isinstance(target, Tensor) and target.dim() and len(target) == samples:
        return target[start : start + count]
    if isinstance(target, list | tuple) and len(target) == samples:
        return target[start : start + count]
    if (start or count < samples) and target is not None and not isinstance(target, int):
        raise InputError("this method of captum explains class indices only where it makes copies of the batch")
    return target
