"""Penalties of right reasons: against closed forms and finite differences, and where they have no meaning."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.fixing.training import RightReasons, RightRelevance
from whyset.fixing.training.right_reasons import find_regions

from .conftest import CORNER, SIDE


@pytest.fixture
def mask():
    found = torch.zeros(4, 1, SIDE, SIDE, dtype=torch.bool)
    found[CORNER] = True
    return found


def test_the_region_is_what_carriers_insert(toy, mask):
    found = find_regions(toy.task, np.arange(4), np.random.default_rng(0))
    assert torch.equal(found, mask)


def test_the_penalty_of_a_linear_model_is_that_of_its_weights(toy, mask):
    """Of logits W x, Σ_k log p_k has the gradient Σ_k (w_k − Σ_j p_j w_j)."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 3)).double()
    x = toy.task.read(np.arange(4)).double()
    p, weight = model(x).softmax(1), model[1].weight
    gradient = (weight.sum(0) - 3 * p @ weight).view(4, 1, SIDE, SIDE)
    expected = (gradient * mask).square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(RightReasons().penalize(model, toy.task, x, mask), expected)


def test_the_share_of_relevance_of_a_linear_model_is_that_of_its_products(toy, mask):
    model = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 3, bias=False)).double()
    x = toy.task.read(np.arange(4)).double()
    relevance = (x.flatten(1) * model[1].weight[0]).abs()
    expected = ((relevance * mask.flatten(1)).sum(1) / relevance.sum(1)).square().mean()
    found = RightRelevance(composite="epsilon_plus").penalize(model, toy.task, x, mask)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fix", [RightReasons(), RightRelevance()], ids=lambda fix: fix.name)
def test_the_gradient_of_the_penalty_is_that_of_finite_differences(toy, mask, fix):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softplus(), nn.Flatten(), nn.Linear(128, 3)).double().eval()
    x = toy.task.read(np.arange(4)).double()
    weight = model[0].weight
    (found,) = torch.autograd.grad(fix.penalize(model, toy.task, x, mask), weight)
    direction, step = torch.randn_like(weight), 1e-5
    values = []
    for sign in (1, -1):
        weight.data += sign * step * direction
        values.append(float(fix.penalize(model, toy.task, x, mask)))
        weight.data -= sign * step * direction
    assert float((found * direction).sum()) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def test_evidence_that_is_everywhere_is_refused(toy):
    task = replace(toy.task, insert=lambda sources, hosts, x: x + 1)
    with pytest.raises(InputError, match="changes 100% of the positions"):
        RightReasons().apply(task)
