"""Every architecture is explained with no code of its own: networks of torchvision and of other shapes, with random
batch-norm statistics.

Each at the smallest input it takes. Warnings are errors, and an operation without a rule stops the test.
"""

import importlib.util
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat

pytestmark = pytest.mark.filterwarnings("error")


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = conv_block(3, 8), conv_block(8, 16)
        self.bottom = conv_block(16, 16)
        self.up = nn.ConvTranspose2d(16, 16, 2, stride=2)
        self.join1, self.join2 = conv_block(32, 8), conv_block(16, 8)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.join1(torch.cat([self.up(c), b], 1))
        b = F.interpolate(b, scale_factor=2, mode="bilinear")
        return self.head(self.join2(torch.cat([b, a], 1))).mean((2, 3))


def conv_block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def cnn(dimensions):
    """A network of convolutions over one or three dimensions."""
    conv, norm, pool = (getattr(nn, f"{name}{dimensions}d") for name in ("Conv", "BatchNorm", "AdaptiveAvgPool"))
    max_pool = getattr(nn, f"MaxPool{dimensions}d")
    return nn.Sequential(
        *[conv(2, 6, 3, padding=1, stride=2), norm(6), nn.ReLU()],
        *[conv(6, 8, 3, padding=1), nn.ELU(), max_pool(2)],
        *[conv(8, 8, 1), norm(8), nn.ReLU(), pool(1), nn.Flatten(), nn.Linear(8, 4)],
    )


