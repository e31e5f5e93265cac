"""How much of the input a model needs."""

import numpy as np
import pytest
import torch
from torch import nn

from whyset.evaluation import ExplainedSamples
from whyset.evaluation.metrics import EffectiveComplexity


@pytest.mark.parametrize(("tolerance", "kept"), [(0.5, 4), (1.5, 3), (3.5, 2), (6.5, 1), (10.5, 0)])
def test_the_share_that_is_kept_within_the_tolerance(tolerance, kept):
    """Contributions 4, 3, 2, 1: imputing the k least changes the output by 1, 3, 6, 10. The sign does not matter."""
    x = torch.tensor([[2.0, 4.0, 1.0, 3.0]]).double()
    model = nn.Linear(4, 1, bias=False).double().eval()
    model.weight.data = torch.ones(1, 4).double()
    for sign in (1.0, -1.0):
        batch = ExplainedSamples(model, x, torch.zeros(1).long(), sign * x, np.arange(1))
        metric = EffectiveComplexity(patch_size=1, steps=4, score="output", tolerance=tolerance)
        found = metric.measure(batch)
        np.testing.assert_allclose(found.values, kept / 4)
        np.testing.assert_allclose(found.curves, [[0, 1, 3, 6, 10]], rtol=1e-12)


def test_the_last_step_within_the_tolerance_counts():
    """Contributions 2, -2, 1: imputing one changes the output by 1, two by 1, and all by 1."""
    x = torch.tensor([[3.0, -2.0, 1.0]]).double()
    model = nn.Linear(3, 1, bias=False).double().eval()
    model.weight.data = torch.ones(1, 3).double()
    batch = ExplainedSamples(model, x, torch.zeros(1).long(), x, np.arange(1))
    found = EffectiveComplexity(patch_size=1, steps=3, score="output", tolerance=1.0).measure(batch)
    np.testing.assert_allclose(found.curves, [[0, 1, 1, 2]], rtol=1e-12)
    np.testing.assert_allclose(found.values, 1 / 3)
