"""The presets that are no plain layer map: gradient composites, excitation backprop, transformers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import zennit.composites
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import (
    COMPOSITES,
    CPLRP,
    AttnLRP,
    BetaSmooth,
    DeconvNet,
    DeepTaylor,
    DeepTaylorBox,
    ExcitationBackprop,
    GuidedBackprop,
)


def network(bias=True):
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(2, 4, 3, bias=bias),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, bias=bias),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
    ]
    return nn.Sequential(*layers, nn.Linear(4, 3, bias=bias)).double().eval()


def images():
    torch.manual_seed(1)
    return torch.randn(2, 2, 6, 7).double()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (GuidedBackprop(), zennit.composites.GuidedBackprop()),
        (DeconvNet(), zennit.composites.DeconvNet()),
        (BetaSmooth(5.0), zennit.composites.BetaSmooth(beta_smooth=5.0)),
        (ExcitationBackprop(1e-12), zennit.composites.ExcitationBackprop(stabilizer=1e-12)),
    ],
    ids=lambda composite: type(composite).__name__,
)
def test_preset_agrees_with_zennit(ours, theirs):
    model, x = network(), images().requires_grad_()
    output = model(x).detach()
    start = F.one_hot(torch.tensor([1, 2]), 3).double()
    start = start if isinstance(ours, (GuidedBackprop, DeconvNet, BetaSmooth)) else start * output
    gradients = []
    for composite in (ours, theirs):
        x.grad = None
        with composite.context(model):
            model(x).backward(start)
        gradients.append(x.grad.clone())
    assert (gradients[0] - gradients[1]).abs().max() <= 1e-9 * gradients[1].abs().max()


def test_gradient_composites_leave_everything_but_relu_alone():
    class Smooth(nn.Module):
        def forward(self, x):
            h = F.layer_norm(x * torch.sigmoid(x), (4,))
            return torch.lgamma(h.abs() + 1) / h.norm(dim=1, keepdim=True)

    x = torch.randn(3, 4).double()
    expected = Gradient(Smooth())(x, torch.ones_like)[1]
    torch.testing.assert_close(Gradient(Smooth(), GuidedBackprop())(x, torch.ones_like)[1], expected)


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        torch.manual_seed(0)
        self.qkv, self.out, self.fused = nn.Linear(6, 18, bias=False), nn.Linear(6, 3, bias=False), fused

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        if self.fused:
            return self.out(F.scaled_dot_product_attention(q, k, v))[:, 0]
        return self.out(F.dropout(torch.softmax(q @ k.mT / 6**0.5, -1), 0.1, False) @ v)[:, 0]


@pytest.mark.parametrize("composite", [AttnLRP(), CPLRP()], ids=["attn_lrp", "cp_lrp"])
def test_attention_fused_and_written_out_agree_and_conserve(composite):
    x = torch.randn(2, 5, 6).double()
    output, fused = Gradient(Attention(True).double(), composite)(x, 1)
    _, written = Gradient(Attention(False).double(), composite)(x, 1)
    torch.testing.assert_close(fused, written, rtol=1e-9, atol=1e-12)
    if isinstance(composite, CPLRP):  # a linear map once the weights are constants
        torch.testing.assert_close(fused.sum((1, 2)), output[:, 1], rtol=1e-9, atol=1e-12)


def test_cp_lrp_is_the_gradient_with_attention_weights_detached():
    model, x = Attention(False).double(), torch.randn(2, 5, 6).double().requires_grad_()
    q, k, v = model.qkv(x).chunk(3, -1)
    output = model.out(torch.softmax(q @ k.mT / 6**0.5, -1).detach() @ v)[:, 0]
    (gradient,) = torch.autograd.grad(output[:, 1].sum(), x)
    torch.testing.assert_close(
        Gradient(model, CPLRP())(x.detach(), 1)[1], (x * gradient).detach(), rtol=1e-9, atol=1e-12
    )


def test_gates_share_in_attn_lrp_and_are_constants_in_cp_lrp():
    class Gated(nn.Module):
        def forward(self, x):
            return F.silu(x[:, :2]) * x[:, 2:]

    x = torch.randn(3, 4).double()
    output, shared = Gradient(Gated(), AttnLRP())(x, lambda output: output)
    torch.testing.assert_close(shared, torch.cat([output, output], 1) / 2)
    _, constant = Gradient(Gated(), CPLRP())(x, lambda output: output)
    torch.testing.assert_close(constant, torch.cat([torch.zeros_like(output), output], 1))


def relevance_in_numpy(model, x, box):
    """Deep Taylor decomposition of output 1 of a dense net, for one sample (Montavon 2017, table 1)."""
    weights = [layer.weight.detach().numpy() for layer in model if isinstance(layer, nn.Linear)]
    biases = [layer.bias.detach().numpy() for layer in model if isinstance(layer, nn.Linear)]
    activations = [x]
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        activations.append(np.maximum(w @ activations[-1] + b, 0))
    r = np.eye(3)[1] * (weights[-1] @ activations[-1] + biases[-1])
    for w, a in zip(weights[:0:-1], activations[:0:-1], strict=True):
        z = np.maximum(w, 0) * a
        r = (z * (r / (z.sum(1) + 1e-12))[:, None]).sum(0)
    w = weights[0]
    z = w**2 if box is None else w * x - np.maximum(w, 0) * box[0] - np.minimum(w, 0) * box[1]
    return (z * (r / (z.sum(1) + 1e-12))[:, None]).sum(0)


@pytest.mark.parametrize("box", [None, (-3.0, 4.0)], ids=["w²", "z^B"])
def test_deep_taylor_is_its_formula_and_conserves(box):
    torch.manual_seed(0)
    layers = [nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)]
    model, x = nn.Sequential(*layers).double().eval(), torch.randn(4, 6).double().clamp(-3, 4)
    x[0, :3] = 0  # zero inputs get their part
    composite = DeepTaylor(1e-12) if box is None else DeepTaylorBox(*box, 1e-12)
    output, relevance = Gradient(model, composite)(x, 1)
    expected = np.stack([relevance_in_numpy(model, sample, box) for sample in x.numpy()])
    np.testing.assert_allclose(relevance.numpy(), expected, rtol=1e-9, atol=1e-12)
    assert relevance[0, :3].any()
    reached = (relevance != 0).any(1)  # a sample whose last hidden layer has no positive contribution keeps nothing
    torch.testing.assert_close(relevance.sum(1)[reached], output[reached, 1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", sorted(COMPOSITES))
def test_every_composite_explains_a_small_network(name):
    composite = COMPOSITES[name](-4.0, 4.0) if name.endswith("_box") else COMPOSITES[name]()
    relevance = Gradient(network(), composite)(images(), 0)[1]
    assert relevance.isfinite().all()
    assert (relevance != 0).any()
