"""First-layer rules that state relevance reach the marked input itself, also where x is 0 and behind harmless
operations.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient, OutputWeights
from whyset.attribution.composites import EpsilonGammaBox, EpsilonPlusFlat, NameMapComposite
from whyset.attribution.rules import Epsilon, Flat, WSquare, ZBox
from whyset.testing.closed_forms import EpsilonForm, FlatForm, WSquareForm, ZBoxForm, compute_closed_form_relevance

MEAN = torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64).view(1, 3, 1, 1)


class Front(nn.Module):
    def __init__(self, front):
        super().__init__()
        torch.manual_seed(0)
        self.front = front
        self.stem, self.last = nn.Conv2d(3, 4, 3, bias=False), nn.Linear(4, 2, bias=False)
        self.double().eval()

    def forward(self, x):
        return self.last(F.relu(self.stem(self.front(x))).mean((2, 3)))


def plain(x):
    return x


def by_channel(x):
    parts = [torch.unsqueeze(x[:, i], 1) * 0.5 + 0.1 * i for i in range(3)]
    return torch.cat(parts, 1)


def channels_last(x):
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


FRONTS = {
    "normalized": lambda x: (x - MEAN) / 0.25,
    "by channel": by_channel,
    "channels last": channels_last,
    "written": lambda x: x.sub_(MEAN),
}


@pytest.mark.parametrize("name", FRONTS)
def test_flat_is_exact_behind_operations_that_only_move_or_scale(name):
    model = Front(FRONTS[name]) if name != "written" else Front(lambda x: x - MEAN)
    x = torch.rand(2, 3, 6, 7, dtype=torch.float64)
    x[:, :, :3] = 0  # black pixels
    output, relevance = Gradient(model, EpsilonPlusFlat(epsilon=0.0, stabilizer=0.0))(x, 1)
    torch.testing.assert_close(relevance.sum((1, 2, 3)), output[:, 1], rtol=1e-10, atol=1e-12)
    assert (relevance[:, :, :3].abs() > 0).any()
    assert torch.equal(relevance[:, 0], relevance[:, 1])  # Flat tells no channel from another


def test_padding_takes_its_share_and_no_more():
    model = Front(lambda x: F.pad(x, (1, 2, 3, 0)))
    x = torch.rand(1, 3, 6, 7, dtype=torch.float64)
    relevance = Gradient(model, EpsilonPlusFlat(stabilizer=0.0))(x, 1)[1]
    inner = Gradient(Front(plain), EpsilonPlusFlat(stabilizer=0.0))(F.pad(x, (1, 2, 3, 0)), 1)[1]
    torch.testing.assert_close(relevance, inner[:, :, 3:, 1:-2], rtol=1e-10, atol=1e-12)


def test_box_with_bounds_per_channel():
    low, high = -MEAN, 1 - MEAN
    x = torch.rand(2, 3, 6, 7, dtype=torch.float64) - MEAN
    output, relevance = Gradient(Front(plain), EpsilonGammaBox(low, high, epsilon=0.0, stabilizer=0.0))(x, 0)
    torch.testing.assert_close(relevance.sum((1, 2, 3)), output[:, 0], rtol=1e-9, atol=1e-12)


def test_an_encoder_used_twice_has_two_first_layers():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))

        def forward(self, x):
            left, right = x[:, :4], x[:, 4:]
            return self.encoder(left) * self.encoder(right)

    plan = EpsilonPlusFlat().plan(Siamese().eval(), torch.rand(2, 8))
    assert [type(step.rule).__name__ for step in plan.steps if step.rule] == ["Flat", "Epsilon", "Flat", "Epsilon"]


INSIDE = {"flat": Flat(0.0), "w_square": WSquare(0.0), "z_box": ZBox(0.0, 3.0, 0.0)}
FORMS = {"flat": FlatForm(0.0), "w_square": WSquareForm(0.0), "z_box": ZBoxForm(0.0, 0.0, 3.0)}


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("name", INSIDE)
def test_behind_the_first_layer_relevance_goes_to_the_pre_activation(name, activation, inplace):
    torch.manual_seed(0)
    first, second = nn.Conv2d(2, 4, 3).double(), nn.Conv2d(4, 3, 2, padding=1).double()
    function = nn.ReLU(inplace) if activation == "relu" else nn.GELU()
    model = nn.Sequential(first, function, nn.Dropout(0.5), second).eval()
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64)
    c = torch.randn_like(model(x))
    rules = NameMapComposite((("0", Epsilon(0.0)), ("3", INSIDE[name])))
    relevance = Gradient(model, rules)(x, OutputWeights(c))[1]

    z = first(x).detach()
    h = function(z.clone()).detach()
    stated = compute_closed_form_relevance(FORMS[name], second, h, c)
    assert (stated[h == 0] != 0).any() or activation == "gelu"
    expected = compute_closed_form_relevance(EpsilonForm(0.0), first, x, stated / z)
    torch.testing.assert_close(relevance, expected, rtol=1e-8, atol=1e-10)
    assert "pre-activations that are 0" in str(rules.plan(model, x))
