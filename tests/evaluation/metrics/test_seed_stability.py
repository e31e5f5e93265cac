"""Stability across seeds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from whyset.attribution.methods import SmoothGradMethod
from whyset.evaluation import as_explain, as_explain_with_seeds
from whyset.evaluation.metrics import SeedStability


def test_a_method_without_random_numbers_is_stable(make_samples):
    np.testing.assert_allclose(SeedStability().measure(make_samples()).values, 1, rtol=1e-12)


@pytest.mark.parametrize("draw", [torch.randn, lambda *shape: torch.from_numpy(np.random.standard_normal(shape))])
def test_maps_of_noise_are_not_and_noise_of_torch_and_numpy_is_drawn_again(make_samples, draw):
    """A map plus noise of the same variance has a correlation of 1/2 with itself plus other noise."""
    shape, n = (1, 40, 50), 4
    base = torch.randn(n, *shape, generator=torch.Generator().manual_seed(0)).double()
    batch = make_samples(shape, n=n)
    noise = replace(batch, explain=lambda model, x, target: draw(*x.shape).double())
    assert (np.abs(SeedStability(similarity="pearson").measure(noise).values) < 0.1).all()

    def explain(model, x, target):
        row = int((batch.x == x).flatten(1).all(1).nonzero()[0, 0])
        return base[row : row + 1] + draw(*x.shape).double()

    half = replace(batch, explain=explain)
    np.testing.assert_allclose(SeedStability(similarity="pearson").measure(half).values, 0.5, rtol=0, atol=0.1)


def test_the_global_generators_are_left_as_they_were(make_samples):
    batch = make_samples(explain=lambda model, x, target: torch.randn_like(x) + np.random.rand())
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    SeedStability(n_repeats=1).measure(batch)
    assert (torch.rand(1), np.random.rand()) == expected


def test_methods_with_seeds_are_given_others(make_samples):
    """SmoothGrad draws the same noise in every call, unless it is given seeds; more noise is less stable."""
    found = {}
    for noise in (0.01, 1.0):
        method = SmoothGradMethod(noise_level=noise, n_iter=3)
        batch = make_samples(explain=as_explain(method), explain_with_seeds=as_explain_with_seeds(method))
        found[noise] = SeedStability().measure(batch).values
    assert (found[0.01] > 0.99).all()
    assert (found[1.0] < found[0.01]).all()
    without = make_samples(explain=as_explain(method))
    np.testing.assert_allclose(SeedStability().measure(without).values, 1, rtol=1e-12)
