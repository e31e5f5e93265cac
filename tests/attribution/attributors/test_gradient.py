import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient, OutputWeights, to_dict
from whyset.attribution.composites import (
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    LayerMapComposite,
)
from whyset.attribution.rules import Epsilon, Stabilizer, WSquare
from whyset.errors import InputError


class Everything(nn.Module):
    """A smooth network with every kind of operation, called as modules and as functions."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.norm, self.conv2 = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, bias=False)
        self.layer_norm, self.gate, self.last = nn.LayerNorm([4, 2, 3]), nn.Linear(24, 24), nn.Linear(24, 3)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        h = F.softplus(self.norm(self.conv1(x)))
        h = F.gelu(self.layer_norm(F.relu(self.conv2(h), inplace=True))).flatten(1)
        h = h * torch.sigmoid(self.gate(h))
        return self.last(h / (1 + h.norm(dim=1, keepdim=True)))


SMOOTH = {"epsilon": 1e-2, "stabilizer": 1e-2}


@pytest.mark.parametrize(
    "composite",
    [
        EpsilonPlus(**SMOOTH),
        EpsilonPlusFlat(**SMOOTH),
        EpsilonAlpha2Beta1(**SMOOTH),
        EpsilonGammaBox(-3.0, 3.0, **SMOOTH),
        LayerMapComposite(layer_map=(("convolution", WSquare(1e-2)), ("linear", Epsilon(1e-2)))),
    ],
    ids=lambda composite: type(composite).__name__,
)
def test_relevance_has_a_true_derivative(composite):
    model = Everything().double().eval()
    x, probe = torch.randn(1, 2, 6, 7).double(), torch.randn(1, 2, 6, 7).double()
    leaf = x.clone().requires_grad_()
    relevance = Gradient(model, composite, create_graph=True)(leaf, 1)[1]
    names = ["input", *dict(model.named_parameters())]
    gradients = torch.autograd.grad((relevance * probe).sum(), [leaf, *model.parameters()])
    for name, tensor, gradient in zip(names, [x, *model.parameters()], gradients, strict=True):
        direction, step = torch.randn_like(tensor), 1e-6

        def at(distance, tensor=tensor, direction=direction):
            with torch.no_grad():
                tensor.add_(distance * direction)
            value = (Gradient(model, composite)(x, 1)[1] * probe).sum().item()
            with torch.no_grad():
                tensor.sub_(distance * direction)
            return value

        numeric = (at(step) - at(-step)) / (2 * step)
        assert (gradient * direction).sum().item() == pytest.approx(numeric, rel=1e-6, abs=1e-9), name


def test_without_a_composite_it_is_the_plain_gradient():
    model, x = nn.Linear(4, 3).double(), torch.randn(2, 4).double()
    output, gradient = Gradient(model)(x, 1)
    assert torch.equal(gradient, model.weight[1].expand(2, 4))
    assert torch.equal(output, model(x))


def test_targets():
    model, x = nn.Linear(4, 3).double(), torch.randn(3, 4).double()
    attribute = Gradient(model)
    best = model(x).argmax(1)
    assert torch.equal(attribute(x)[1], attribute(x, best)[1])
    assert torch.equal(attribute(x, torch.tensor([0, 2, 1]))[1][1], attribute(x, 2)[1][1])
    assert torch.equal(attribute(x, 2)[1], attribute(x, F.one_hot(torch.full((3,), 2), 3).double())[1])
    assert torch.equal(attribute(x, lambda out: F.one_hot(torch.full((3,), 2), 3).to(out))[1], attribute(x, 2)[1])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "target 3 is out of range: the model has 3 outputs"),
        (-1, "out of range"),
        (torch.tensor([0, 1]), "one target per sample"),
        (torch.ones(2, 2), "like the output"),
    ],
)
def test_wrong_targets_are_named(target, message):
    with pytest.raises(InputError, match=message):
        Gradient(nn.Linear(4, 3))(torch.randn(3, 4), target)


def test_two_threads_on_one_model():
    model, x = Everything().double().eval(), torch.randn(2, 2, 6, 7).double()
    composites = [EpsilonPlus(), EpsilonGammaBox(-3.0, 3.0)]
    expected = [Gradient(model, composite)(x, 0)[1] for composite in composites]
    results = [[], []]

    def work(number):
        for _ in range(5):
            results[number].append(Gradient(model, composites[number])(x, 0)[1])

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(relevance, expected[number]) for number in (0, 1) for relevance in results[number])
    assert [len(result) for result in results] == [5, 5]


def test_one_layer_used_twice():
    torch.manual_seed(0)
    layer, x = nn.Linear(3, 3, bias=False).double(), torch.randn(2, 3).double()

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            return self.layer(F.relu(self.layer(x)))

    output, relevance = Gradient(Twice(), EpsilonPlus(epsilon=0.0))(x, 1)
    torch.testing.assert_close(relevance.sum(1), output[:, 1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_agrees_with_float32_on_a_layer(dtype):
    torch.manual_seed(0)
    layer, x = nn.Conv2d(3, 8, 3), torch.rand(2, 3, 8, 9)
    layer, x = layer.to(dtype), x.to(dtype)
    c = torch.ones_like(layer(x))
    wide = Gradient(nn.Conv2d(3, 8, 3), EpsilonPlus())
    wide.model.load_state_dict({name: value.float() for name, value in layer.state_dict().items()})
    expected, got = wide(x.float(), OutputWeights(c.float()))[1], Gradient(layer, EpsilonPlus())(x, OutputWeights(c))[1]
    assert got.dtype == dtype
    assert (got.float() - expected).abs().max() < 0.01 * expected.abs().max()


def test_stored_form_says_everything():
    assert to_dict(Epsilon(Stabilizer(0.1, clip=True)))["fields"]["epsilon"]["fields"]["clip"] is True
    assert to_dict(EpsilonGammaBox(torch.zeros(2), 1.0))["fields"]["low"] == [0.0, 0.0]
    with pytest.raises(InputError, match="cannot be stored"):
        to_dict(Epsilon(lambda z: z))


def test_other_dtypes_than_those_of_the_model_are_named():
    with pytest.raises(InputError, match=r"parameters of float32, and got inputs of float64: convert one of them"):
        Gradient(nn.Linear(3, 2), EpsilonPlus())(torch.rand(1, 3).double(), 0)


def test_another_error_of_the_model_is_its_own():
    with pytest.raises(RuntimeError, match="cannot be multiplied") as caught:
        Gradient(nn.Linear(3, 2), EpsilonPlus())(torch.rand(1, 4), 0)
    assert not isinstance(caught.value, InputError)


def test_tensors_of_inference_mode_are_explained():
    model, x = nn.Linear(3, 2).eval(), torch.rand(2, 3)
    with torch.inference_mode():
        same = x.clone()
    torch.testing.assert_close(Gradient(model, EpsilonPlus())(same, 0)[1], Gradient(model, EpsilonPlus())(x, 0)[1])


def test_a_call_is_booked_in_one_ledger_and_one_record():
    attribute = Gradient(nn.Sequential(nn.Linear(3, 2)), EpsilonPlus())
    with attribute.ledger(), pytest.raises(InputError, match="open already"), attribute.ledger():
        pass
    with attribute.record("0"), pytest.raises(InputError, match="open already"), attribute.record("0"):
        pass
