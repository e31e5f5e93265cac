"""Every rule on every kind of linear operation against its definition, written out with the dense matrix of the
operation.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import LayerMapComposite
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat, Gamma, WSquare, ZBox, ZPlus
from whyset.errors import InputError

EPSILON = 1e-3


def away_from_zero(z):
    return torch.where(z >= 0, z + EPSILON, z - EPSILON)


def dense(layer, x):
    """The operation on one sample as matrix W and bias b: z = W x + b."""
    flat = x.flatten()
    zero = layer(torch.zeros_like(x)).flatten()
    columns = [layer(unit.view_as(x)).flatten() - zero for unit in torch.eye(flat.numel(), dtype=x.dtype)]
    return torch.stack(columns, 1), zero


def epsilon(w, b, x, r):
    return x * (w.T @ (r / away_from_zero(w @ x + b)))


def z_plus(w, b, x, r):
    return alpha_beta(w, b, x, r, 1, 0)


def alpha_beta(w, b, x, r, alpha=2, beta=1):
    wp, wn, xp, xn = w.clamp(min=0), w.clamp(max=0), x.clamp(min=0), x.clamp(max=0)
    sp = r / away_from_zero(wp @ xp + wn @ xn + b.clamp(min=0))
    sn = r / away_from_zero(wn @ xp + wp @ xn + b.clamp(max=0))
    return alpha * (xp * (wp.T @ sp) + xn * (wn.T @ sp)) - beta * (xp * (wn.T @ sn) + xn * (wp.T @ sn))


def gamma(w, b, x, r, g=0.25):
    wp, wn, xp, xn = w.clamp(min=0), w.clamp(max=0), x.clamp(min=0), x.clamp(max=0)
    z = w @ x + b
    up = (w + g * wp) @ xp + (w + g * wn) @ xn + b + g * b.clamp(min=0)
    down = (w + g * wn) @ xp + (w + g * wp) @ xn + b + g * b.clamp(max=0)
    s_up, s_down = torch.where(z > 0, r / away_from_zero(up), 0), torch.where(z < 0, r / away_from_zero(down), 0)
    return (
        xp * ((w + g * wp).T @ s_up)
        + xn * ((w + g * wn).T @ s_up)
        + xp * ((w + g * wn).T @ s_down)
        + xn * ((w + g * wp).T @ s_down)
    )


def z_box(w, b, x, r, low=-1.5, high=2.0):
    wp, wn, ones = w.clamp(min=0), w.clamp(max=0), torch.ones_like(x)
    z = w @ x + b
    s = r / away_from_zero(z - (wp @ (low * ones) + b.clamp(min=0)) - (wn @ (high * ones) + b.clamp(max=0)))
    return x * (w.T @ s) - low * (wp.T @ s) - high * (wn.T @ s)


def w_square(w, b, x, r):
    return (w**2).T @ (r / away_from_zero((w**2).sum(1) + b**2))


def flat(w, b, x, r):
    connected = (w != 0).to(w)
    return connected.T @ (r / away_from_zero(connected.sum(1)))


RULES = {
    "epsilon": (Epsilon(EPSILON), epsilon),
    "z_plus": (ZPlus(EPSILON), z_plus),
    "alpha_beta": (AlphaBeta(2, 1, EPSILON), alpha_beta),
    "gamma": (Gamma(0.25, EPSILON), gamma),
    "z_box": (ZBox(-1.5, 2.0, EPSILON), z_box),
    "w_square": (WSquare(EPSILON), w_square),
    "flat": (Flat(EPSILON), flat),
}

LAYERS = {
    "linear": (lambda: nn.Linear(5, 4), (5,)),
    "linear over time": (lambda: nn.Linear(3, 4), (2, 3)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (2, 7)),
    "conv2d": (lambda: nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0)), (3, 6, 5)),
    "conv2d, groups": (lambda: nn.Conv2d(4, 6, 3, groups=2, dilation=2, padding=2), (4, 5, 6)),
    "conv2d, depthwise": (lambda: nn.Conv2d(3, 3, 3, groups=3, bias=False), (3, 4, 5)),
    "conv2d, same": (lambda: nn.Conv2d(2, 3, (2, 3), padding="same"), (2, 5, 4)),
    "conv3d": (lambda: nn.Conv3d(2, 2, 2), (2, 3, 4, 3)),
    "conv_transpose1d": (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2, output_padding=1), (2, 4)),
    "conv_transpose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2), (4, 3, 4)),
    "conv_transpose3d": (lambda: nn.ConvTranspose3d(2, 2, 2, dilation=2), (2, 2, 3, 2)),
}


def make(layer_name, seed):
    torch.manual_seed(seed)
    build, shape = LAYERS[layer_name]
    return build().double().eval().requires_grad_(False), shape


def explained(layer, rule, x, coefficient):
    composite = LayerMapComposite(layer_map=((("linear", "convolution"), rule),))
    return Gradient(layer, composite)(x, coefficient)[1]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize("layer_name", LAYERS)
@pytest.mark.parametrize("rule_name", RULES)
def test_rule_is_its_definition(rule_name, layer_name, signed):
    layer, shape = make(layer_name, seed=3)
    rule, definition = RULES[rule_name]
    x = torch.randn(2, *shape, dtype=torch.float64)
    x = x if signed else x.clamp(min=0)
    coefficient = torch.randn_like(layer(x))
    relevance = explained(layer, rule, x, coefficient)
    for sample, got, c in zip(x, relevance, coefficient, strict=True):
        w, b = dense(lambda v: layer(v.unsqueeze(0))[0], sample)
        expected = definition(w, b, sample.flatten(), c.flatten() * (w @ sample.flatten() + b))
        torch.testing.assert_close(got.flatten(), expected, rtol=1e-10, atol=1e-10)


@given(seed=st.integers(0, 10_000), layer_name=st.sampled_from(sorted(LAYERS)), signed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_rules_that_are_others_in_disguise(seed, layer_name, signed):
    layer, shape = make(layer_name, seed)
    x = torch.randn(1, *shape, dtype=torch.float64)
    x = x if signed else x.clamp(min=0)
    c = torch.randn_like(layer(x))
    for one, other in (
        (Gamma(0, EPSILON), Epsilon(EPSILON)),
        (AlphaBeta(1, 0, EPSILON), ZPlus(EPSILON)),
        (ZBox(0, 0, EPSILON), Epsilon(EPSILON, zero_params="bias")),
    ):
        torch.testing.assert_close(explained(layer, one, x, c), explained(layer, other, x, c), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rule_name", ["z_plus", "epsilon", "gamma", "alpha_beta", "flat", "w_square", "z_box"])
def test_without_bias_relevance_is_conserved(rule_name):
    torch.manual_seed(0)
    rule = {
        "z_plus": ZPlus(0.0),
        "epsilon": Epsilon(0.0),
        "gamma": Gamma(0.25, 0.0),
        "alpha_beta": AlphaBeta(2, 1, 0.0),
    }.get(rule_name)
    rule = rule or {"flat": Flat(0.0), "w_square": WSquare(0.0), "z_box": ZBox(-3.0, 3.0, 0.0)}[rule_name]
    layer = nn.Linear(40, 5, bias=False).double()  # wide enough for contributions of both signs everywhere
    x = torch.randn(3, 40, dtype=torch.float64)
    out = layer(x)
    relevance = explained(layer, rule, x, torch.ones_like(out))
    torch.testing.assert_close(relevance.sum(1), out.sum(1), rtol=1e-10, atol=1e-10)


def test_zero_params_takes_the_bias_as_zero():
    torch.manual_seed(0)
    layer = nn.Linear(4, 3).double()
    x = torch.randn(1, 4, dtype=torch.float64)
    relevance = explained(layer, Epsilon(0.0, zero_params="bias"), x, torch.ones(1, 3, dtype=torch.float64))
    torch.testing.assert_close(relevance.sum(), layer(x).sum(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "make_rule",
    [
        lambda: AlphaBeta(2, 0.5),
        lambda: AlphaBeta(-1, -2),
        lambda: Epsilon(-1.0),
        lambda: Epsilon("small"),
        lambda: Gamma(-0.1),
        lambda: ZPlus(zero_params="weights"),
    ],
)
def test_values_are_checked_when_a_rule_is_made(make_rule):
    with pytest.raises(InputError, match=r"expected"):
        make_rule()
