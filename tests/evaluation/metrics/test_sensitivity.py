"""Sensitivities: those of captum with the same noise, and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max

from whyset.evaluation.metrics import AverageSensitivity, MaxSensitivity


def draw_noise(batch, n_samples, radius):
    """Return the noise (n, n_samples, ...) that a metric draws."""
    drawn = []
    for generator in batch.make_generators():
        drawn.append([generator.uniform(-radius, radius, tuple(batch.x.shape[1:])) for _ in range(n_samples)])
    return torch.from_numpy(np.array(drawn))


@pytest.mark.parametrize("shape", [(7,), (3, 6, 8)])
def test_the_maximum_is_that_of_captum(make_samples, times_input, shape):
    batch = make_samples(shape)
    noise = draw_noise(batch, 6, 0.3)

    def perturb(repeated):
        return repeated[0] + noise.flatten(0, 1) if isinstance(repeated, tuple) else repeated + noise.flatten(0, 1)

    def explain(x, target):
        return (times_input(batch.model, x[0] if isinstance(x, tuple) else x, target),)

    theirs = sensitivity_max(explain, batch.x, perturb_func=perturb, n_perturb_samples=6, target=batch.target)
    found = MaxSensitivity(n_samples=6, radius=0.3).measure(batch)
    np.testing.assert_allclose(found.values, theirs, rtol=1e-9)


def test_distances_of_a_linear_explanation_are_those_of_the_noise(make_samples):
    batch = make_samples(explain=lambda model, x, target: 3 * x)
    batch = replace(batch, relevance=3 * batch.x)
    noise = draw_noise(batch, 4, 0.5)
    relative = noise.flatten(2).norm(dim=2) / batch.x.flatten(1).norm(dim=1)[:, None]
    given = {"n_samples": 4, "radius": 0.5}
    np.testing.assert_allclose(MaxSensitivity(**given).measure(batch).values, relative.amax(1), rtol=1e-9)
    np.testing.assert_allclose(AverageSensitivity(**given).measure(batch).values, relative.mean(1), rtol=1e-9)


def test_no_relevance_has_no_sensitivity(make_samples):
    batch = make_samples(explain=lambda model, x, target: torch.zeros_like(x))
    batch = replace(batch, relevance=torch.zeros_like(batch.x))
    assert np.isnan(MaxSensitivity().measure(batch).values).all()


def test_an_explanation_that_ignores_the_input_is_not_sensitive(make_samples):
    batch = make_samples(explain=lambda model, x, target: torch.ones_like(x))
    batch = replace(batch, relevance=torch.ones_like(batch.x))
    np.testing.assert_array_equal(MaxSensitivity().measure(batch).values, 0)
