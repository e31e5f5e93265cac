"""The explanation methods that `real_networks.py` compares: of whyset, of captum and of Zennit, and a random order."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from needed import import_needed
from torch import Tensor, nn

from whyset.arguments import get_required_fields
from whyset.attribution import Captum, Gradient, IntegratedGradients
from whyset.attribution.composites import (
    COMPOSITES,
    BiasRedistribution,
    Composite,
    EpsilonGammaBox,
    EpsilonPlus,
)
from whyset.attribution.methods import (
    AblationCAMMethod,
    BlurIGMethod,
    ContrastiveExcitationBackpropMethod,
    ContrastiveLRPMethod,
    ExtremalPerturbationMethod,
    FastCAMMethod,
    GradCAMMethod,
    GradCAMPlusPlusMethod,
    GuidedGradCAMMethod,
    GuidedIGMethod,
    HiResCAMMethod,
    HSICMethod,
    LayerCAMMethod,
    OcclusionMethod,
    PatternAttributionMethod,
    PatternNetMethod,
    RISEMethod,
    ScoreCAMMethod,
    SmoothGradMethod,
    SobolMethod,
    XRAIMethod,
)
from whyset.attribution.methods import Method as RunMethod
from whyset.attribution.methods.fitted import FittedMethod

Explain = Callable[[Tensor, Tensor], Tensor]
"""Returns the relevance (n, channels, height, width), or (n, 1, height, width), for inputs and classes."""
ZENNIT = ("EpsilonPlus", "EpsilonPlusFlat", "EpsilonAlpha2Beta1", "EpsilonAlpha2Beta1Flat", "EpsilonGammaBox")


@dataclass(frozen=True)
class Network:
    """A network with the range of its inputs, and the canonizers that Zennit needs for it."""

    name: str
    model: nn.Module
    low: Tensor
    high: Tensor
    canonizers: Callable[[nn.Module], list[Any]]
    read_others: Callable[[], Iterable[Tensor]] = tuple
    """Returns batches of images, on which methods are fitted that need it."""


Method = Callable[[Network], AbstractContextManager[Explain]]


def methods() -> Mapping[str, Method]:
    """Every method by its name in the tables."""
    presets = {name: _rules(lambda network, kind=kind: _make(kind, network)) for name, kind in COMPOSITES.items()}
    return {
        **presets,
        **_bias_treatments(),
        "gradient": _rules(lambda network: None),
        "gradient x input": _gradient_times_input,
        "integrated gradients, 8 steps": lambda network: nullcontext(
            lambda x, target: IntegratedGradients(network.model, n_iter=8)(x, target)[1]
        ),
        **{name: _bound(method) for name, method in METHODS_OF_RUNS.items()},
        "captum Saliency": _captum("Saliency"),
        "captum DeepLift": _captum("DeepLift"),
        "captum GuidedBackprop": _captum("GuidedBackprop"),
        **{f"zennit {name}": _zennit(name) for name in ZENNIT},
        "zennit EpsilonPlusFlat, no canonizers": _zennit("EpsilonPlusFlat", canonized=False),
        "random order": lambda network: nullcontext(random_order),
    }


METHODS_OF_RUNS: Mapping[str, RunMethod] = {
    "SmoothGrad, 20 copies": SmoothGradMethod(),
    "VarGrad, 20 copies": SmoothGradMethod(statistic="variance"),
    "guided IG, 50 steps": GuidedIGMethod(n_iter=50),
    "blur IG, 20 steps": BlurIGMethod(n_iter=20),
    "XRAI, 20 steps": XRAIMethod(n_iter=20),
    "occlusion": OcclusionMethod(),
    "RISE, 250 masks": RISEMethod(n_masks=250),
    "Sobol, 4 masks": SobolMethod(n_masks=4),
    "HSIC, 250 masks": HSICMethod(n_masks=250),
    "extremal perturbation, 30 steps": ExtremalPerturbationMethod(n_iter=30),
    "Grad-CAM": GradCAMMethod(),
    "Grad-CAM++": GradCAMPlusPlusMethod(),
    "HiResCAM": HiResCAMMethod(),
    "Layer-CAM": LayerCAMMethod(),
    "Score-CAM": ScoreCAMMethod(),
    "Ablation-CAM": AblationCAMMethod(),
    "guided Grad-CAM": GuidedGradCAMMethod(),
    "FastCAM": FastCAMMethod(),
    "contrastive LRP": ContrastiveLRPMethod(),
    "contrastive excitation backprop": ContrastiveExcitationBackpropMethod(),
    "PatternNet": PatternNetMethod(),
    "PatternAttribution": PatternAttributionMethod(),
}
"""Methods of runs, with fewer steps and masks than by default where they evaluate the model often."""

BIAS_PRESETS: Mapping[str, type[Composite]] = {
    "epsilon_plus": EpsilonPlus,
    "epsilon_gamma_box": EpsilonGammaBox,
}


def _bias_treatments() -> dict[str, Method]:
    """The treatments of biases for two presets; the preset's own name is the bias that keeps its relevance."""
    found: dict[str, Method] = {}
    for name, kind in BIAS_PRESETS.items():
        found[f'{name}, zero_params="bias"'] = _rules(
            lambda network, kind=kind: _make(kind, network, zero_params="bias")
        )
        found[f"{name}, redistributed"] = _rules(lambda network, kind=kind: BiasRedistribution(_make(kind, network)))
        found[f"{name}, with bias maps"] = _with_bias_maps(lambda network, kind=kind: _make(kind, network))
    return found


