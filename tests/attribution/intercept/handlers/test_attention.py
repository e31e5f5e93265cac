"""Attention whose mask leaves a query without any key: the fused call returns zeros there, and relevance is finite."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import CPLRP, AttnLRP, EpsilonPlus

ALLOWED = torch.tensor([[False, False, False], [True, True, False], [True, True, True]])


class Attention(nn.Module):
    def __init__(self, mask):
        super().__init__()
        torch.manual_seed(0)
        self.project, self.mask = nn.Linear(4, 12), mask

    def forward(self, x):
        q, k, v = self.project(x).chunk(3, -1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask(q)).mean(1)


MASKS = {
    "boolean": lambda q: ALLOWED,
    "float": lambda q: torch.zeros(3, 3, dtype=q.dtype).masked_fill(~ALLOWED, -math.inf),
    "of the input": lambda q: torch.tanh(q.sum(-1, keepdim=True)).expand(-1, 3, 3).masked_fill(~ALLOWED, -math.inf),
}


@pytest.mark.parametrize("composite", [AttnLRP(), CPLRP(), EpsilonPlus()], ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("mask", MASKS)
def test_a_query_without_keys_has_finite_relevance_and_derivatives(mask, composite):
    model = Attention(MASKS[mask]).double().eval()
    x = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    output, expected = Gradient(model, composite)(x, 0)
    torch.testing.assert_close(output, model(x))
    assert expected.isfinite().all()

    leaf = x.clone().requires_grad_()
    _, relevance = Gradient(model, composite, create_graph=True)(leaf, 0)
    torch.testing.assert_close(relevance.detach(), expected)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    weights = torch.arange(12, dtype=torch.float64).view(3, 4)
    (slope,) = torch.autograd.grad((relevance * weights).sum(), leaf)
    above, below = ((Gradient(model, composite)(x + s * 1e-5 * direction, 0)[1] * weights).sum() for s in (1, -1))
    torch.testing.assert_close((slope * direction).sum(), (above - below) / 2e-5, rtol=1e-6, atol=1e-8)
