"""The layers that a run records by default: for channel relevance, and for the activations before the head."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from whyset.errors import InputError
from whyset.runner.activations import Record, find_channels
from whyset.runner.output_kinds import Located
from whyset.runner.output_spec import OutputSpec
from whyset.runner.structured_model import StructuredModel
from whyset.store.layout import MEAN_ACTIVATION, is_safe_name

DEPTHS = (1 / 4, 1 / 2, 3 / 4)
"""The places of the layers for channel relevance, in the order of execution."""
MOST_VALUES = 4096
"""The most channels of a recorded layer: 16 KB for each sample."""
FEWEST_BLOCKS = 3
"""From this number of blocks on, layers are chosen among their outputs, which all of the information passes."""
_LARGEST_BLOCK = 1 / 3
"""A module with more of the weighted modules is not a block, but the model or its trunk."""
_TRIED = 4
"""Layers whose axis of channels is looked for at each depth: a call of the model for each."""


@dataclass(frozen=True, eq=False)
class LayerCalls:
    """Layers of a model in the order in which one call finishes them.

    `outputs` are those of modules that ran once and returned one value for each sample; of modules with the same output
    the last one is listed, since one that works in place changes that of the module before. `weighted` are the modules
    with weights and without children, with the number of outputs before they began.
    """

    outputs: dict[str, Tensor]
    weighted: dict[str, int]


@dataclass(frozen=True)
class Recording:
    """The chosen layers, and why others were not chosen, in words."""

    concepts: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(self, wanted: OutputSpec) -> OutputSpec:
        """Return the outputs with these layers; named ones are kept."""
        return replace(wanted, concepts=wanted.concepts or self.concepts, records=self.records)


def choose_recording(model: nn.Module, given: nn.Module, x: Tensor, wanted: OutputSpec) -> Recording:
    """Choose the layers that are recorded for these outputs.

    Channel relevance is that of up to three layers at a quarter, a half and three quarters of the layers that a call
    executes. Activations are those of the last layer before the head, the last module with weights.

    Parameters
    ----------
    model : nn.Module
        The scores of the model, which are explained.
    given : nn.Module
        The model as it is given; one of several inputs is refused.
    x : Tensor, shape (n, ...)
        A few inputs.
    wanted : OutputSpec
        The outputs of the run.
    """
    if reason := _explain_refusal(given, x, wanted):
        return Recording(notes=(f"no layers are recorded by default: {reason}",))
    try:
        calls = list_calls(model, x[:2])
        layers = _list_before_head(calls)
        concepts, of_channels = _choose_concepts(model, x[:2], calls, layers, wanted)
        records, of_activations = _choose_records(model, x[:2], calls, layers)
    except (InputError, RuntimeError) as error:
        return Recording(notes=(f"no layers are recorded by default: {error}",))
    return Recording(concepts, records, (*of_channels, *of_activations))


def list_calls(model: nn.Module, x: Tensor) -> LayerCalls:
    """Run the model once, and list its layers."""
    names: list[str] = []
    outputs: dict[str, Tensor] = {}
    weighted: dict[str, int] = {}

    def begin(name: str, module: nn.Module, args: Any) -> None:
        weighted[name] = len(outputs)

    def finish(name: str, module: nn.Module, args: Any, output: Any) -> None:
        names.append(name)
        if isinstance(output, Tensor) and output.is_floating_point() and output.dim() > 1 and len(output) == len(x):
            outputs[name] = output

    with torch.no_grad(), ExitStack() as stack:
        for name, module in model.named_modules():
            if not name:
                continue
            stack.callback(module.register_forward_hook(partial(finish, name)).remove)
            if not list(module.children()) and list(module.parameters(recurse=False)):
                stack.callback(module.register_forward_pre_hook(partial(begin, name)).remove)
        model(x.clone())  # the model may write into its input
    known = list(outputs)
    usable = [
        name
        for name, after in pairwise([*known, ""])
        if names.count(name) == 1 and is_safe_name(name) and not (after and outputs[name] is outputs[after])
    ]
    before = {name: sum(known.index(one) < at for one in usable) for name, at in weighted.items()}
    return LayerCalls({name: outputs[name] for name in usable}, before)


def _explain_refusal(given: nn.Module, x: Tensor, wanted: OutputSpec) -> str:
    if isinstance(given, StructuredModel):
        return "samples have several inputs"
    if not x.is_floating_point():
        return "samples are texts"
    return "rows are objects or tokens of a sample" if isinstance(wanted.kind, Located) else ""


def _list_before_head(calls: LayerCalls) -> list[str]:
    """List the layers that finish before the last module with weights begins; none if no other has weights."""
    heads = list(calls.weighted)
    layers = list(calls.outputs)[: calls.weighted[heads[-1]]] if heads else []
    return layers if any(head in layers or head not in calls.outputs for head in heads[:-1]) else []


def _choose_concepts(
    model: nn.Module, x: Tensor, calls: LayerCalls, layers: Sequence[str], wanted: OutputSpec
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the layers for channel relevance, and notes."""
    if wanted.concepts:
        return (), ()
    if wanted.composite is None or not (wanted.conserving and wanted.method.records_layers):
        return (), ("channel relevance is not recorded: it is that of rules, and the method has none",)
    candidates = _list_candidates(dict(model.named_modules()), x, calls, layers)
    found: list[str] = []
    for depth in DEPTHS:
        target = depth * (len(layers) - 1)
        others = [name for name in candidates if name not in found]  # of equally near ones, the earlier: ranks agree
        nearest = sorted(others, key=lambda name: abs(layers.index(name) - target))
        layer = next((name for name in nearest[:_TRIED] if _find_axis(model, x, name) == 1), None)
        found += [] if layer is None else [layer]
    if not found:
        return (), ("channel relevance is not recorded: no layer before the head is known to have its channels first",)
    return tuple(sorted(found, key=layers.index)), ()


