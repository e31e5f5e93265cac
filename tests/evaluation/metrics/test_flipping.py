"""Metrics by pixel flipping: closed forms of linear models, and the curves step by step."""

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn

from whyset.evaluation import BlurImputer, ExplainedSamples, PixelFlipping
from whyset.evaluation.metrics import (
    ROAD,
    Deletion,
    Insertion,
    LeastRelevantFirst,
    MostRelevantFirst,
    RelevanceGain,
)


@pytest.fixture
def linear():
    """Contributions 6, 5, 4, ..., 1 in another order, and a model whose output is their sum."""
    contributions = torch.tensor([[3.0, 6.0, 1.0, 5.0, 2.0, 4.0]], dtype=torch.float64)
    model = nn.Linear(6, 1, bias=False).double().eval()
    model.weight.data = torch.ones(1, 6).double()
    return ExplainedSamples(model, contributions, torch.zeros(1).long(), contributions, np.arange(1))


def test_areas_of_a_linear_model(linear):
    """Most relevant first: 21, 15, 10, 6, 3, 1, 0; least relevant first: 21, 20, 18, 15, 11, 6, 0."""
    given = {"patch_size": 1, "steps": 6, "score": "output"}
    first, last = np.array([21, 15, 10, 6, 3, 1, 0]), np.array([21, 20, 18, 15, 11, 6, 0])
    for metric, curve in ((MostRelevantFirst, first), (LeastRelevantFirst, last), (RelevanceGain, last - first)):
        found = metric(**given).measure(linear)
        np.testing.assert_allclose(found.curves, [curve], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.values, trapezoid(curve) / 6, rtol=1e-12)
        np.testing.assert_allclose(found.fractions, np.arange(7) / 6)
    deletion = Deletion(steps=6, score="output").measure(linear)
    np.testing.assert_allclose(deletion.values, trapezoid(first) / 6, rtol=1e-12)
    insertion = Insertion(steps=6, imputer="constant", score="output").measure(linear)
    np.testing.assert_allclose(insertion.curves, [[0, 6, 11, 15, 18, 20, 21]], rtol=1e-12, atol=1e-12)


def test_insertion_restores_the_most_relevant_positions_of_a_blurred_input(make_samples):
    batch = make_samples()
    found = Insertion(steps=6, imputer="blur(sigma=2)").measure(batch)
    blurred = BlurImputer(2.0).impute(batch.x, [])
    order = batch.relevance.sum(1).flatten(1).argsort(descending=True)
    for step, fraction in enumerate(found.fractions):
        count = round(fraction * 48)
        x = blurred.clone().flatten(2)
        for row in range(len(x)):
            x[row, :, order[row, :count]] = batch.x.flatten(2)[row, :, order[row, :count]]
        scores = batch.model(x.view_as(batch.x)).softmax(1).gather(1, batch.target[:, None])[:, 0]
        np.testing.assert_allclose(found.curves[:, step], scores, rtol=1e-9)
    np.testing.assert_allclose(found.values, trapezoid(found.curves, found.fractions, axis=1), rtol=1e-12)


def test_the_curves_are_those_of_pixel_flipping(make_samples):
    batch = make_samples()
    curves = PixelFlipping(patch_size=3, steps=4, seed=3)(batch.model, batch.x, batch.relevance, batch.target)
    gain = RelevanceGain(patch_size=3, steps=4).measure(batch)
    np.testing.assert_allclose(gain.values, curves.relevance_gain, rtol=1e-12)
    np.testing.assert_array_equal(gain.fractions, curves.fractions)


def test_road_follows_whether_the_target_is_the_largest_output(make_samples):
    batch = make_samples()
    found = ROAD().measure(batch)
    assert set(np.unique(found.curves)) <= {0.0, 1.0}
    np.testing.assert_array_equal(found.curves[:, 0], (batch.model(batch.x).argmax(1) == batch.target).numpy())
    np.testing.assert_allclose(found.values, found.curves[:, 1:].mean(1), rtol=1e-12)
    np.testing.assert_allclose(found.fractions * 48, [0, 5, 10, 14, 19, 24, 29, 34, 38, 43])


def test_a_random_order_gains_nothing_on_average(make_samples):
    batch = make_samples(n=400)
    generator = torch.Generator().manual_seed(0)
    random = ExplainedSamples(
        batch.model, batch.x, batch.target, torch.randn(400, 3, 6, 8, generator=generator), batch.rows
    )
    gains = RelevanceGain(patch_size=1, steps=6).measure(random).values
    assert abs(gains.mean()) < 4 * gains.std() / 20
    assert RelevanceGain(patch_size=1, steps=6).measure(batch).values.mean() > 4 * gains.std() / 20
