"""Channel views: what samples contain, as the channels of layers in the first half of a model, pooled over positions.

Late layers represent the class as a whole; evidence that does not depend on the class shows in earlier ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from whyset.errors import InputError, NotTestedError
from whyset.runner.activations import Record, find_channels
from whyset.store.layout import MEAN_ACTIVATION, is_safe_name

Features = NDArray[np.float32]

POOLINGS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"max": lambda values: values.amax(2), "mean": lambda values: values.mean(2)}
)
"""The maximum finds a piece wherever it is, the mean a texture or a color."""
DEPTHS = (0.0, 1 / 8, 1 / 4, 3 / 8, 1 / 2)
"""The places of the layers in the order of execution."""


@dataclass(frozen=True)
class ChannelView:
    """The channels of a layer, pooled over positions.

    Parameters
    ----------
    layer : str
        The path of a module.
    channel_axis : int
        The axis of the channels in its output.
    pooling : {"max", "mean"}
        How the values of a channel at all positions become one.
    """

    layer: str
    channel_axis: int
    pooling: str

    def pool(self, output: Tensor) -> Tensor:
        """Return one value for each channel, (n, channels)."""
        rows = output.detach().float().movedim(self.channel_axis, 1)
        return POOLINGS[self.pooling](rows.flatten(2)) if rows.dim() > 2 else rows


def choose_views(model: nn.Module, x: Tensor, depths: Sequence[float] = DEPTHS) -> tuple[ChannelView, ...]:
    """Choose views of layers at some depths of the modules that a call executes, by default in the first half.

    NotTestedError: no module has an output with known channels.
    """
    layers = _list_layers(model, x)
    found: list[ChannelView] = []
    for depth in depths:
        record = _find_known(model, x, layers[: int(depth * (len(layers) - 1)) + 1])
        if record is not None and record.channel_axis is not None:
            found += [ChannelView(record.layer, record.channel_axis, pooling) for pooling in POOLINGS]
    if not found:
        raise NotTestedError(
            "the model has no module in its first half whose channels are known, so it is unknown who else has the "
            "evidence: make its parts modules; the effects are stored"
        )
    return tuple(dict.fromkeys(found))  # a layer may be the last known one at several depths


def read_views(
    model: nn.Module, views: Sequence[ChannelView], batches: Iterable[Tensor]
) -> Mapping[ChannelView, Features]:
    """Return the values of all views, (n, channels), for the samples of batches of inputs."""
    parts: dict[ChannelView, list[Features]] = {view: [] for view in views}
    modules = dict(model.named_modules())

    def take(layer: str, module: nn.Module, args: Any, output: Tensor) -> None:
        for view in views:
            if view.layer == layer:
                parts[view].append(view.pool(output).cpu().numpy())

    with ExitStack() as stack:
        for layer in dict.fromkeys(view.layer for view in views):
            stack.callback(modules[layer].register_forward_hook(partial(take, layer)).remove)
        for batch in batches:
            model(batch)
    return {view: np.concatenate(values) for view, values in parts.items()}


def _list_layers(model: nn.Module, x: Tensor) -> list[str]:
    """List the modules that run once and return one value for each sample, in the order in which they finish."""
    calls: list[str] = []
    outputs: dict[str, Tensor] = {}

    def take(name: str, module: nn.Module, args: Any, output: Any) -> None:
        calls.append(name)
        if isinstance(output, Tensor) and output.is_floating_point() and output.dim() > 1 and len(output) == len(x):
            outputs[name] = output

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if name:
                stack.callback(module.register_forward_hook(partial(take, name)).remove)
        model(x.clone())  # the model may write into its input
    once = [name for name in outputs if calls.count(name) == 1 and is_safe_name(name)]
    return [name for place, name in enumerate(once) if not place or outputs[name] is not outputs[once[place - 1]]]


def _find_known(model: nn.Module, x: Tensor, layers: Sequence[str]) -> Record | None:
    """Return the last of these layers whose axis of channels is known."""
    for layer in reversed(layers):
        try:
            return find_channels(model, x, [Record(MEAN_ACTIVATION, layer)])[0]
        except InputError:
            continue
    return None
