"""Sufficiency and necessity of regions."""

import numpy as np
import torch
from torch import nn

from whyset.evaluation import ExplainedSamples
from whyset.evaluation.metrics import Necessity, Sufficiency


def test_both_are_the_contribution_of_the_region_in_a_linear_model(make_samples):
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).double().eval().requires_grad_(False)
    batch = make_samples(model=model)
    contributions = (model[1].weight[batch.target].view_as(batch.x) * batch.x * batch.masks).flatten(1).sum(1)
    for metric in (Sufficiency(score="output"), Necessity(score="output")):
        np.testing.assert_allclose(metric.measure(batch).values, contributions, rtol=1e-9)


def test_a_region_may_be_sufficient_and_not_necessary():
    """The output is the larger of both pixels."""

    class Either(nn.Module):
        def forward(self, x):
            return torch.stack([x.amax(1), torch.zeros(len(x))], 1)

    x, masks = torch.tensor([[1.0, 1.0]]), torch.tensor([[True, False]])
    batch = ExplainedSamples(Either().eval(), x, torch.zeros(1).long(), x, np.arange(1), masks=masks)
    assert Sufficiency(score="output").measure(batch).values == 1
    assert Necessity(score="output").measure(batch).values == 0


def test_an_empty_mask_has_no_effect_to_measure(make_samples):
    batch = make_samples(masks=torch.zeros(5, 1, 6, 8, dtype=torch.bool))
    assert np.isnan(Sufficiency().measure(batch).values).all()
    assert np.isnan(Necessity().measure(batch).values).all()


def test_the_whole_input_is_as_sufficient_as_necessary(make_samples):
    batch = make_samples(masks=torch.ones(5, 1, 6, 8, dtype=torch.bool))
    first, second = (metric(imputer="uniform").measure(batch).values for metric in (Sufficiency, Necessity))
    np.testing.assert_allclose(first, second, rtol=1e-12)