def _make(kind: type[Composite], network: Network, **given: Any) -> Composite:
    box = {"low": network.low, "high": network.high} if "low" in get_required_fields(kind) else {}
    return kind(on_unknown="gradient", **box, **given)


def _rules(make: Callable[[Network], Composite | None]) -> Method:
    @contextmanager
    def prepare(network: Network) -> Iterator[Explain]:
        with Gradient(network.model, make(network)) as attribute:
            yield lambda x, target: attribute(x, target)[1]

    return prepare


def _with_bias_maps(make: Callable[[Network], Composite]) -> Method:
    """Relevance of the input and of every bias, resized to the input: all of the output is shown."""

    @contextmanager
    def prepare(network: Network) -> Iterator[Explain]:
        with Gradient(network.model, make(network)) as attribute, attribute.ledger(bias_maps=True) as ledger:

            def explain(x: Tensor, target: Tensor) -> Tensor:
                relevance = attribute(x, target)[1].double().sum(1)
                for bias in ledger.bias_maps:
                    relevance += bias.resize(x.shape[2:])
                return relevance.unsqueeze(1)

            yield explain

    return prepare


@contextmanager
def _gradient_times_input(network: Network) -> Iterator[Explain]:
    with Gradient(network.model) as attribute:
        yield lambda x, target: x * attribute(x, target)[1]


def _bound(method: RunMethod) -> Method:
    @contextmanager
    def prepare(network: Network) -> Iterator[Explain]:
        fitted = method.fit(network.model, network.read_others()) if isinstance(method, FittedMethod) else method
        attribute = fitted.bind(network.model)
        yield lambda x, target: attribute(x, target)[1]

    return prepare


def _captum(name: str) -> Method:
    return lambda network: nullcontext(lambda x, target: Captum(network.model, name)(x, target)[1])


def random_order(x: Tensor, target: Tensor) -> Tensor:
    """Random relevance, the same in every run for the same inputs."""
    seed = zlib.crc32(x.numpy().tobytes())
    return torch.from_numpy(np.random.default_rng(seed).random((len(x), 1, *x.shape[2:])))


def _zennit(name: str, *, canonized: bool = True) -> Method:
    @contextmanager
    def prepare(network: Network) -> Iterator[Explain]:
        (composites,) = import_needed("zennit.composites")
        canonizers = network.canonizers(network.model) if canonized else []

        def explain(x: Tensor, target: Tensor) -> Tensor:
            bounds = {"low": network.low.expand_as(x), "high": network.high.expand_as(x)}
            composite = getattr(composites, name)(
                canonizers=canonizers, **(bounds if name == "EpsilonGammaBox" else {})
            )
            with composite.context(network.model) as model:
                x = x.clone().requires_grad_()
                output = model(x)
                start = torch.zeros_like(output).scatter_(1, target.unsqueeze(1), 1)
                (relevance,) = torch.autograd.grad(output, x, start)
            return relevance

        yield explain

    return prepare


def merge_batch_norms(model: nn.Module) -> list[Any]:
    """Zennit's canonizers that merge each batch norm into the convolution before it, by their names."""
    (canonizers,) = import_needed("zennit.canonizers")
    pairs, before = [], None
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            before = name
        elif isinstance(module, nn.BatchNorm2d) and before is not None:
            pairs.append(((before,), name))
            before = None
    return [canonizers.NamedMergeBatchNorm(pairs)]


def sum_residuals(kind: type[nn.Module], forward: Callable[..., Tensor]) -> Any:
    """Zennit's canonizer that gives modules of a class a `Sum` and a forward pass which uses it."""
    canonizers, layer = import_needed("zennit.canonizers", "zennit.layer")

    def attributes(name: str, module: nn.Module) -> dict[str, Any] | None:
        if not isinstance(module, kind):
            return None
        return {"forward": forward.__get__(module), "canonizer_sum": layer.Sum()}

    return canonizers.AttributeCanonizer(attributes)


def forward_inverted_residual(self: Any, x: Tensor) -> Tensor:
    """timm's inverted residual with its sum as a module."""
    shortcut = x
    x = self.bn1(self.conv_pw(x))
    x = self.se(self.aa(self.bn2(self.conv_dw(x))))
    x = self.bn3(self.conv_pwl(x))
    return self.canonizer_sum(torch.stack([shortcut, x], dim=-1)) if self.has_skip else x
