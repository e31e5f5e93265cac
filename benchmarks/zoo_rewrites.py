"""Three ways to write a model as another program for the same function, by code that knows no model's name."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.LeakyReLU, nn.ELU)


class NotApplicableError(Exception):
    """The model has none of the layers that a rewriting changes."""


def fold_batch_norms(model: nn.Module, x: Tensor) -> nn.Module:
    """Fold each batch norm into the convolution or linear layer that computes its input."""
    model = _split_norms(model)
    pairs = _chains(model, x, (*CONVOLUTIONS, nn.Linear), BATCH_NORMS)
    if not pairs:
        raise NotApplicableError("no batch norm follows a convolution")
    for conv, norm in pairs:
        layer, folded = model.get_submodule(conv), model.get_submodule(norm)
        _replace(model, conv, _fuse(layer, folded))
        _replace(model, norm, nn.Identity())
    return model


def _fuse(layer: Any, norm: Any) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return fuse_linear_bn_eval(layer, norm)
    return fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.modules.conv._ConvTransposeNd))


def export(model: nn.Module, x: Tensor) -> nn.Module:
    """Write the model as the graph of functional calls that `torch.export` makes of it."""
    with torch.no_grad():
        return torch.export.export(model, (x,)).module()


def regroup_activations(model: nn.Module, x: Tensor) -> nn.Module:
    """Split the norms that hold their activation; where there are none, put activations into the norms before them."""
    split = _split_norms(copy.deepcopy(model))
    if [*split.modules()] and sum(1 for _ in split.modules()) != sum(1 for _ in model.modules()):
        return split
    pairs = _chains(model, x, (*BATCH_NORMS, nn.GroupNorm, nn.LayerNorm), ACTIVATIONS)
    if not pairs:
        raise NotApplicableError("no activation follows a norm")
    for norm, activation in pairs:
        merged = NormAndActivation(model.get_submodule(norm), model.get_submodule(activation))
        _replace(model, norm, merged)
        _replace(model, activation, nn.Identity())
    return model


class NormAndActivation(nn.Module):
    """A norm that also runs the activation after it."""

    def __init__(self, norm: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.norm, self.activation = norm, activation

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.norm(x))
        return y


def _split_norms(model: nn.Module) -> nn.Module:
    """Replace norms that hold `drop` and `act`, as in timm, by a plain norm and the two."""
    kinds = (*BATCH_NORMS, nn.GroupNorm, nn.LayerNorm)
    for path, module in [*model.named_modules()]:
        plain = next((kind for kind in kinds if isinstance(module, kind) and type(module) is not kind), None)
        if plain is None or not isinstance(getattr(module, "act", None), nn.Module):
            continue
        norm = copy.copy(module)
        norm.__class__ = plain
        norm._modules = {}
        drop = getattr(module, "drop", nn.Identity())
        _replace(model, path, nn.Sequential(norm, drop, module.act))
    return model


def _chains(model: nn.Module, x: Tensor, first: tuple[type, ...], then: tuple[type, ...]) -> list[tuple[str, str]]:
    """Return pairs of paths of modules that run once, where the second gets the output of the first."""
    makers: dict[tuple[int, int], str] = {}  # by the id and the version of the output: it may be written into
    kept: list[Tensor] = []
    calls: dict[str, int] = {}
    pairs: list[tuple[str, str]] = []
    paths = {id(module): path for path, module in model.named_modules() if type(module) in (*first, *then)}

    def before(module: nn.Module, given: tuple[Any, ...]) -> None:
        path = paths[id(module)]
        calls[path] = calls.get(path, 0) + 1
        maker = makers.get((id(given[0]), given[0]._version)) if given and isinstance(given[0], Tensor) else None
        if type(module) in then and maker is not None:
            pairs.append((maker, path))

    def after(module: nn.Module, _: tuple[Any, ...], result: Any) -> None:
        if type(module) in first:
            kept.append(result)  # its id stays its own
            makers[id(result), result._version] = paths[id(module)]

    modules = [module for module in model.modules() if id(module) in paths]
    handles = [module.register_forward_pre_hook(before) for module in modules]
    handles += [module.register_forward_hook(after) for module in modules]
    try:
        with torch.no_grad():
            model(x.clone())
    finally:
        for handle in handles:
            handle.remove()
    return [pair for pair in pairs if all(calls[path] == 1 for path in pair)]


def _replace(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


REWRITES: dict[str, Callable[[nn.Module, Tensor], nn.Module]] = {
    "batch norm folded": fold_batch_norms,
    "functional calls": export,
    "norm and activation regrouped": regroup_activations,
}
