"""Pruned LRP: sparser layer by layer, with the same sum; the formula of the rule is tested in its contract."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, to_dict
from whyset.attribution.composites import (
    AttnLRP,
    EpsilonAlpha2Beta1,
    EpsilonPlus,
    EpsilonPlusFlat,
    GuidedBackprop,
    PrunedLRP,
)
from whyset.attribution.rules import Prune, ZPlus
from whyset.errors import InputError
from whyset.runner.composites import composite_from_dict

COMPOSITES = [EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), AttnLRP()]
everywhere = pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)


def make(bias=True):
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 6, 3, padding=1, bias=bias), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(6, 5, 3, padding=1, bias=bias), nn.ReLU(), nn.Flatten(), nn.Linear(60, 3, bias=bias)]
    return nn.Sequential(*layers).double().eval(), torch.randn(3, 2, 6, 8, dtype=torch.float64)


@everywhere
def test_nothing_is_changed_where_nothing_is_pruned(composite):
    model, x = make()
    found = Gradient(model, PrunedLRP(composite, 0.0))(x, 1)[1]
    torch.testing.assert_close(found, Gradient(model, composite)(x, 1)[1], rtol=1e-10, atol=1e-14)


@everywhere
def test_relevance_inside_is_sparser_and_its_sum_is_the_same(composite):
    """Without biases all relevance arrives, pruned or not."""
    model, x = make(bias=False)
    counts, sums = [], []
    for positive in (0.0, 0.5, 0.95):
        attribute = Gradient(model, PrunedLRP(composite, positive, positive))
        with attribute.record("2") as record:
            output, relevance = attribute(x, 1)
        counts.append(int((record["2"].relevance.abs() > 1e-12).sum()))
        sums.append(relevance.sum((1, 2, 3)))
    assert counts[0] >= counts[1] > counts[2] > 0
    if isinstance(composite, EpsilonAlpha2Beta1):  # it conserves only where an output has contributions of both signs
        return
    for found in sums:
        torch.testing.assert_close(found, output[:, 1], rtol=1e-4, atol=1e-5)


@everywhere
def test_the_ledger_accounts_for_every_share(composite):
    model, x = make()
    with Gradient(model, PrunedLRP(composite, 0.6)) as attribute, attribute.ledger() as ledger:
        attribute(x, 1)
    ledger.assert_accounted(rtol=1e-10)


def test_a_sample_alone_is_explained_as_in_a_batch():
    model, x = make()
    attribute = Gradient(model, PrunedLRP(EpsilonPlus(), 0.6))
    together = attribute(x, 1)[1]
    for i in range(3):
        torch.testing.assert_close(attribute(x[i : i + 1], 1)[1], together[i : i + 1], rtol=1e-10, atol=1e-14)


def test_equal_relevances_are_kept_or_pruned_together():
    values = torch.tensor([[1.0, 1.0, 1.0, 3.0], [2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    pruned = Prune(ZPlus(), 0.4).receive(values)  # a budget of 2.4: two of the ones fit, and not the third
    torch.testing.assert_close(pruned, values)
    torch.testing.assert_close(
        Prune(ZPlus(), 0.5).receive(values), torch.tensor([[0.0, 0, 0, 6], [2, 2, 2, 2], [0, 0, 0, 0]])
    )


def test_it_can_be_stored_and_rebuilt():
    composite = PrunedLRP(EpsilonPlusFlat(), 0.25, 0.5)
    assert composite_from_dict(to_dict(composite), "run") == composite


@pytest.mark.parametrize(
    ("make_one", "message"),
    [
        (lambda: PrunedLRP("epsilon_plus", 0.5), "expected a composite"),
        (lambda: PrunedLRP(GuidedBackprop(), 0.5), "gives a gradient"),
        (lambda: PrunedLRP(EpsilonPlus(), 1.0), "from 0 to below 1"),
        (lambda: PrunedLRP(EpsilonPlus(), 0.5, -0.1), "from 0 to below 1"),
        (lambda: Prune("z_plus", 0.5), "expected a rule"),
    ],
)
def test_a_mistake_is_an_error(make_one, message):
    with pytest.raises(InputError, match=message):
        make_one()
