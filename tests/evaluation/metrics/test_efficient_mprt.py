"""The rise of the entropy of relevance, by closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from whyset.evaluation.metrics import EfficientMPRT


def test_the_rise_is_relative_to_the_entropy_before(make_samples):
    """Two values of equal frequency have the entropy log 2; four have log 4."""
    batch = make_samples((1, 4, 6))
    two, four = (torch.arange(24).remainder(k).double().view(1, 1, 4, 6).expand(5, -1, -1, -1) for k in (2, 4))

    def explain(model, x, target):
        return two if model is batch.model else four

    found = EfficientMPRT().measure(replace(batch, explain=explain, relevance=two))
    np.testing.assert_allclose(found.values, 1, rtol=1e-12)
    other = EfficientMPRT(n_bins=2).measure(replace(batch, explain=explain, relevance=two))
    np.testing.assert_allclose(other.values, 0, atol=1e-12)  # two bins hold no more


def test_a_constant_map_has_no_entropy_to_rise_from(make_samples):
    batch = make_samples()
    assert np.isnan(EfficientMPRT().measure(replace(batch, relevance=torch.ones_like(batch.x))).values).all()
    infinite = replace(batch, explain=lambda model, x, target: x * torch.inf)
    assert np.isnan(EfficientMPRT().measure(infinite).values).all()


@pytest.mark.parametrize("values", [(1.0, 1.0 + 2**-52), (1.0, 1.0 + 2**-46)], ids=["ulp", "64 ulps"])
def test_a_map_that_is_constant_but_for_rounding_has_no_entropy_to_rise_from(values, make_samples):
    batch = make_samples()
    relevance = torch.full(batch.x.shape, values[0], dtype=torch.float64)
    relevance.flatten(1)[:, 0] = values[1]
    assert np.isnan(EfficientMPRT().measure(replace(batch, relevance=relevance)).values).all()


@pytest.mark.parametrize("scale", [1e-310, 1e307])
def test_the_entropy_does_not_depend_on_the_scale(scale, make_samples):
    batch = make_samples()
    two, four = (torch.arange(24).remainder(k).double().view(1, 1, 4, 6).expand(5, -1, -1, -1) for k in (2, 4))
    found = EfficientMPRT().measure(
        replace(batch, explain=lambda model, x, target: scale * four, relevance=scale * two)
    )
    np.testing.assert_allclose(found.values, 1, rtol=1e-12)


def test_all_layers_are_random(make_samples):
    seen = []
    batch = make_samples()

    def explain(model, x, target):
        seen.append(model)
        return x

    EfficientMPRT().measure(replace(batch, explain=explain))
    pairs = zip(seen[0].parameters(), batch.model.parameters(), strict=True)
    assert len(seen) == 1
    assert not any(torch.equal(after, before) for after, before in pairs)
