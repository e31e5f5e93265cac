"""Agreement with Zennit, an independent implementation, in double precision.

Zennit merges batch norm by a canonizer that leaves a factor 1/√(1 + eps) per layer in the model, so with eps = 1e-5 it
differs from the formulas by some 1e-5; the networks here have eps = 0. Stabilizers of 1e-12 keep those that Zennit adds
at sums and pools out of the comparison.
"""

import pytest
import torch
import zennit.composites
from torch import nn
from torchvision.models import resnet18, vgg11, vgg11_bn
from zennit.torchvision import ResNetCanonizer, VGGCanonizer

from whyset.attribution import Gradient
from whyset.attribution.composites import (
    EpsilonAlpha2Beta1,
    EpsilonAlpha2Beta1Flat,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
)

COMPOSITES = {
    "EpsilonPlus": EpsilonPlus,
    "EpsilonPlusFlat": EpsilonPlusFlat,
    "EpsilonAlpha2Beta1": EpsilonAlpha2Beta1,
    "EpsilonAlpha2Beta1Flat": EpsilonAlpha2Beta1Flat,
    "EpsilonGammaBox": EpsilonGammaBox,
}
NETWORKS = {
    "vgg11": (vgg11, VGGCanonizer),
    "vgg11_bn": (vgg11_bn, VGGCanonizer),
    "resnet18": (resnet18, ResNetCanonizer),
}


@pytest.fixture(scope="module", params=sorted(NETWORKS))
def network(request):
    torch.manual_seed(0)
    build, canonizer = NETWORKS[request.param]
    model = build(weights=None).double().eval().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.1)
    return model, canonizer


@pytest.mark.parametrize("name", sorted(COMPOSITES))
def test_composite_agrees_with_zennit(network, name):
    model, canonizer = network
    bounds = {"low": -3.0, "high": 3.0} if name == "EpsilonGammaBox" else {}
    settings = {"epsilon": 1e-12, "stabilizer": 1e-12, **bounds}
    torch.manual_seed(1)
    x = torch.randn(1, 3, 40, 48, dtype=torch.float64)
    _, relevance = Gradient(model, COMPOSITES[name](**settings))(x, 1)
    theirs = x.clone().requires_grad_()
    with getattr(zennit.composites, name)(canonizers=[canonizer()], **settings).context(model):
        output = model(theirs)
        output.backward(torch.nn.functional.one_hot(torch.tensor([1]), 1000) * output.detach())
    assert (relevance - theirs.grad).abs().max() <= 1e-8 * theirs.grad.abs().max()
