"""Pixel flipping against closed forms on linear models, and against a loop over patches."""

import math

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError
from whyset.evaluation import BlurImputer, PixelFlipping, UniformImputer
from whyset.evaluation.pixel_flipping import assign_patches, rank_patches

FEATURES = PixelFlipping(patch_size=1, score="output")


def linear_model(n_features, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, n_features, generator=generator, dtype=torch.float64)
    bias = torch.randn(3, generator=generator, dtype=torch.float64)
    return weight, lambda x: x @ weight.T + bias


def convolution():
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
        .double()
        .eval()
        .requires_grad_(False)
    )


@given(seed=st.integers(0, 10**6), n_features=st.integers(1, 12), n=st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_on_a_linear_model_each_step_removes_the_next_contribution(seed, n_features, n):
    """With the contributions as relevance and 0 as imputed value: f(x_k) = f(x) minus the k largest."""
    weight, model = linear_model(n_features, seed)
    x = torch.randn(n, n_features, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    target = torch.arange(n) % 3
    contributions = weight[target] * x
    flipping = PixelFlipping(patch_size=1, steps=n_features, score="output")
    curves = flipping(model, x, contributions, target)
    before = model(x).gather(1, target.unsqueeze(1))
    for curve, ordered in (
        (curves.most_relevant_first, contributions.sort(1, descending=True).values),
        (curves.least_relevant_first, contributions.sort(1).values),
    ):
        expected = torch.cat([before, before - ordered.cumsum(1)], 1)
        np.testing.assert_allclose(curve, expected.T, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(curves.fractions, np.arange(n_features + 1) / n_features)


@given(seed=st.integers(0, 10**6), n_features=st.integers(2, 12))
@settings(deadline=None, max_examples=40)
def test_no_order_gains_more_on_a_linear_model_than_that_of_the_contributions(seed, n_features):
    weight, model = linear_model(n_features, seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, n_features, dtype=torch.float64, generator=generator)
    other = torch.randn(5, n_features, dtype=torch.float64, generator=generator)
    best, random = (FEATURES(model, x, r, 1).relevance_gain for r in (weight[1] * x, other))
    assert (best >= random - 1e-9).all()


def flip_by_loop(model, x, relevance, target, size, values, descending):
    """One sample, one patch after the other, in Python."""
    corners = [(i, j) for i in range(0, x.shape[1], size[0]) for j in range(0, x.shape[2], size[1])]
    of = {(i, j): float(relevance[:, i : i + size[0], j : j + size[1]].sum()) for i, j in corners}
    flipped, scores = x.clone(), []
    for i, j in sorted(corners, key=of.get, reverse=descending):
        scores.append(float(model(flipped[None]).softmax(1)[0, target]))
        flipped[:, i : i + size[0], j : j + size[1]] = values[:, i : i + size[0], j : j + size[1]]
    return [*scores, float(model(flipped[None]).softmax(1)[0, target])]


def test_patches_are_flipped_as_in_a_loop_and_cut_at_the_edge():
    model, x = convolution(), torch.randn(3, 2, 7, 9, dtype=torch.float64)
    relevance, target = torch.randn_like(x), torch.tensor([2, 0, 1])
    flipping = PixelFlipping(patch_size=(2, 4), steps=12, imputer=BlurImputer(2.0))
    curves = flipping(model, x, relevance, target)
    values = BlurImputer(2.0).impute(x, [])
    for row in range(3):
        for curve, descending in ((curves.most_relevant_first, True), (curves.least_relevant_first, False)):
            expected = flip_by_loop(model, x[row], relevance[row], target[row], (2, 4), values[row], descending)
            np.testing.assert_allclose(curve[:, row], expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 9), (5, 2, 4, 6), (5, 1, 3, 4, 5)])
def test_every_kind_of_input_is_flipped_completely_at_the_end(shape):
    x = torch.randn(shape, dtype=torch.float64)
    curves = PixelFlipping(patch_size=2, steps=(0.3, 1.0))(lambda x: x.flatten(1)[:, :3], x, torch.randn_like(x), 1)
    for curve in (curves.most_relevant_first, curves.least_relevant_first):
        np.testing.assert_allclose(curve[-1], 1 / 3)  # three equal outputs


def test_results_do_not_depend_on_the_batch_size():
    model, x = convolution(), torch.randn(7, 2, 6, 8, dtype=torch.float64)
    options = {"patch_size": 2, "steps": 5, "imputer": UniformImputer(-1.0, 1.0)}
    one, all_ = (PixelFlipping(**options, batch_size=size)(model, x, torch.zeros_like(x), 1) for size in (1, 32))
    np.testing.assert_allclose(one.most_relevant_first, all_.most_relevant_first, rtol=1e-12)
    np.testing.assert_allclose(one.least_relevant_first, all_.least_relevant_first, rtol=1e-12)


def test_equal_patches_are_flipped_in_an_order_that_the_seed_decides():
    patches = assign_patches((10,), (1,))
    relevance = torch.zeros(1, 1, 10, dtype=torch.float64)
    relevance[..., 3] = 1
    ranks = [rank_patches(relevance, patches, [np.random.default_rng([seed, 0])])[0] for seed in range(300)]
    assert all(int(rank[3]) == 0 for rank in ranks)
    means = torch.stack(ranks).double().mean(0)
    assert bool(((means - 5).abs() < 5 * 2.6 / math.sqrt(300))[torch.arange(10) != 3].all())  # 1 to 9, uniformly
    model, x = convolution(), torch.randn(2, 2, 6, 8, dtype=torch.float64)
    scores = [PixelFlipping(2, seed=s)(model, x, torch.zeros_like(x), 0).most_relevant_first for s in (0, 0, 1)]
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_attributors_of_whyset_and_captum_and_their_maps_give_the_same_curves():
    model, x, target = convolution(), torch.randn(5, 2, 6, 8, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    flipping = PixelFlipping(patch_size=2, steps=4, batch_size=2)
    for attributor, relevance in (
        (Gradient(model, EpsilonPlus()), Gradient(model, EpsilonPlus())(x, target)[1]),
        (IntegratedGradients(model).attribute, IntegratedGradients(model).attribute(x, target=target)),
    ):
        by_call, by_maps = (flipping(model, x, explanation, target) for explanation in (attributor, relevance))
        np.testing.assert_allclose(by_call.most_relevant_first, by_maps.most_relevant_first, rtol=1e-12)
    summed = flipping(model, x, relevance.sum(1, keepdim=True), target)
    np.testing.assert_allclose(summed.most_relevant_first, by_maps.most_relevant_first, rtol=1e-12)


def test_the_default_target_is_the_largest_output():
    model, x = convolution(), torch.randn(5, 2, 6, 8, dtype=torch.float64)
    curves = PixelFlipping(patch_size=2)(model, x, torch.randn_like(x))
    assert curves.target.tolist() == model(x).argmax(1).tolist()


def test_inputs_stay_as_they_are_if_the_model_or_the_attributor_writes_into_them():
    model = nn.Sequential(nn.ReLU(inplace=True), convolution()).eval()
    x = torch.randn(4, 2, 6, 8, dtype=torch.float64)
    before = x.clone()
    curves = PixelFlipping(2)(model, x, lambda images, target: images.mul_(2))
    assert torch.equal(x, before)
    expected = PixelFlipping(2)(model, x, 2 * before)
    np.testing.assert_array_equal(curves.most_relevant_first, expected.most_relevant_first)


def test_one_order_alone_is_that_of_both():
    model, x = convolution(), torch.randn(2, 2, 6, 8, dtype=torch.float64)
    relevance = torch.randn_like(x)
    both = PixelFlipping(2)(model, x, relevance)
    for order in ("most_relevant_first", "least_relevant_first"):
        alone = PixelFlipping(2, order=order)(model, x, relevance)
        np.testing.assert_array_equal(getattr(alone, order), getattr(both, order))
        with pytest.raises(InputError, match="was not computed"):
            _ = alone.relevance_gain


def test_a_single_output_is_scored_by_its_sigmoid():
    x = torch.randn(4, 6, dtype=torch.float64)
    curves = PixelFlipping(patch_size=1, steps=1)(lambda x: x.sum(1), x, x)
    np.testing.assert_allclose(curves.most_relevant_first[0], x.sum(1).sigmoid())
    np.testing.assert_allclose(curves.most_relevant_first[1], 0.5)


def test_probabilities_are_followed_as_they_are():
    model, x = convolution(), torch.randn(2, 2, 6, 8, dtype=torch.float64)
    relevance = torch.randn_like(x)
    of_logits = PixelFlipping(2)(model, x, relevance)
    of_probabilities = PixelFlipping(2, score="output")(nn.Sequential(model, nn.Softmax(1)).eval(), x, relevance)
    np.testing.assert_allclose(of_probabilities.most_relevant_first, of_logits.most_relevant_first, rtol=1e-12)


def broken(x):
    relevance = torch.zeros_like(x)
    relevance[3, 0, 0, 0] = math.nan
    return relevance


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"explanation": broken}, r"1 samples is not finite \(sample 3 is the first\)"),
        ({"explanation": lambda x: x[:2]}, "expected relevance of 5 samples, got 2"),
        ({"explanation": lambda x: x[..., :-1]}, r"expected relevance of shape \(5, 2, 6, 8\), got \(5, 2, 6, 7\)"),
        ({"explanation": lambda x: "map"}, "expected a callable or a tensor, got str"),
        ({"target": 3}, "expected classes from 0 to 2"),
        ({"target": [0, 1]}, "one for each of 5 samples"),
        ({"target": 0.5}, "expected a class index"),
        ({"model": lambda x: x}, r"expected one tensor of outputs \(5, classes\)"),
        ({"model": lambda x: x.flatten(1).softmax(1)}, "are probabilities already"),
        ({"model": lambda x: x.flatten(1) / 0}, "outputs of the model are not finite"),
        ({"x": torch.ones(5, 2, 6, 8, dtype=torch.long)}, "expected floating point inputs"),
        ({"flipping": PixelFlipping(patch_size=(1, 2, 3))}, "expected one number, or 2"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_what_was_expected(change, message):
    torch.manual_seed(0)
    x = torch.randn(5, 2, 6, 8, dtype=torch.float64)
    explanation = change.get("explanation", torch.zeros_like)(x)
    flipping = change.get("flipping", PixelFlipping())
    with pytest.raises(InputError, match=message):
        flipping(change.get("model", convolution()), change.get("x", x), explanation, change.get("target", 1))


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(InputError, match=r"call model.eval\(\)"):
        PixelFlipping()(convolution().train(), torch.randn(1, 2, 6, 8).double(), torch.zeros(1, 2, 6, 8))


@pytest.mark.parametrize(
    "wrong",
    [
        {"patch_size": 0},
        {"steps": 0},
        {"steps": ()},
        {"steps": (0.5, 0.5)},
        {"steps": (0.5, 1.5)},
        {"steps": (0.0, 1.0)},
        {"imputer": "inpainting"},
        {"score": "loss"},
        {"order": "random"},
        {"batch_size": 0},
        {"seed": -1},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        PixelFlipping(**wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "cat"}, "expected a class, or one for each of 5 samples, got 'cat'"),
        ({"target": [None] * 5}, "expected a class, or one for each of 5 samples"),
        ({"model": None}, "expected a module or a callable, got NoneType"),
        ({"x": torch.full((5, 1, 6, 6), math.nan)}, "x: the inputs are not finite"),
        ({"explanation": torch.ones(5, 1, 6, 6) * 1j}, "complex numbers"),
        (
            {"x": torch.ones(5, 1, 6, 6).double()},
            r"parameters of float32, and got inputs of float64.*x.to\(torch.float32",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_named(change, message):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 3)).eval()
    given = {"model": model, "x": torch.rand(5, 1, 6, 6), "explanation": torch.rand(5, 1, 6, 6)} | change
    with pytest.raises(InputError, match=message):
        PixelFlipping(patch_size=2)(**given)


def test_a_patch_larger_than_the_input_is_refused():
    with pytest.raises(InputError, match="a patch is larger than an input of shape"):
        PixelFlipping(patch_size=7)(linear_model(6)[1], torch.rand(5, 6).double(), torch.rand(5, 6))
