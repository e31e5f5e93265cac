"""Explanations of a batch by methods that are called once for each target, and the form of their maps."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.methods import BoundMethod, FunctionMethod, Method
from whyset.errors import InputError, WhysetError
from whyset.runner.score_model import ScoreModel
from whyset.runner.targets import Targets


@dataclass(frozen=True, eq=False)
class MethodMaps:
    """Scores (n, K), explained columns (targets, n), and maps (targets, n, ...) of one batch.

    `layers` are those of virtual layers by name, (targets, n, ...).
    """

    output: Tensor
    chosen: Tensor
    maps: Tensor
    confirmed: Tensor | None
    layers: Mapping[str, Tensor] = field(default_factory=dict)


def join_maps(parts: Sequence[MethodMaps]) -> MethodMaps:
    """Join the results of several batches to one."""
    confirmed = [part.confirmed for part in parts if part.confirmed is not None]
    return MethodMaps(
        torch.cat([part.output for part in parts]),
        torch.cat([part.chosen for part in parts], dim=1),
        torch.cat([part.maps for part in parts], dim=1),
        torch.cat(confirmed) if confirmed else None,
        {name: torch.cat([part.layers[name] for part in parts], dim=1) for name in parts[0].layers},
    )


@dataclass(frozen=True, eq=False)
class BatchExplainer:
    """A method bound to the model of a run."""

    method: Method
    model: ScoreModel
    attribute: BoundMethod

    def explain(self, x: Tensor, labels: Tensor, targets: Targets, seeds: Sequence[int] | None) -> MethodMaps:
        """Explain every target of a batch; `seeds` has one for each sample, for methods that draw noise."""
        with torch.no_grad():
            output: Tensor = self.model(x.clone())
        confirmed = self.model.confirmed
        chosen, attribute = targets.indices(output, labels), self._attribute_with(seeds)
        layers: Mapping[str, Tensor] = {}
        if self.method.virtual_layers:
            _, maps, layers = attribute.explain_layers(x, list(chosen))
        elif self.method.several_targets:
            maps = attribute(x, targets=list(chosen))[1]
        else:
            maps = torch.stack([attribute(x, target)[1] for target in chosen])
        return MethodMaps(output, chosen, _with_channels(maps, x, self.method), confirmed, layers)

    def _attribute_with(self, seeds: Sequence[int] | None) -> Any:
        if seeds is None or not self.method.takes_seeds:
            return self.attribute
        attribute: Any = self.attribute
        return lambda x, target: attribute(x, target, seeds=seeds)


@contextmanager
def bind_method(model: ScoreModel, method: Method) -> Iterator[BatchExplainer]:
    """Bind a method to the scores of the model; weights that it derives are kept in this block."""
    bound: Any = method.bind(model)
    entered: AbstractContextManager[Any] = bound if hasattr(bound, "__enter__") else nullcontext(bound)
    with entered as attribute:
        yield BatchExplainer(method, model, attribute)


def _with_channels(maps: Tensor, x: Tensor, method: Method) -> Tensor:
    """Return maps (targets, n, ...) with the axes of the inputs; those without channels get one.

    InputError: they are not shaped like the inputs, with their channels or with one.
    """
    maps, shape = maps.detach().float(), x.shape
    if maps.shape[1:] == shape:
        return maps
    if len(shape) > 2 and maps.shape[1:] == (shape[0], *shape[2:]):
        maps = maps.unsqueeze(2)
    if len(shape) > 2 and maps.shape[1:] == (shape[0], 1, *shape[2:]):
        return maps
    one = f" or {(shape[0], 1, *shape[2:])}" if len(shape) > 2 else ""
    raise InputError(
        f"{method.describe()}: its maps {tuple(maps.shape[1:])} are not those of inputs {tuple(shape)}: expected "
        f"{tuple(shape)}{one}"
    )


def require_modality(method: Method, modality: str) -> None:
    """Raise InputError if the method does not explain inputs of this modality."""
    if modality in method.modalities:
        return
    remedy = "the methods gradient, integrated_gradients, rise and occlusion, among others, explain it"
    if modality == "text":
        remedy = "the method gradient with rules, such as attn_lrp (--composite attn_lrp), or occlusion, explain tokens"
    raise InputError(
        f"{method.describe()}: the method {method.name} explains inputs of modality {', '.join(method.modalities)}, "
        f"got {modality}: {remedy}"
    )


@contextmanager
def naming_method(method: Method) -> Iterator[None]:
    """Raise InputError, which names the method, for an error of a method on the first samples."""
    try:
        yield
    except WhysetError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        remedy = "give other parameters (--method-option), or choose another method"
        if isinstance(method, FunctionMethod):
            remedy = "expected a function f(model, x, target) of a module, a batch, and the index of an output for each"
        raise InputError(
            f"{method.describe()} failed on the first samples ({type(error).__name__}: {text}): {remedy}"
        ) from error
