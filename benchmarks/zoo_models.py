"""The models of the zoo: names, and how each is built with random weights, and an input for it.

Models of a library are found in its own lists. Where a family has variants, the one with fewest parameters is taken.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from needed import import_needed
from torch import Tensor, nn
from zoo_small import SMALL
from zoo_text import TRANSFORMERS, build_transformer

SIDES = (64, 96, 128, 160, 192, 224, 256, 299, 331, 384, 512)
CANDIDATES = 3  # variants of a family whose parameters are counted
SIZES = (
    "atto femto zepto pico nano xxxs xxs xxtiny xtiny xs xsmall tiny t tn micro mini little lite s small "
    "b0 a0 0 s0 m0 t0 m b1 1"
).split()


@dataclass(frozen=True)
class Built:
    """A model in evaluation mode, an input for it, and the variant of the family that it is."""

    model: nn.Module
    x: Tensor
    variant: str


@dataclass(frozen=True)
class Entry:
    """A model of the zoo; `build` makes it."""

    name: str
    build: Callable[[], Built]

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]


def list_entries(kinds: Iterable[str]) -> Iterator[Entry]:
    """List the models of the given kinds."""
    for kind in kinds:
        yield from KINDS[kind]()


def _timm() -> Iterator[Entry]:
    (models,) = import_needed("timm.models")
    for module in models.list_modules():
        yield Entry(f"timm/{module}", partial(_build_timm, module))


def _torchvision() -> Iterator[Entry]:
    (models,) = import_needed("torchvision.models")
    for name in sorted(models.list_models(module=models), key=lambda name: _parameters(models, name)):
        yield Entry(f"torchvision/{name}", partial(_build_torchvision, name))


def _parameters(models: Any, name: str) -> int:
    """Return the number of parameters that torchvision documents: the largest models come last."""
    count: int = next(iter(models.get_model_weights(name))).meta["num_params"]
    return count


def _transformers() -> Iterator[Entry]:
    for name in TRANSFORMERS:
        yield Entry(f"transformers/{name}", partial(_build, partial(build_transformer, name), name))


def _small() -> Iterator[Entry]:
    for name, build in SMALL.items():
        yield Entry(f"small/{name}", partial(_build, build, name))


KINDS: dict[str, Callable[[], Iterator[Entry]]] = {
    "small": _small,
    "torchvision": _torchvision,
    "timm": _timm,
    "transformers": _transformers,
}


def _build(build: Callable[[], tuple[nn.Module, Tensor]], variant: str) -> Built:
    torch.manual_seed(0)
    model, x = build()
    return _prepare(model, x, variant)


def _build_timm(module: str) -> Built:
    (timm,) = import_needed("timm")
    name = smallest(module)

    def build(side: int, default: int) -> nn.Module:
        try:
            model: nn.Module = timm.create_model(name, pretrained=False, num_classes=10, img_size=side)
        except TypeError:  # the model takes no img_size, since it fits all
            model = timm.create_model(name, pretrained=False, num_classes=10)
        return model

    side = timm.get_pretrained_cfg(name).input_size[-1]
    return _fit(build, name, side)


def _build_torchvision(name: str) -> Built:
    (models,) = import_needed("torchvision.models")

    def build(side: int, default: int) -> nn.Module:
        options: dict[str, Any] = {"num_classes": 10}
        if name in ("googlenet", "inception_v3"):
            options |= {"aux_logits": False, "init_weights": False}
        try:
            model: nn.Module = models.get_model(name, weights=None, image_size=side, **options)
        except TypeError:
            model = models.get_model(name, weights=None, **options)
        return model

    return _fit(build, name, 224)


def _fit(build: Callable[[int, int], nn.Module], variant: str, default: int) -> Built:
    """Build a model of images for the smallest side that it takes."""
    problem: Exception | None = None
    for side in sorted({*(side for side in SIDES if side < default), default}):
        torch.manual_seed(0)
        try:
            model = build(side, default)
            return _prepare(model, torch.randn(1, 3, side, side), variant)
        except (RuntimeError, ValueError, AssertionError, IndexError, ZeroDivisionError) as error:
            problem = error
    raise RuntimeError(f"{variant} takes no image of side {SIDES[0]} to {default}: {problem}")


def _prepare(model: nn.Module, x: Tensor, variant: str) -> Built:
    model = model.eval().requires_grad_(False)
    give_effect(model)
    randomize_batch_norm(model, x)
    with torch.no_grad():
        output = model(x.clone())
    if not output.isfinite().all():
        raise RuntimeError(f"the output of {variant} is not finite with random weights")
    return Built(model, x, variant)


def smallest(module: str) -> str:
    """Return the model of a timm module with the fewest parameters, among those whose names are the most modest."""
    (timm,) = import_needed("timm")
    names = [name for name in timm.list_models(module=module) if not name.startswith("test_")]
    candidates = sorted(names, key=_rank)[:CANDIDATES]
    counts = {name: _count(timm.create_model, name) for name in candidates}
    return min(candidates, key=lambda name: counts[name])


def _rank(name: str) -> tuple[int, int]:
    """Rank a name by its word of size, then by its largest number, as of layers."""
    words = re.split(r"[_.]|(?<=[a-z])(?=\d+$)", name)
    ranks = [SIZES.index(word) for word in words if word in SIZES]
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    return min(ranks, default=len(SIZES)), max(numbers, default=0)


def _count(create: Callable[..., nn.Module], name: str) -> float:
    try:
        with torch.device("meta"):
            model = create(name, pretrained=False)
    except (RuntimeError, NotImplementedError):  # it computes values when it is built
        return float("inf")
    return sum(p.numel() for p in model.parameters())


def give_effect(model: nn.Module) -> None:
    """Give parameters that start as one repeated value noise, so that each has an effect.

    Such are heads and the ends of residual branches that start at 0, scales of layers at 1e-6, and all gains and
    biases.
    """
    for parameter in model.parameters():
        if parameter.is_floating_point() and parameter.numel() and (parameter == parameter.flatten()[0]).all():
            size = parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.add_(torch.randn_like(parameter) * min(0.1, size**-0.5))


def randomize_batch_norm(model: nn.Module, x: Tensor) -> None:
    """Give batch norms the statistics of some inputs, off by a random factor and shift.

    Untouched ones would let the values of a deep network vanish or explode.
    """
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(4, *x.shape[1:]))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum
        deviation = norm.running_var.clamp_min(1e-6).sqrt()
        norm.running_mean += 0.3 * deviation * torch.randn_like(deviation)
        norm.running_var.clamp_min_(1e-6).mul_(torch.empty_like(deviation).uniform_(0.5, 2))
