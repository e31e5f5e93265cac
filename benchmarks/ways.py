"""What is compared: networks, composites, and three ways to explain: the plain gradient, whyset, and zennit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from needed import import_needed
from torch import Tensor, nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat

zoo, zennit_attribution, zennit_composites, zennit_torchvision = import_needed(
    "torchvision.models", "zennit.attribution", "zennit.composites", "zennit.torchvision"
)

Explain = Callable[[Tensor], object]
LOW, HIGH = -2.2, 2.7  # about what pixels are after the usual normalization
NETWORKS = {
    "vgg16": (zoo.vgg16, zennit_torchvision.VGGCanonizer),
    "vgg16_bn": (zoo.vgg16_bn, zennit_torchvision.VGGCanonizer),
    "resnet50": (zoo.resnet50, zennit_torchvision.ResNetCanonizer),
    "vit_b_16": (zoo.vit_b_16, None),
}
COMPOSITES = {
    "EpsilonPlus": EpsilonPlus(),
    "EpsilonPlusFlat": EpsilonPlusFlat(),
    "EpsilonAlpha2Beta1": EpsilonAlpha2Beta1(),
    "EpsilonGammaBox": EpsilonGammaBox(LOW, HIGH),
    "AttnLRP": AttnLRP(),
}


@dataclass(frozen=True)
class Network:
    """A network with random weights and random batch-norm statistics, and the canonizers zennit needs for it."""

    name: str
    model: nn.Module
    canonizers: tuple[object, ...]

    @property
    def composites(self) -> tuple[str, ...]:
        return tuple(name for name in COMPOSITES if name != "AttnLRP" or self.name.startswith("vit"))

    def smallest_input(self) -> Tensor:
        """One sample of the smallest size the network takes, for a first call that fills caches of weights."""
        return self.inputs(1, getattr(self.model, "image_size", 64))

    def inputs(self, batch: int, size: int) -> Tensor:
        torch.manual_seed(1)
        return torch.randn(batch, 3, size, size).clamp(LOW, HIGH).to(next(self.model.parameters()).device)


def make_network(name: str, size: int, device: str) -> Network:
    """Build a network; transformers have a table of positions and so are built for one image size."""
    torch.manual_seed(0)
    build, canonizer = NETWORKS[name]
    model = build(weights=None, **({"image_size": size} if name.startswith("vit") else {}))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return Network(name, model.eval().requires_grad_(False).to(device), () if canonizer is None else (canonizer(),))


@contextmanager
def plain(network: Network, _: str) -> Iterator[Explain]:
    """The gradient of an output with respect to the input."""
    with Gradient(network.model) as attribute:
        yield lambda x: attribute(x, 0)


@contextmanager
def whyset(network: Network, composite: str) -> Iterator[Explain]:
    with Gradient(network.model, COMPOSITES[composite]) as attribute:
        yield lambda x: attribute(x, 0)


@contextmanager
def peer(network: Network, composite: str) -> Iterator[Explain]:
    """Zennit's attributor with its composite of the same name."""
    bounds = {"low": torch.full((1, 1, 1, 1), LOW), "high": torch.full((1, 1, 1, 1), HIGH)}
    device = next(network.model.parameters()).device
    given = {key: value.to(device) for key, value in bounds.items()} if composite == "EpsilonGammaBox" else {}
    theirs = getattr(zennit_composites, composite)(canonizers=list(network.canonizers), **given)
    target = torch.eye(1000, device=device)[:1]
    # What the model gets is no leaf, since the module tracker that counts operations refuses leaves.
    attribute = zennit_attribution.Gradient(lambda x: network.model(x.clone()))
    with theirs.context(network.model):
        yield lambda x: attribute(x, target.expand(len(x), -1))


WAYS = {"plain": plain, "whyset": whyset, "zennit": peer}


def has_peer(composite: str) -> bool:
    return hasattr(zennit_composites, composite)
