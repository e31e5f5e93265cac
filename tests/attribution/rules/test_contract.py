"""Every rule of the package keeps the contract that plug-in rules inherit."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonGammaBox
from whyset.attribution.rules import (
    RULES,
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Norm,
    Opposite,
    Pass,
    Prune,
    RedistributeBias,
    WSquare,
    ZBox,
    ZPlus,
)
from whyset.errors import InputError
from whyset.testing.closed_forms import (
    AlphaBetaForm,
    BiasRedistributionForm,
    EpsilonForm,
    FlatForm,
    GammaForm,
    NormForm,
    WSquareForm,
    ZBoxForm,
)
from whyset.testing.linear_operations import LinearOperation
from whyset.testing.rules import RuleContract, explain_layer

EPSILON = 1e-3


class TestEpsilon(RuleContract):
    def rule(self):
        return Epsilon(EPSILON)

    def closed_form(self):
        return EpsilonForm(EPSILON)


class TestGamma(RuleContract):
    def rule(self):
        return Gamma(0.25, EPSILON)

    def closed_form(self):
        return GammaForm(EPSILON)


class TestZPlus(RuleContract):
    def rule(self):
        return ZPlus(EPSILON)

    def closed_form(self):
        return AlphaBetaForm(EPSILON, 1, 0)


class TestAlphaBeta(RuleContract):
    def rule(self):
        return AlphaBeta(2, 1, EPSILON)

    def closed_form(self):
        return AlphaBetaForm(EPSILON)


class TestZBox(RuleContract):
    def rule(self):
        return ZBox(-1.5, 2.0, EPSILON)

    def closed_form(self):
        return ZBoxForm(EPSILON, -1.5, 2.0)


class TestWSquare(RuleContract):
    def rule(self):
        return WSquare(EPSILON)

    def closed_form(self):
        return WSquareForm(EPSILON)


class TestFlat(RuleContract):
    def rule(self):
        return Flat(EPSILON)

    def closed_form(self):
        return FlatForm(EPSILON)


class TestRedistributeBias(RuleContract):
    def rule(self):
        return RedistributeBias(Gamma(0.25, EPSILON))

    def closed_form(self):
        return BiasRedistributionForm(GammaForm(EPSILON))


class TestRedistributeBiasOfRelevance(RuleContract):
    def rule(self):
        return RedistributeBias(WSquare(EPSILON))

    def closed_form(self):
        return BiasRedistributionForm(WSquareForm(EPSILON))


class TestOpposite(RuleContract):
    def rule(self):
        return Opposite(ZPlus(EPSILON))

    def closed_form(self):
        return lambda w, b, x, r: AlphaBetaForm(EPSILON, 1, 0)(-w, -b, x, r)


class TestOppositeGamma(RuleContract):
    def rule(self):
        return Opposite(Gamma(0.25, EPSILON))

    def closed_form(self):
        return lambda w, b, x, r: GammaForm(EPSILON)(-w, -b, x, r)


class TestOppositeOfRelevance(RuleContract):
    def rule(self):
        return Opposite(ZBox(-1.5, 2.0, EPSILON))

    def closed_form(self):
        return lambda w, b, x, r: ZBoxForm(EPSILON, -1.5, 2.0)(-w, -b, x, r)


def prune(r, positive, negative):
    """PLRP-λ, value by value: the smallest are dropped as long as their sum is within the budget."""
    kept = torch.zeros_like(r)
    for sign, share in ((1, positive), (-1, negative)):
        values = sorted((sign * float(v), i) for i, v in enumerate(r) if sign * v > 0)
        budget, whole = share * sum(v for v, _ in values), sum(v for v, _ in values)
        while values and values[0][0] <= budget:
            budget -= values.pop(0)[0]
        rest = sum(v for v, _ in values)
        for value, i in values:
            kept[i] = sign * value * whole / rest
    return kept


class TestPrune(RuleContract):
    def rule(self):
        return Prune(Gamma(0.25, EPSILON), 0.4, 0.7)

    def closed_form(self):
        return lambda w, b, x, r: GammaForm(EPSILON)(w, b, x, prune(r, 0.4, 0.7))


class TestPruneOfRelevance(RuleContract):
    def rule(self):
        return Prune(WSquare(EPSILON), 0.5)

    def closed_form(self):
        return lambda w, b, x, r: WSquareForm(EPSILON)(w, b, x, prune(r, 0.5, 0.25))


class TestNorm(RuleContract):
    def rule(self):
        return Norm(EPSILON)

    def closed_form(self):
        return NormForm(EPSILON)


class TestPass(RuleContract):
    def rule(self):
        return Pass()

    def closed_form(self):
        return lambda w, b, x, r: r

    def operations(self):
        return {"conv2d of the same shape": LinearOperation(lambda: nn.Conv2d(2, 2, 3, padding=1), (2, 4, 5))}


def test_every_rule_of_the_table_is_under_contract():
    tested = [cls().rule() for cls in RuleContract.__subclasses__()]
    assert set(RULES.values()) <= {type(rule) for rule in tested}


def test_pass_hands_relevance_on():
    layer = nn.Conv2d(2, 2, 3, padding=1).double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64)
    out = layer(x).detach()
    assert torch.allclose(explain_layer(Pass(), layer, x, torch.ones_like(out)), out, rtol=1e-14)


@pytest.mark.parametrize("rule", [WSquare(EPSILON), Flat(EPSILON), ZBox(-1.5, 2.0, EPSILON)], ids=repr)
def test_a_rule_that_states_relevance_gives_black_pixels_their_share(rule):
    layer = nn.Linear(4, 3).double()
    relevance = explain_layer(
        rule, layer, torch.zeros(1, 4, dtype=torch.float64), torch.ones(1, 3, dtype=torch.float64)
    )
    assert bool((relevance != 0).all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ZBox(1.0, 0.0), "nowhere above high"),
        (lambda: ZBox(torch.ones(3), torch.zeros(3)), "nowhere above high"),
        (lambda: ZBox(float("nan"), 1.0), r"ZBox\(low=nan\): expected a finite number or tensor"),
        (lambda: ZBox("a", 1.0), "expected a finite number or tensor"),
        (lambda: ZBox(torch.zeros(3), torch.ones(2)), "expected bounds of one shape"),
        (lambda: EpsilonGammaBox(low=2.0, high=1.0), r"EpsilonGammaBox\(low=2.0, high=1.0\)"),
        (lambda: AlphaBeta(float("nan"), 1.0), "expected α, β ≥ 0"),
        (lambda: Gamma(float("inf")), "expected a finite number"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_bounds_that_do_not_fit_the_input_are_named():
    composite = EpsilonGammaBox(low=torch.zeros(3), high=torch.ones(3))
    with pytest.raises(InputError, match=r"a bound of shape \(3,\) does not fit the input \(2, 3, 5, 5\)"):
        Gradient(nn.Conv2d(3, 4, 3), composite)(torch.rand(2, 3, 5, 5), lambda y: y)
