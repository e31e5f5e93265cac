"""LXT and autoLRP on a model of the zoo, as their users would set them up, for AttnLRP.

LXT 2.1 needs an older transformers (4.52): its environment, made by `make oracles`, goes first on PYTHONPATH.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from zoo_rewrites import NotApplicableError

PEERS = ("autolrp", "lxt")  # LXT last, since it patches
Run = Callable[[nn.Module, Tensor], tuple[Tensor, list[Tensor]]]
"""Runs a model, and returns its output and the leaves that relevance is computed for."""


def _import_peer(package: str, *modules: str) -> list[ModuleType]:
    """Import a peer; NotApplicableError: it is not there, or not beside the other packages of this environment."""
    try:
        version(package)
        return [import_module(module) for module in modules]
    except PackageNotFoundError as error:
        raise NotApplicableError(f"{package} is not installed: pip install {package}") from error
    except ImportError as error:
        raise NotApplicableError(f"{package} cannot be imported: {error}") from error


def explain_lxt(build: Callable[[], nn.Module], run: Run, x: Tensor, target: int) -> Tensor:
    """Return LXT's relevance of the leaves; it patches the modules of a model's classes, for good.

    NotApplicableError: it has no patch for any of them.
    """
    lxt, tables = _import_peer("lxt", "lxt.efficient", "lxt.efficient.models")
    patches = {module.__name__: module for module in tables.DEFAULT_MAP}
    used = {type(module).__module__ for module in build().modules()}
    if not used & patches.keys():
        raise NotApplicableError("LXT has no patch for its classes")
    for name in sorted(used & patches.keys()):
        lxt.monkey_patch(patches[name], verbose=False)
    output, leaves = run(build(), x)  # built of the patched classes
    gradients = torch.autograd.grad(output.flatten(1)[0, target], leaves)
    return torch.cat([(g * leaf.detach()).flatten() for g, leaf in zip(gradients, leaves, strict=True)])


def explain_autolrp(model: nn.Module, x: Tensor, target: int) -> Tensor:
    """Return autoLRP's relevance of the input by its own table of rules for AttnLRP; NotApplicableError: it is ids.

    It starts with a relevance of 1, so its relevance is multiplied by the output.
    """
    if not x.is_floating_point():
        raise NotApplicableError("the input is ids, which autoLRP does not embed")
    (autolrp,) = _import_peer("autolrp", "autolrp")
    given = autolrp.tensor(x.detach().clone())
    output: Any = model(given).flatten(1)[0, target]
    output.lrp(config=autolrp.LRPConfig(rule={**autolrp.BASE, **autolrp.ATTNLRP}))
    relevance: Tensor = given.relevance
    return (relevance.detach() * output.detach()).as_subclass(Tensor).flatten()
