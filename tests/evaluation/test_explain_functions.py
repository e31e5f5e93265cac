"""Functions that explain any model, from methods, composites, classes and functions."""

from functools import partial

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, IntegratedGradients, SmoothGrad
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.methods import (
    FunctionMethod,
    GradCAMMethod,
    IntegratedGradientsMethod,
    RISEMethod,
    SmoothGradMethod,
)
from whyset.errors import InputError
from whyset.evaluation import as_explain, as_explain_with_seeds


@pytest.fixture
def sample():
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 48, 3)]
    model = nn.Sequential(*layers).double().eval()
    return model, torch.rand(4, 2, 6, 8).double(), torch.tensor([0, 2, 1, 1])


@pytest.mark.parametrize(
    ("given", "make"),
    [
        ("epsilon_plus", lambda model: Gradient(model, EpsilonPlus())),
        (EpsilonPlus(), lambda model: Gradient(model, EpsilonPlus())),
        ("gradient", Gradient),
        (Gradient, Gradient),
        (IntegratedGradientsMethod(n_iter=3), lambda model: IntegratedGradients(model, n_iter=3)),
        (partial(IntegratedGradients, n_iter=3), lambda model: IntegratedGradients(model, n_iter=3)),
    ],
)
def test_names_methods_composites_and_classes_are_the_attributor(sample, given, make):
    model, x, target = sample
    expected = make(model)(x.clone(), target=target)[1]
    assert torch.equal(as_explain(given)(model, x, target), expected.detach())
    with torch.no_grad():
        assert torch.equal(as_explain(given)(model, x, target), expected.detach())


def test_a_function_explains_and_its_maps_get_a_channel(sample):
    model, x, target = sample
    found = as_explain(lambda model, x, target: x.sum(1))(model, x, target)
    assert torch.equal(found, x.sum(1, keepdim=True))
    assert as_explain(GradCAMMethod())(model, x, target).shape == (4, 1, 6, 8)


def test_seeds_change_noise_and_masks_for_each_sample(sample):
    model, x, target = sample
    for method in (SmoothGradMethod(n_iter=2), RISEMethod(n_masks=4, cells=3)):
        explain = as_explain_with_seeds(method)
        first, again, other = (explain(model, x, target, seeds) for seeds in ([1, 2, 3, 4], [1, 2, 3, 4], [1, 9, 3, 4]))
        assert torch.equal(first, again)
        same = [torch.equal(a, b) for a, b in zip(first, other, strict=True)]
        assert same == [True, False, True, True]


def test_a_method_that_draws_nothing_ignores_seeds(sample):
    model, x, target = sample
    found = as_explain_with_seeds("epsilon_plus")(model, x, target, [1, 2, 3, 4])
    assert torch.equal(found, as_explain("epsilon_plus")(model, x, target))


def test_seeds_of_functions_are_those_of_the_global_generators(sample):
    model, x, target = sample
    explain = as_explain_with_seeds(FunctionMethod(lambda model, x, target: torch.randn_like(x)))
    first, again, other = (explain(model, x, target, seeds) for seeds in ([1, 2, 3, 4], [1, 2, 3, 4], [1, 9, 3, 4]))
    assert torch.equal(first, again)
    assert not torch.equal(first[1], other[1])
    assert torch.equal(first[2], other[2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("epsilon_minus", "unknown method or composite"),
        (7, "expected a method, a name, a class or a function"),
        (nn.ReLU(), "which does not take a model"),
    ],
)
def test_what_names_no_method_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        as_explain(given)


def test_an_attributor_explains_one_model_only(sample):
    for attribute in (Gradient(sample[0]), SmoothGrad(sample[0]), Gradient(sample[0]).ledger):
        with pytest.raises(InputError, match="does not take a model"):
            as_explain(attribute)
