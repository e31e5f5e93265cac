"""The layer at which a class activation map is computed, found from what a model computes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cam.grid import PositionGrid
from whyset.attribution.attributors.cam.place import CalledOperation, check_layer_name
from whyset.attribution.attributors.cam.values import LayerValue, ValueTrace, record_values
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.intercept.refusals import refuse_unseen
from whyset.attribution.targets import output_coefficient
from whyset.errors import InputError

_LISTED = 6
"""The number of layers that a message lists."""


@dataclass(frozen=True)
class CamLayer:
    """A layer whose value has positions.

    Parameters
    ----------
    name : str
        The path of the module whose output it is; or PATH:OPERATION:NUMBER, the call of a function in the forward of a
        module, as `:relu:0` of the model itself.
    grid : PositionGrid
        The layout of the value.
    channels : int
        The number of its channels.
    """

    name: str
    grid: PositionGrid
    channels: int

    def describe(self) -> str:
        """Return the name and the sides, such as "layer4 (7 × 7 positions)"."""
        return f"{self.name} ({' × '.join(map(str, self.grid.sides))} positions)"


def find_cam_layer(model: nn.Module, x: Tensor, layer: str | None = None) -> CamLayer:
    """Return the layer for class activation maps: the last value whose positions influence the output.

    In a convolutional network it is the output of the last block, before it is pooled or flattened. In a transformer it
    is the last norm or sum of blocks before positions are pooled or, with a class token, the first norm of the last
    block, since after its attention only the class token has influence. The model is called with noise shaped like `x`,
    so the layer depends on the model and the size of the input only.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    x : Tensor
        An input (n, channels, *sides); its values are not used.
    layer : str, optional
        The name of the layer, if it is known; then its layout is found.

    Returns
    -------
    CamLayer
        The layer.

    Raises
    ------
    InputError
        The model has no such layer, it has no positions, or they do not influence the output; the model is compiled.
    UnseenOperationError
        A part of the model hides its operations, as scripted modules do.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    >>> find_cam_layer(model.eval(), torch.rand(1, 3, 8, 10)).describe()
    '1 (6 × 8 positions)'
    """
    if layer is not None:
        check_layer_name(model, layer)
    candidates = _Candidates.record(model, x)
    return candidates.last() if layer is None else candidates.find(layer)


def find_cam_layers(model: nn.Module, x: Tensor) -> list[CamLayer]:
    """Return the last layer of each grid of positions whose values influence the output, in the order of execution.

    InputError: no layer has positions that influence the output.
    """
    return _Candidates.record(model, x).last_of_each_grid()


@dataclass(frozen=True, eq=False)
class _Candidates:
    """The values of one call of a model, with the output of the call."""

    model: nn.Module
    trace: ValueTrace
    output: Tensor
    shape: tuple[int, ...]

    @classmethod
    def record(cls, model: nn.Module, x: Tensor) -> "_Candidates":
        refuse_unseen(model)
        require_tensor(x, "a class activation map", floating=True)
        if x.dim() < 3:
            raise InputError(
                f"class activation maps need inputs with positions, (n, channels, *sides), got {tuple(x.shape)}"
            )
        if any(part.training and getattr(part, "running_mean", None) is not None for part in model.modules()):
            raise InputError(
                f"{type(model).__name__} is in training mode, where batch norms would count the noise with which the "
                "layer is found: call model.eval()"
            )
        shape = (min(len(x), 2), *x.shape[1:])
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(x)
        with torch.enable_grad():
            start = noise.requires_grad_().clone()  # the model may write into its input
            with record_values(model, start) as trace:
                output = model(start)
        if not isinstance(output, Tensor):
            output_coefficient(output, None)  # raises the error of all attributors
        return cls(model, trace, output, shape)

    def last(self) -> CamLayer:
        return self._name(list(self._features())[-1])

    def last_of_each_grid(self) -> list[CamLayer]:
        by_grid: dict[tuple[int, ...], LayerValue] = {}
        for value in self._features():
            if value.channels > 1:
                by_grid.pop(value.grid.sides, None)  # so that the last one is in its place
                by_grid[value.grid.sides] = value
        if not by_grid:
            raise self._refuse("no layer with several channels and positions")
        return [self._name(value) for value in by_grid.values()]

    def _features(self) -> list[LayerValue]:
        """Return the features whose positions influence the output, in the order of execution.

        InputError: there are none.
        """
        if not self.output.requires_grad:
            raise InputError(
                f"the output of {type(self.model).__name__} carries no gradient, so the last layer that influences it "
                "cannot be found: give it by layer=, the path of a module"
            )
        every = [value for value in self.trace.list_values() if value.tensor is not self.output]
        for values in ([value for value in every if value.is_feature], every):
            found = list(self._influential(values))
            if found:
                return found
        raise self._refuse("no layer with positions that influence the output (a head whose weights are 0 hides all)")

    def _influential(self, values: Sequence[LayerValue]) -> Iterator[LayerValue]:
        """Yield the values at whose positions the gradient of the output is not 0."""
        values = [value for value in values if value.tensor.requires_grad]
        if not values:
            return
        weights = torch.linspace(1, 2, self.output[0].numel()).to(self.output).view(self.output.shape[1:])
        tensors = [value.tensor for value in values]
        gradients = torch.autograd.grad(self.output, tensors, weights.expand_as(self.output), True, allow_unused=True)
        for value, gradient in zip(values, gradients, strict=True):
            if gradient is not None and bool(value.grid.to_maps(gradient).any()):
                yield value

    def find(self, layer: str) -> CamLayer:
        """Return the layer of a name.

        InputError: its value has no positions, or they do not influence the output.
        """
        value = self._find_value(layer)
        if value is None:
            raise self._refuse(f"the positions of {layer!r} are not known")
        if self.output.requires_grad and not list(self._influential([value])):
            raise self._refuse(
                f"no position of {layer!r} influences the output, as after the last attention to a class token"
            )
        return CamLayer(layer, value.grid, value.channels)

    def _find_value(self, layer: str) -> LayerValue | None:
        call = CalledOperation.parse(layer)
        for value in self.trace.list_values():
            if value.call == call or any(value.tensor is output for output in self.trace.returned.get(layer, ())):
                return value
        return self._guess(layer)

    def _guess(self, layer: str) -> LayerValue | None:
        """Return the output of a module that is not from a known operation, with the layout that its shape has."""
        outputs = self.trace.returned.get(layer, [])
        if len(outputs) != 1 or not isinstance(outputs[0], Tensor):
            return None
        grid = self.trace.guess_grid(outputs[0])
        return None if grid is None else LayerValue(outputs[0], grid, CalledOperation(layer, "", 0), True)

    def _name(self, value: LayerValue) -> CamLayer:
        """Return a value as the output of the outermost module that computes it, or else as the call of a function."""
        paths = [
            path
            for path, outputs in self.trace.returned.items()
            if path and len(outputs) == 1 and outputs[0] is value.tensor and _contains(path, value.call.path)
        ]
        name = min(paths, key=len) if paths else str(value.call)
        return CamLayer(name, value.grid, value.channels)

    def _refuse(self, what: str) -> InputError:
        names = [self._name(value).describe() for value in self.trace.list_values() if value.is_feature][-_LISTED:]
        known = f"layers with positions are {', '.join(names)}" if names else "no layer with positions was recognized"
        return InputError(
            f"{what}, in {type(self.model).__name__} for inputs {self.shape}: {known}. Give one by layer=, a path of "
            "model.named_modules() whose output is (n, channels, *sides), (n, *sides, channels) or tokens "
            "(n, tokens, channels)"
        )


def _contains(path: str, inner: str) -> bool:
    return path == inner or inner.startswith(f"{path}.")