def _list_candidates(
    modules: Mapping[str, nn.Module], x: Tensor, calls: LayerCalls, layers: Sequence[str]
) -> list[str]:
    """List layers with places: the outermost blocks where there are several, otherwise activations."""
    usable = [name for name in layers if _has_places(calls.outputs[name], x)]
    blocks = [name for name in usable if list(modules[name].children())]
    own = {name: sum(part.startswith(f"{name}.") for part in calls.weighted) for name in modules}
    outer = [
        name
        for name, module in modules.items()
        if type(module) is not nn.Sequential and 0 < own[name] < len(calls.weighted) * _LARGEST_BLOCK
    ]
    blocks = [name for name in blocks if not any(name.startswith(f"{one}.") for one in outer)]
    if len(blocks) >= FEWEST_BLOCKS:
        return blocks
    following = dict(pairwise([*layers, ""]))
    return [name for name in usable if not _only_activates(calls, name, modules.get(following[name]), following[name])]


def _only_activates(calls: LayerCalls, name: str, module: nn.Module | None, after: str) -> bool:
    """True if the next layer normalizes or activates this output: then both have the same channel relevance."""
    if module is None or after not in calls.outputs or list(module.children()):
        return False
    same = calls.outputs[after].shape == calls.outputs[name].shape
    return same and all(weight.dim() < 2 for weight in module.parameters())


def _has_places(output: Tensor, x: Tensor) -> bool:
    """True if an output has the axes of the input, and several places if the input has."""
    return output.dim() == x.dim() and output.shape[1] <= MOST_VALUES and (x.dim() == 2 or output.shape[2:].numel() > 1)


def _choose_records(
    model: nn.Module, x: Tensor, calls: LayerCalls, layers: Sequence[str]
) -> tuple[tuple[Record, ...], tuple[str, ...]]:
    """Return the activations before the head, and notes. A module that only flattens is passed over."""
    modules = dict(model.named_modules())
    for layer in reversed(layers):
        if isinstance(modules[layer], nn.Flatten):
            continue
        axis = _find_axis(model, x, layer)
        if axis is None or calls.outputs[layer].shape[axis] > MOST_VALUES:
            break
        return (Record(MEAN_ACTIVATION, layer, axis),), ()
    return (), ("activations are not recorded: the channels of the layer before the head are unknown or too many",)


def _find_axis(model: nn.Module, x: Tensor, layer: str) -> int | None:
    """Return the axis of the channels of a layer, None if it is not known."""
    try:
        return find_channels(model, x, [Record(MEAN_ACTIVATION, layer)])[0].channel_axis
    except InputError:
        return None
