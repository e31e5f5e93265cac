"""Rules of other packages on a single linear operation, if these packages are installed."""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Peer = Callable[[nn.Module, Tensor, Tensor], Tensor]


def import_peer(module: str) -> Any:
    """Import a module of another package; None if it, or one of its requirements, is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def zennit_peer(name: str, epsilon: float, **fields: Any) -> Peer | None:
    """Return one of zennit's rules as a function of layer, input and the coefficient at the output.

    The function modifies the layer: pass one that is not needed again.
    """
    rules = import_peer("zennit.rules")
    if rules is None or not hasattr(rules, name):
        return None
    given = {"epsilon" if name == "Epsilon" else "stabilizer": epsilon, **fields}

    def relevance(layer: nn.Module, x: Tensor, coefficient: Tensor) -> Tensor:
        leaf = x.detach().clone().requires_grad_()
        handles = getattr(rules, name)(**given).register(layer)
        try:
            output = layer(leaf)
            (gradient,) = torch.autograd.grad(output, leaf, coefficient * output.detach())
        finally:
            handles.remove()
        return gradient

    return relevance


def captum_peer(name: str, epsilon: float, **fields: Any) -> Peer | None:
    """Return one of captum's rules likewise; it explains one output, the one whose coefficient is 1.

    Only its EpsilonRule has a parameter for the stabilizer; the others use 1e-9.
    """
    attr, rules = import_peer("captum.attr"), import_peer("captum.attr._utils.lrp_rules")
    if attr is None or rules is None:
        return None
    given = {"epsilon": epsilon, **fields} if name == "EpsilonRule" else fields

    def relevance(layer: nn.Module, x: Tensor, coefficient: Tensor) -> Tensor:
        model = nn.Sequential(layer)
        layer.rule = getattr(rules, name)(**given)
        place = tuple(int(i[0]) for i in torch.nonzero(coefficient[0], as_tuple=True))
        found: Tensor = attr.LRP(model).attribute(x.detach().clone(), target=place)
        return found.detach()

    return relevance
