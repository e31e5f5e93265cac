"""Infidelity: that of captum for the same perturbations, and linear models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.metrics import infidelity, infidelity_perturb_func_decorator
from torch import nn

from whyset.errors import InputError
from whyset.evaluation.metrics import Infidelity


@pytest.mark.parametrize("shape", [(9,), (2, 11), (3, 6, 8)], ids=str)
@pytest.mark.parametrize("perturbation", ["square", "gaussian"])
@pytest.mark.parametrize("multiply_by_inputs", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_numbers_are_those_of_captum(make_samples, shape, perturbation, multiply_by_inputs, normalize):
    batch = make_samples(shape)
    metric = Infidelity(perturbation, 3, 0.25, 0.2, 5, multiply_by_inputs, normalize)
    generators = batch.make_generators()
    drawn = torch.stack([metric.perturb(batch.x, generators) for _ in range(5)], dim=1)

    @infidelity_perturb_func_decorator(multiply_by_inputs)
    def perturb(repeated, baselines):
        return drawn.flatten(0, 1)

    theirs = infidelity(
        batch.model, perturb, batch.x, batch.relevance, 0.25, target=batch.target, n_perturb_samples=5,
        normalize=normalize,
    )  # fmt: skip
    np.testing.assert_allclose(metric.measure(batch).values, theirs, rtol=1e-8, atol=1e-14)


@pytest.fixture
def linear(make_samples):
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 4)).double().eval().requires_grad_(False)
    return make_samples(model=model)


def test_a_linear_model_is_explained_by_its_contributions_and_by_its_weights(linear):
    weights = linear.model[1].weight[linear.target].view_as(linear.x)
    for perturbation in ("square", "gaussian"):
        metric = Infidelity(perturbation, size=3, n_samples=4)
        assert (metric.measure(replace(linear, relevance=weights * linear.x)).values < 1e-20).all()
        assert (replace_sensitivities(metric).measure(replace(linear, relevance=weights)).values < 1e-20).all()
        assert (metric.measure(replace(linear, relevance=weights)).values > 1e-4).all()


def replace_sensitivities(metric):
    return replace(metric, multiply_by_inputs=False)


def test_the_sum_over_channels_predicts_squares_as_well(linear):
    metric = Infidelity(size=3, n_samples=4)
    one = replace(linear, relevance=linear.relevance.sum(1, keepdim=True))
    np.testing.assert_allclose(metric.measure(one).values, metric.measure(linear).values, rtol=1e-9, atol=1e-20)


@pytest.mark.parametrize("given", [{"perturbation": "gaussian"}, {"multiply_by_inputs": False}])
def test_channels_must_be_known_for_other_perturbations(linear, given):
    one = replace(linear, relevance=linear.relevance.sum(1, keepdim=True))
    with pytest.raises(InputError, match="pass the relevance of all channels"):
        Infidelity(**given).measure(one)


def test_the_scale_of_relevance_does_not_matter_if_it_is_fitted(make_samples):
    batch = make_samples()
    metric = Infidelity(size=3, n_samples=8, normalize=True)
    scaled = replace(batch, relevance=-1000 * batch.relevance)
    np.testing.assert_allclose(metric.measure(scaled).values, metric.measure(batch).values, rtol=1e-9)
    without = replace(batch, relevance=0 * batch.relevance)
    assert (metric.measure(without).values >= metric.measure(batch).values).all()


def test_squares_are_everywhere_in_the_input(make_samples):
    batch = make_samples()
    generators = batch.make_generators()
    metric, changed = Infidelity(size=2), torch.zeros(5, 6, 8)
    for _ in range(300):
        mask = (metric.perturb(batch.x, generators) != batch.x).all(1)
        assert (mask.flatten(1).sum(1) == 4).all()
        changed += mask
    assert (changed > 0).all()