class GatedRecurrence(nn.Module):
    """A GRU or LSTM classifier from its cell's equations."""

    def __init__(self, gates, hidden=6, features=3):
        super().__init__()
        self.gates, self.hidden = gates, hidden
        self.from_input = nn.Linear(features, gates * hidden)
        self.from_state = nn.Linear(hidden, gates * hidden)
        self.head = nn.Linear(hidden, 4)

    def forward(self, x):
        h = c = x.new_zeros(x.shape[0], self.hidden)
        for step in x.unbind(1):
            h, c = (self.lstm if self.gates == 4 else self.gru)(step, h, c)
        return self.head(h)

    def lstm(self, x, h, c):
        i, f, o, g = (self.from_input(x) + self.from_state(h)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def gru(self, x, h, c):
        rx, zx, nx = self.from_input(x).chunk(3, 1)
        rh, zh, nh = self.from_state(h).chunk(3, 1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h, c


class FusedRecurrence(nn.Module):
    """A classifier that averages the outputs of a recurrent module."""

    def __init__(self, build):
        super().__init__()
        self.memory, self.head = build(3, 6, num_layers=2, bidirectional=True, batch_first=True), nn.Linear(12, 4)

    def forward(self, x):
        return self.head(self.memory(x)[0].mean(1))


class Encoder(nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


class Siamese(nn.Module):
    """One encoder, used on both halves of the input."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.LazyLinear(8)
        )
        self.encoder(torch.zeros(2, 3, 12, 10))
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        a, b = self.encoder(x[:, 0]), self.encoder(x[:, 1])
        return self.head((a - b).abs())


def cifar_resnet():
    file = Path(__file__).resolve().parents[2] / "examples" / "cifar_resnet.py"
    spec = importlib.util.spec_from_file_location("cifar_resnet_example", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.resnet20()


def of_zoo(name, **kwargs):
    return lambda: getattr(zoo, name)(weights=None, num_classes=10, **kwargs)


@dataclass(frozen=True)
class Architecture:
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]


IMAGE = (3, 32, 32)
ARCHITECTURES = {
    "vgg11": Architecture(of_zoo("vgg11"), IMAGE),
    "vgg16": Architecture(of_zoo("vgg16"), IMAGE),
    "vgg16_bn": Architecture(of_zoo("vgg16_bn"), IMAGE),
    "resnet18": Architecture(of_zoo("resnet18"), IMAGE),
    "resnet50": Architecture(of_zoo("resnet50"), IMAGE),
    "densenet121": Architecture(of_zoo("densenet121"), IMAGE),
    "mobilenet_v2": Architecture(of_zoo("mobilenet_v2"), IMAGE),
    "mobilenet_v3_small": Architecture(of_zoo("mobilenet_v3_small"), IMAGE),
    "mobilenet_v3_large": Architecture(of_zoo("mobilenet_v3_large"), IMAGE),
    "efficientnet_b0": Architecture(of_zoo("efficientnet_b0"), IMAGE),
    "convnext_tiny": Architecture(of_zoo("convnext_tiny"), IMAGE),
    "regnet_y_400mf": Architecture(of_zoo("regnet_y_400mf"), IMAGE),
    "googlenet": Architecture(of_zoo("googlenet", init_weights=False, aux_logits=False, transform_input=True), IMAGE),
    "inception_v3": Architecture(
        of_zoo("inception_v3", init_weights=False, aux_logits=False, transform_input=True), (3, 75, 75)
    ),
    "squeezenet1_1": Architecture(of_zoo("squeezenet1_1"), IMAGE),
    "shufflenet_v2_x0_5": Architecture(of_zoo("shufflenet_v2_x0_5"), IMAGE),
    "vit_b_16": Architecture(of_zoo("vit_b_16", image_size=32), IMAGE),
    "swin_t": Architecture(of_zoo("swin_t"), IMAGE),
    "swin_v2_t": Architecture(of_zoo("swin_v2_t"), IMAGE),
    "cifar resnet": Architecture(cifar_resnet, (3, 16, 16)),
    "u-net": Architecture(UNet, (3, 12, 16)),
    "1-d cnn": Architecture(lambda: cnn(1), (2, 20)),
    "3-d cnn": Architecture(lambda: cnn(3), (2, 8, 10, 9)),
    "gru cells": Architecture(lambda: GatedRecurrence(3), (5, 3)),
    "lstm cells": Architecture(lambda: GatedRecurrence(4), (5, 3)),
    "gru module": Architecture(lambda: FusedRecurrence(nn.GRU), (5, 3)),
    "lstm module": Architecture(lambda: FusedRecurrence(nn.LSTM), (5, 3)),
    "rnn module": Architecture(lambda: FusedRecurrence(nn.RNN), (5, 3)),
    "transformer encoder": Architecture(lambda: Encoder(False), (5, 8)),
    "transformer encoder, norm first": Architecture(lambda: Encoder(True), (5, 8)),
    "siamese": Architecture(Siamese, (2, 3, 12, 10)),
}
RELU_NETWORKS = [
    *"vgg11 vgg16_bn resnet18 resnet50 densenet121 mobilenet_v2 squeezenet1_1 shufflenet_v2_x0_5".split(),
    *["cifar resnet", "u-net", "1-d cnn", "3-d cnn", "siamese"],
]
# Their depthwise or transposed convolutions are not followed by a ReLU: where all contributions to an output are
# negative, the z⁺ rule, by its definition, has nobody to give that output's relevance to.
HAVE_OUTPUTS_WITHOUT_POSITIVE_PART = ("shufflenet_v2_x0_5", "u-net")
COMPOSITES = {
    "epsilon_plus_flat": EpsilonPlusFlat(on_unknown="raise"),
    "epsilon_gamma_box": EpsilonGammaBox(-3.0, 3.0, on_unknown="raise"),
    "attn_lrp": AttnLRP(on_unknown="raise"),
}


def seeded(architecture):
    """Build an untrained network in which every layer has an effect, and an input for it."""
    torch.manual_seed(0)
    model = architecture.build()
    for module in model.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():  # heads that start at zero
            nn.init.trunc_normal_(module.weight, std=0.02)
    randomise_batch_norm(model, torch.randn(4, *architecture.shape))
    return model.eval(), torch.randn(1, *architecture.shape)


def randomise_batch_norm(model, x):
    """Give batch norms the statistics of some inputs, off by a random factor and shift: untouched ones would let the
    values of a deep network vanish.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        deviation = norm.running_var.sqrt()
        norm.running_mean += 0.3 * deviation * torch.randn_like(deviation)
        norm.running_var *= torch.empty_like(deviation).uniform_(0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, 0, 0.1)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def network(request):
    return seeded(ARCHITECTURES[request.param])


@pytest.mark.parametrize("name", COMPOSITES)
def test_it_is_explained_and_left_as_it_was(network, name):
    model, x = network
    parameters = list(model.parameters())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    hooks = count_hooks(model)
    plain = model(x)

    output, relevance = Gradient(model, COMPOSITES[name])(x, 1)

    assert torch.equal(output, plain)
    assert relevance.shape == x.shape
    assert relevance.isfinite().all()
    assert relevance.any()
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert count_hooks(model) == hooks


def count_hooks(model):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_its_plan_knows_every_operation(network):
    model, x = network
    plan = EpsilonPlusFlat(on_unknown="raise").plan(model, x)
    assert not [step for step in plan.steps if step.kind == "unknown"]
    linear = [step for step in plan.steps if step.kind == "linear"]
    assert all(step.rule is not None for step in linear)
    assert any("first" in step.reason for step in linear)


def test_its_ledger_accounts_for_every_share(network):
    model, x = network
    attribute = Gradient(deepcopy(model).double(), EpsilonPlusFlat())
    with attribute.ledger() as ledger:
        attribute(x.double(), 1)
    ledger.assert_accounted(rtol=1e-8)


@pytest.mark.parametrize("name", RELU_NETWORKS)
def test_without_biases_relevance_is_conserved(name):
    model, x = seeded(ARCHITECTURES[name])
    without_biases(model.double())
    composites = [EpsilonGammaBox(-3, 3, 0, 0.25, 0)]
    if name not in HAVE_OUTPUTS_WITHOUT_POSITIVE_PART:
        composites.append(EpsilonPlus(0, 0))
    for composite in composites:
        output, relevance = Gradient(model, composite)(x.double(), 1)
        explained = float(output[0, 1])
        assert abs(float(relevance.sum()) - explained) <= 1e-10 * abs(explained), composite


def without_biases(model):
    for name, tensor in model.state_dict().items():
        if name.endswith(("bias", "running_mean")):
            tensor.zero_()
