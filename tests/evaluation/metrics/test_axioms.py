"""Completeness, and relevance without effect."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from whyset.attribution import Gradient, IntegratedGradients
from whyset.attribution.composites import EpsilonPlus
from whyset.evaluation import ExplainedSamples
from whyset.evaluation.metrics import CompletenessError, NonSensitivity


def test_integrated_gradients_are_complete_up_to_their_steps(make_samples):
    batch, errors = make_samples(), []
    for n_iter in (4, 256):
        attribute = IntegratedGradients(batch.model, n_iter=n_iter)
        relevance = attribute(batch.x.clone(), target=batch.target)[1].detach()
        errors.append(CompletenessError(baseline=0.0).measure(replace(batch, relevance=relevance)).values)
    assert (errors[1] < 1e-3).all()
    assert (errors[1] < errors[0]).all()


def test_rules_conserve_the_output_of_a_model_without_biases():
    torch.manual_seed(0)
    layers = [nn.Linear(9, 7, bias=False), nn.ReLU(), nn.Linear(7, 3, bias=False)]
    model, x = nn.Sequential(*layers).double().eval(), torch.rand(6, 9).double()
    target = model(x).argmax(1)
    relevance = Gradient(model, EpsilonPlus())(x.clone(), target=target)[1].detach()
    batch = ExplainedSamples(model, x, target, relevance, np.arange(6))
    assert (CompletenessError().measure(batch).values < 1e-4).all()  # up to the stabilizer
    doubled = replace(batch, relevance=2 * relevance)
    np.testing.assert_allclose(CompletenessError().measure(doubled).values, 1, rtol=1e-3)


def test_the_error_is_absolute_or_relative(make_samples):
    batch = make_samples()
    output = batch.model(batch.x).gather(1, batch.target[:, None])[:, 0]
    error = (batch.relevance.flatten(1).sum(1) - output).abs()
    np.testing.assert_allclose(CompletenessError(relative=False).measure(batch).values, error, rtol=1e-9)
    np.testing.assert_allclose(CompletenessError().measure(batch).values, error / output.abs(), rtol=1e-9)


def test_an_output_that_does_not_differ_has_no_relative_error(make_samples):
    batch = replace(make_samples(), x=torch.zeros(5, 3, 6, 8).double())
    assert np.isnan(CompletenessError(baseline=0.0).measure(batch).values).all()
    assert np.isfinite(CompletenessError(baseline=0.0, relative=False).measure(batch).values).all()


def test_patches_are_counted_where_relevance_and_effect_disagree():
    """Pixels 0 and 1 have an effect; pixels 1 and 2 have relevance."""
    model = nn.Linear(4, 1, bias=False).double().eval()
    model.weight.data = torch.tensor([[1.0, 2.0, 0.0, 0.0]]).double()
    x, relevance = torch.ones(1, 4).double(), torch.tensor([[0.0, 1.0, -1.0, 0.0]]).double()
    batch = ExplainedSamples(model, x, torch.zeros(1).long(), relevance, np.arange(1))
    assert NonSensitivity(patch_size=1).measure(batch).values == 2
    assert NonSensitivity(patch_size=2).measure(batch).values == 1  # the second pair has relevance only
    assert NonSensitivity(patch_size=4).measure(batch).values == 0


def test_contributions_of_a_linear_model_agree_with_its_effects(make_samples):
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).double().eval().requires_grad_(False)
    model[1].weight.data[:, ::2] = 0
    batch = make_samples(model=model)
    assert (NonSensitivity(patch_size=1).measure(batch).values == 0).all()
