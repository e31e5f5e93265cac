"""Zennit's EpsilonPlusFlat on a model of the zoo, as a user of Zennit would set it up."""

import copy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from needed import import_needed
from torch import Tensor, nn

PACKAGE = "torchvision.models"


def find_obstacle(x: Tensor) -> str:
    """Return the reason why Zennit is not run at all, empty where it is."""
    try:
        version("zennit")
    except PackageNotFoundError:
        return "Zennit is not installed: pip install zennit"
    return "" if x.is_floating_point() else "the input is ids, which have no gradient"


def choose_canonizer(model: nn.Module) -> Any:
    """Return the canonizer that Zennit has for the family of a model, by default the one that merges batch norms."""
    canonizers, families = import_needed("zennit.canonizers", "zennit.torchvision")
    of = {f"{PACKAGE}.resnet": families.ResNetCanonizer, f"{PACKAGE}.vgg": families.VGGCanonizer}
    return of.get(type(model).__module__, canonizers.SequentialMergeBatchNorm)()


def explain(model: nn.Module, x: Tensor, target: int, canonizer: Any) -> tuple[Tensor, Tensor]:
    """Return the output and Zennit's relevance of one output, which starts as one-hot times output."""
    (composites,) = import_needed("zennit.composites")
    given = x.detach().clone().requires_grad_()
    composite = composites.EpsilonPlusFlat(canonizers=[canonizer] if canonizer else [])
    # A canonizer that fails leaves the model changed, so it gets a copy.
    with torch.enable_grad(), composite.context(copy.deepcopy(model)) as changed:
        # A model that writes into its input must not write into a leaf.
        output = changed(given.clone())
        start = torch.zeros_like(output)
        start.flatten(1)[:, target] = output.detach().flatten(1)[:, target]
        (relevance,) = torch.autograd.grad(output, given, start)
    return output.detach(), relevance.detach()
