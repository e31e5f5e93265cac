"""Relevance of another class."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from whyset.evaluation import ExplainedSamples, as_explain
from whyset.evaluation.metrics import RandomLogit
from whyset.evaluation.metrics.similarity import compare_maps


def test_the_other_class_is_never_the_explained_one_and_any_other(make_samples):
    seen = []
    batch = make_samples(n=60)

    def explain(model, x, target):
        seen.append(target.clone())
        return x

    RandomLogit().measure(replace(batch, explain=explain))
    assert (seen[0] != batch.target).all()
    assert {tuple(pair) for pair in torch.stack([batch.target, seen[0]], 1).tolist()} == {
        (a, b) for a in range(4) for b in range(4) if a != b
    }


def test_two_classes_of_opposite_relevance(make_samples, times_input):
    """With a linear model of two classes whose weights are opposite, correlations are -1."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2, bias=False)).double().eval()
    model[1].weight.data[1] = -model[1].weight.data[0]
    x, target = torch.randn(4, 1, 6, 8).double(), torch.tensor([0, 1, 0, 1])
    batch = make_samples((1, 6, 8), n=4)
    batch = replace(batch, model=model, x=x, target=target, relevance=times_input(model, x, target))
    for similarity in ("pearson", "spearman", "cosine"):
        np.testing.assert_allclose(RandomLogit(similarity).measure(batch).values, -1, rtol=1e-9)
        np.testing.assert_allclose(RandomLogit(similarity, absolute=True).measure(batch).values, 1, rtol=1e-9)


def test_scales_do_not_matter(make_samples, times_input):
    batch = make_samples()

    def explain(model, x, target):
        scale = torch.where(target == batch.target, 1.0, 1e3).view(-1, 1, 1, 1)
        return scale * times_input(model, x, target)

    found = RandomLogit().measure(replace(batch, explain=explain)).values
    np.testing.assert_allclose(found, RandomLogit().measure(batch).values, rtol=1e-9)
    again = replace(batch, explain=lambda model, x, target: 2 * batch.relevance)
    np.testing.assert_allclose(RandomLogit().measure(again).values, 1, rtol=1e-9)
    maps = batch.relevance.sum(1).flatten(1).numpy()
    assert (compare_maps(maps, 2 * maps, (6, 8), "ssim") < 0.99).all()  # without the scaling


def test_a_single_output_has_no_other_class(make_samples):
    model = nn.Sequential(nn.Flatten(), nn.Linear(144, 1)).double().eval()
    batch = replace(make_samples(), model=model, target=torch.zeros(5).long())
    assert np.isnan(RandomLogit().measure(batch).values).all()


def test_guided_backpropagation_hardly_depends_on_the_class():
    """As Sixt 2020 finds; the gradient of the same network does."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(width, 24, 3, padding=1), nn.ReLU()) for width in (3, 24, 24, 24)]
    layers = [*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)]
    model, x = nn.Sequential(*layers).double().eval(), torch.rand(12, 3, 16, 20).double()
    target, found = torch.arange(12) % 10, {}
    for name in ("guided_backprop", "gradient"):
        explain = as_explain(name)
        batch = ExplainedSamples(model, x, target, explain(model, x, target), np.arange(12), explain=explain)
        found[name] = RandomLogit("cosine").measure(batch).values
    assert found["guided_backprop"].mean() > found["gradient"].mean() + 0.5
