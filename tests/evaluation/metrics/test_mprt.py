"""Randomization of parameters: what depends on the model, and what does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from whyset.errors import InputError
from whyset.evaluation.metrics import MPRT, SmoothMPRT
from whyset.evaluation.metrics.random_models import randomize


@pytest.mark.parametrize("order", ["top_down", "bottom_up", "independent"])
def test_the_curve_compares_with_each_random_model(make_samples, times_input, order):
    batch = make_samples()
    found = MPRT(order=order, absolute=False).measure(batch)
    assert found.fractions.tolist() == [0, 0.5, 1]
    np.testing.assert_allclose(found.curves[:, 0], 1, rtol=1e-12)
    before = batch.relevance.sum(1).flatten(1)
    for count, model in randomize(batch.model, 3, order, [1, 2]):
        after = times_input(model, batch.x, batch.target).sum(1).flatten(1)
        expected = [spearmanr(a, b).statistic for a, b in zip(before, after, strict=True)]
        np.testing.assert_allclose(found.curves[:, count], expected, rtol=1e-9)
    np.testing.assert_allclose(found.values, found.curves[:, 1:].mean(1), rtol=1e-12)


def test_an_explanation_of_the_input_alone_does_not_change(make_samples):
    batch = make_samples(explain=lambda model, x, target: x)
    batch = replace(batch, relevance=batch.x)
    np.testing.assert_allclose(MPRT().measure(batch).values, 1, rtol=1e-12)
    np.testing.assert_allclose(SmoothMPRT(n_samples=3).measure(batch).values, 1, rtol=1e-12)


def test_a_sign_that_flips_is_the_same_absolute_map(make_samples):
    batch = make_samples()

    def explain(model, x, target):
        return x if model is batch.model else -x

    batch = replace(batch, explain=explain, relevance=batch.x)
    np.testing.assert_allclose(MPRT(absolute=True).measure(batch).values, 1, rtol=1e-12)
    np.testing.assert_allclose(MPRT(absolute=False).measure(batch).values, -1, rtol=1e-12)


def test_fewer_steps_are_some_of_all(make_samples):
    layers = [nn.Flatten(), nn.Linear(144, 9), nn.Tanh(), nn.Linear(9, 9), nn.Tanh(), nn.Linear(9, 9), nn.Linear(9, 4)]
    batch = make_samples(model=nn.Sequential(*layers).double().eval())
    every = MPRT().measure(batch)
    for n_steps, chosen in ((1, [0, 4]), (2, [0, 2, 4]), (4, range(5)), (9, range(5))):
        some = MPRT(n_steps=n_steps).measure(batch)
        np.testing.assert_array_equal(some.curves, every.curves[:, chosen])
        np.testing.assert_array_equal(some.fractions, every.fractions[list(chosen)])


def test_similarities_that_are_not_defined_are_left_out(make_samples, times_input):
    """Relevance of the completely random model is 0, or not finite."""
    for strange in (0.0, torch.inf):
        batch = make_samples()

        def explain(model, x, target, batch=batch, strange=strange):
            found = times_input(model, x, target)
            changed = not torch.equal(model[0].weight, batch.model[0].weight)
            return torch.full_like(found, strange) if changed else found

        found = MPRT().measure(replace(batch, explain=explain))
        assert np.isnan(found.curves[:, 2]).all()
        np.testing.assert_array_equal(found.values, found.curves[:, 1])


def test_the_smooth_form_compares_means_over_noise(make_samples, times_input):
    batch = make_samples()
    found = SmoothMPRT(n_samples=3, noise_level=0.2, absolute=False).measure(batch)
    span = batch.x.flatten(1).amax(1) - batch.x.flatten(1).amin(1)
    drawn = [[g.standard_normal((3, 6, 8)) for _ in range(3)] for g in batch.make_generators()]
    noise = 0.2 * span[:, None, None, None, None] * torch.from_numpy(np.array(drawn))

    def smooth(model):
        maps = [times_input(model, batch.x + noise[:, k], batch.target) for k in range(3)]
        return torch.stack(maps).mean(0).sum(1).flatten(1)

    before = smooth(batch.model)
    for count, model in randomize(batch.model, 3, "bottom_up", [1, 2]):
        expected = [spearmanr(a, b).statistic for a, b in zip(before, smooth(model), strict=True)]
        np.testing.assert_allclose(found.curves[:, count], expected, rtol=1e-9)


def test_a_model_without_parameters_is_refused(make_samples):
    batch = replace(make_samples(), model=nn.Flatten().eval())
    with pytest.raises(InputError, match="has no parameters"):
        MPRT().measure(batch)
