"""Contrastive relevance: NumPy formulas on a dense net, and facts about classes that share everything or nothing."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Contrastive, Gradient
from whyset.attribution.composites import EpsilonPlus, ExcitationBackprop, GuidedBackprop, LayerMapComposite
from whyset.attribution.rules import Epsilon, ZPlus
from whyset.errors import InputError

EPSILON = 1e-9
RULES = ExcitationBackprop(EPSILON)


def net(bias=True, outputs=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5, bias=bias), nn.ReLU(), nn.Linear(5, outputs, bias=bias)).double().eval()


def inputs():
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def z_plus(w, b, x, r):
    """The z⁺ rule for one sample (Bach 2015), with the positive part of the bias."""
    contributions = np.maximum(w * x, 0)
    return (contributions * (r / (contributions.sum(1) + np.maximum(b, 0) + EPSILON))[:, None]).sum(0)


def explain_in_numpy(model, x, start, last=1):
    """Propagate `start` (classes,) from the output of sample x by z⁺; `last` is the sign of the last weights."""
    (w1, b1), (w2, b2) = (
        (m.weight.detach().numpy(), np.zeros(len(m.weight)) if m.bias is None else m.bias.detach().numpy())
        for m in (model[0], model[2])
    )
    hidden = np.maximum(w1 @ x + b1, 0)
    return z_plus(w1, b1, x, z_plus(last * w2, last * b2, hidden, start))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("against", ["others", "opposite", "softmax"])
def test_a_dense_net_is_explained_as_numpy_does(against, signed):
    model, x, target = net(), inputs(), torch.tensor([0, 2, 1, 2])
    output, relevance = Contrastive(model, RULES, against=against, signed=signed)(x, target)
    for sample, z, t, found in zip(x.numpy(), output.numpy(), target.tolist(), relevance.numpy(), strict=True):
        chosen = np.eye(3)[t]
        if against == "softmax":
            p = np.exp(z) / np.exp(z).sum()
            expected = explain_in_numpy(model, sample, np.where(chosen == 1, p[t] * (1 - p[t]), -p[t] * p))
        elif against == "others":
            dual = explain_in_numpy(model, sample, z[t] / 2 * (1 - chosen))
            expected = explain_in_numpy(model, sample, z * chosen) - dual
        else:
            start = z * chosen
            expected = explain_in_numpy(model, sample, start) - explain_in_numpy(model, sample, start, -1)
        np.testing.assert_allclose(found, expected if signed else np.maximum(expected, 0), rtol=1e-9, atol=1e-13)


def test_excitation_starts_with_the_probability_one_and_cancels_it():
    """Without biases the winning probabilities of a unit and of its dual both sum to 1, so they cancel."""
    model, x = net(bias=False), inputs().abs()
    attribute = Contrastive(model, ExcitationBackprop(1e-12), against="opposite", unit=True, signed=True)
    relevance = attribute(x, 1)[1]
    for sample, found in zip(x.numpy(), relevance.numpy(), strict=True):
        parts = [explain_in_numpy(model, sample, np.eye(3)[1], sign) for sign in (1, -1)]
        np.testing.assert_allclose(found, parts[0] - parts[1], rtol=1e-6, atol=1e-9)
    active = (model[0](x).relu() > 0).double()
    both = ((active @ (model[2].weight[1] > 0).double()) > 0) & ((active @ (model[2].weight[1] < 0).double()) > 0)
    assert bool(both.any())
    torch.testing.assert_close(relevance[both].sum(1), torch.zeros(int(both.sum())).double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("against", ["others", "softmax"])
def test_classes_with_equal_weights_have_no_contrast(against):
    """z⁺ alone explains each of them; what speaks for all alike cancels."""
    model, x = net(), inputs()
    model[2].weight.data[:] = model[2].weight.data[:1]
    model[2].bias.data[:] = model[2].bias.data[:1]
    assert Gradient(model, RULES)(x, 0)[1].abs().max() > 1e-3
    found = Contrastive(model, RULES, against=against, signed=True)(x, 0)[1]
    assert found.abs().max() < 1e-12


def test_classes_that_read_different_inputs_are_told_apart():
    """Class 0 reads inputs 0 and 1, class 1 inputs 2 and 3; the contrast of a class is on its own inputs."""
    model = nn.Sequential(nn.Linear(4, 2, bias=False)).double()
    model[0].weight.data[:] = torch.tensor([[1.0, 2, 0, 0], [0, 0, 2, 1]])
    relevance = Contrastive(model, RULES)(torch.ones(1, 4).double(), 0)[1]
    assert relevance[0, :2].min() > 0.5
    assert not relevance[0, 2:].any()
    signed = Contrastive(model, RULES, signed=True)(torch.ones(1, 4).double(), 0)[1]
    torch.testing.assert_close(signed[0], torch.tensor([1.0, 2, -2, -1]).double(), rtol=1e-6, atol=0)


class Functional(nn.Module):
    def __init__(self, modules):
        super().__init__()
        self.first, self.last = modules[0], modules[2]

    def forward(self, x):
        return F.linear(F.relu_(F.linear(x, self.first.weight, self.first.bias)), self.last.weight, self.last.bias)


@pytest.mark.parametrize("against", ["others", "opposite", "softmax"])
def test_functions_and_modules_a_batch_and_its_samples_agree(against):
    model, x = net(), inputs()
    expected = Contrastive(model, RULES, against=against)(x)[1]
    torch.testing.assert_close(Contrastive(Functional(model), RULES, against=against)(x)[1], expected)
    for i in range(4):
        torch.testing.assert_close(Contrastive(model, RULES, against=against)(x[i : i + 1])[1], expected[i : i + 1])


def test_a_convolution_may_be_the_last_operation():
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model, x = nn.Sequential(*layers).double().eval(), torch.rand(2, 2, 5, 7).double()
    output, signed = Contrastive(model, RULES, against="opposite", signed=True)(x, 1)
    _, own = Gradient(model, RULES)(x, 1)
    opposite = nn.Sequential(*layers[:2], nn.Conv2d(4, 3, 1), *layers[3:]).double()
    opposite[2].weight.data, opposite[2].bias.data = -layers[2].weight.data, -layers[2].bias.data
    _, dual = Gradient(opposite, RULES)(x, lambda _: output * torch.tensor([0.0, 1, 0]))
    torch.testing.assert_close(signed, own - dual, rtol=1e-8, atol=1e-12)


def test_black_images_have_no_relevance_and_no_error():
    model = net(bias=False)
    for against in ("others", "opposite", "softmax"):
        assert not Contrastive(model, RULES, against=against)(torch.zeros(2, 6).double(), 0)[1].any()


class TwoHeads(nn.Module):
    """The last linear operation computes an output that is not explained."""

    def __init__(self):
        super().__init__()
        self.head, self.other = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x):
        y = self.head(x)
        self.unused = self.other(x)
        return y


class TwoEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other, self.head = nn.Embedding(9, 4), nn.Embedding(9, 4), nn.Linear(4, 3)

    def forward(self, ids):
        return self.head((self.one(ids) + self.other(ids)).mean(1))


MISTAKES = {
    "two embeddings": (lambda: Contrastive(TwoEmbeddings().eval())(torch.arange(6).view(2, 3), 1), "2 times"),
    "a dual": (lambda: Contrastive(net(), against="rest"), "expected one of 'others'"),
    "a gradient": (lambda: Contrastive(net(), "gradient"), "give rules"),
    "a changed gradient": (lambda: Contrastive(net(), GuidedBackprop()), "give rules"),
    "a tensor as target": (lambda: Contrastive(net())(inputs(), torch.ones(4, 3)), "give a class index"),
    "one class": (lambda: Contrastive(net(outputs=1))(inputs(), 0), "at least two classes"),
    "a rule without signs": (lambda: Contrastive(net(), EpsilonPlus(), against="opposite")(inputs()), "such as ZPlus"),
    "no rule": (
        lambda: Contrastive(net(), LayerMapComposite([("convolution", ZPlus())]), against="opposite")(inputs()),
        "got the gradient",
    ),
    "two heads": (lambda: Contrastive(TwoHeads().double(), against="opposite")(inputs()), "without other outputs"),
    "several inputs": (lambda: Contrastive(net())((inputs(), inputs())), "expects one tensor"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_that_names_the_remedy(case):
    act, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        act()


def test_tokens_are_explained_at_their_embedding():
    torch.manual_seed(0)
    embedding, head = nn.Embedding(9, 6), net()
    ids = torch.arange(8).view(2, 4)

    class Texts(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = embedding.double(), head

        def forward(self, ids):
            return self.head(self.embedding(ids).mean(1))

    for against in ("others", "opposite", "softmax"):
        found = Contrastive(Texts(), RULES, against=against)(ids, 1)[1]
        mean = nn.Sequential(Mean(), head)
        expected = Contrastive(mean, RULES, against=against)(embedding(ids).detach(), 1)[1]
        torch.testing.assert_close(found, expected)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def test_epsilon_in_the_last_layer_is_possible_against_others():
    rules = LayerMapComposite([("linear", Epsilon(0.0))])
    _, relevance = Contrastive(net(bias=False), rules, signed=True)(inputs(), 2)
    dual = Gradient(net(bias=False), rules)(inputs(), lambda z: z[:, 2:] / 2 * torch.tensor([1.0, 1, 0]))[1]
    torch.testing.assert_close(relevance, Gradient(net(bias=False), rules)(inputs(), 2)[1] - dual)
    assert relevance.sum(1).abs().max() < 1e-9
