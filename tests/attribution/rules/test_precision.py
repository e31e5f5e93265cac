"""Sums by subtraction must not leak relevance: float32 against float64 where nothing contributes positively."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, OutputWeights
from whyset.attribution.composites import LayerMapComposite
from whyset.attribution.rules import AlphaBeta, ZPlus


@pytest.mark.parametrize("rule", [ZPlus(), AlphaBeta(2, 1)], ids=["z_plus", "alpha_beta"])
def test_outputs_without_positive_contributions_leak_nothing(rule):
    composite = LayerMapComposite(layer_map=(("linear", rule),))
    for seed in range(200):
        torch.manual_seed(seed)
        layer, x, c = nn.Linear(4, 3).double(), torch.randn(1, 4).double(), torch.randn(1, 3).double()
        expected = Gradient(layer, composite)(x, OutputWeights(c))[1]
        got = Gradient(layer.float(), composite)(x.float(), OutputWeights(c.float()))[1]
        assert (got - expected).abs().max() <= 1e-3 * expected.abs().max().clamp(min=1e-3), seed
