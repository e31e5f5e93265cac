"""Every rule on every kind of linear operation against its definition on the dense matrix of the operation."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import LayerMapComposite
from whyset.attribution.intercept.handlers import rule_edge
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat, Gamma, Stabilizer, WSquare, ZBox, ZPlus
from whyset.errors import InputError
from whyset.testing.closed_forms import (
    AlphaBetaForm,
    EpsilonForm,
    FlatForm,
    GammaForm,
    WSquareForm,
    ZBoxForm,
    compute_closed_form_relevance,
)
from whyset.testing.linear_operations import LINEAR_OPERATIONS
from whyset.testing.rules import explain_layer

EPSILON = 1e-3

RULES = {
    "epsilon": (Epsilon(EPSILON), EpsilonForm(EPSILON)),
    "z_plus": (ZPlus(EPSILON), AlphaBetaForm(EPSILON, 1, 0)),
    "alpha_beta": (AlphaBeta(2, 1, EPSILON), AlphaBetaForm(EPSILON)),
    "gamma": (Gamma(0.25, EPSILON), GammaForm(EPSILON)),
    "z_box": (ZBox(-1.5, 2.0, EPSILON), ZBoxForm(EPSILON, -1.5, 2.0)),
    "w_square": (WSquare(EPSILON), WSquareForm(EPSILON)),
    "flat": (Flat(EPSILON), FlatForm(EPSILON)),
}


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize("layer_name", LINEAR_OPERATIONS)
@pytest.mark.parametrize("rule_name", RULES)
def test_rule_is_its_definition(rule_name, layer_name, signed):
    rule, definition = RULES[rule_name]
    operation = LINEAR_OPERATIONS[layer_name]
    layer = operation.make(seed=3)
    x = operation.inputs(2, nonnegative=not signed)
    coefficient = torch.randn_like(layer(x))
    expected = compute_closed_form_relevance(definition, layer, x, coefficient)
    torch.testing.assert_close(explain_layer(rule, layer, x, coefficient), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize("rule_name", RULES)
def test_in_front_of_a_relu_it_is_its_definition_where_the_relu_is_open(rule_name, signed, inplace):
    rule, definition = RULES[rule_name]
    operation = LINEAR_OPERATIONS["conv2d"]
    layer = operation.make(seed=3)
    x = operation.inputs(2, nonnegative=not signed)
    y = layer(x)
    coefficient = torch.randn_like(y)
    expected = compute_closed_form_relevance(definition, layer, x, coefficient * (y > 0))
    relevance = explain_layer(rule, nn.Sequential(layer, nn.ReLU(inplace)), x, coefficient)
    torch.testing.assert_close(relevance, expected, rtol=1e-9, atol=1e-10)


@given(seed=st.integers(0, 10_000), layer_name=st.sampled_from(sorted(LINEAR_OPERATIONS)), signed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_rules_that_are_others_in_disguise(seed, layer_name, signed):
    operation = LINEAR_OPERATIONS[layer_name]
    layer = operation.make(seed)
    x = operation.inputs(1, nonnegative=not signed)
    c = torch.randn_like(layer(x))
    for one, other in (
        (Gamma(0, EPSILON), Epsilon(EPSILON)),
        (AlphaBeta(1, 0, EPSILON), ZPlus(EPSILON)),
        (ZBox(0, 0, EPSILON), Epsilon(EPSILON, zero_params="bias")),
    ):
        torch.testing.assert_close(
            explain_layer(one, layer, x, c), explain_layer(other, layer, x, c), rtol=1e-9, atol=1e-10
        )


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
    relevance = explain_layer(rule, layer, x, torch.ones_like(out))
    torch.testing.assert_close(relevance.sum(1), out.sum(1), rtol=1e-10, atol=1e-10)


def test_zero_params_takes_the_bias_as_zero():
    torch.manual_seed(0)
    layer = nn.Linear(4, 3).double()
    x = torch.randn(1, 4, dtype=torch.float64)
    relevance = explain_layer(Epsilon(0.0, zero_params="bias"), layer, x, torch.ones(1, 3, dtype=torch.float64))
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
        lambda: Epsilon(zero_params="weight"),
        lambda: WSquare(zero_params=("weight", "bias")),
    ],
)
def test_values_are_checked_when_a_rule_is_made(make_rule):
    with pytest.raises(InputError, match=r"expected"):
        make_rule()


def test_a_stabilizer_derived_from_stabilizer_stabilizes_in_its_own_way():
    class Farther(Stabilizer):
        def __call__(self, z):
            return z + 5

    torch.manual_seed(0)
    layer, x = nn.Linear(3, 2), torch.rand(4, 3)
    derived, function = (
        Gradient(layer, LayerMapComposite(layer_map=(("linear", ZPlus(stabilizer=one)),)))(x, lambda output: output)[1]
        for one in (Farther(), lambda z: z + 5)
    )
    torch.testing.assert_close(derived, function)


STABILIZERS = {
    "each sample": Stabilizer(0.5, norm_scale=True),
    "the batch": Stabilizer(0.5, norm_scale=True, dim=(0, 1, 2, 3)),
    "callable": lambda z: z + z.square().mean().sqrt(),
}


@pytest.mark.parametrize("stabilizer", STABILIZERS.values(), ids=STABILIZERS)
@pytest.mark.parametrize("make_rule", [Epsilon, ZPlus, Gamma, AlphaBeta, ZBox])
def test_a_relu_does_not_change_what_a_stabilizer_measures(make_rule, stabilizer):
    rule = make_rule(**{"epsilon" if make_rule is Epsilon else "stabilizer": stabilizer})
    operation = LINEAR_OPERATIONS["conv2d"]
    layer, x = operation.make(seed=3), operation.inputs(2, nonnegative=True)
    y = layer(x)
    coefficient = torch.randn_like(y) * (y > 0)
    relevance = explain_layer(rule, nn.Sequential(layer, nn.ReLU()), x, coefficient)
    torch.testing.assert_close(relevance, explain_layer(rule, layer, x, coefficient), rtol=1e-9, atol=1e-10)


def test_parts_of_a_large_batch_do_not_change_what_a_stabilizer_measures(monkeypatch):
    rule = Epsilon(Stabilizer(0.5, norm_scale=True, dim=(0, 1)))
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 3).double(), torch.rand(5, 4, dtype=torch.float64)
    coefficient = torch.randn(5, 3, dtype=torch.float64)
    whole = explain_layer(rule, layer, x, coefficient)
    monkeypatch.setattr(rule_edge, "by_parts", partial(rule_edge.by_parts, elements=1))
    torch.testing.assert_close(explain_layer(rule, layer, x, coefficient), whole, rtol=1e-12, atol=1e-12)
