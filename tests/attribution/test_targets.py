"""Targets: what relevance starts as, in closed form."""

import captum.attr as captum_attr
import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import (
    AboveReference,
    Captum,
    Contrast,
    Gradient,
    IntegratedGradients,
    Occlusion,
    OutputWeights,
    Similarity,
    SmoothGrad,
)
from whyset.attribution.composites import AttnLRP, EpsilonPlus
from whyset.errors import InputError


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Linear(4, 3, bias=False).double(), torch.randn(5, 4).double()


def test_a_contrast_explains_the_difference(linear):
    model, x = linear
    output, relevance = Gradient(model, AttnLRP())(x, Contrast(2, torch.tensor([0, 1, 0, 1, 0])))
    other = output[torch.arange(5), torch.tensor([0, 1, 0, 1, 0])]
    torch.testing.assert_close(relevance.sum(1), output[:, 2] - other)


def test_above_a_reference_starts_with_the_difference(linear):
    model, x = linear
    output, relevance = Gradient(model, AttnLRP())(x, AboveReference(1, 0.3))
    torch.testing.assert_close(relevance.sum(1), output[:, 1] - 0.3)


@pytest.mark.parametrize("cosine", [True, False])
def test_similarity_of_embeddings(linear, cosine):
    model, x = linear
    other = torch.randn(5, 3).double()
    output, relevance = Gradient(model, AttnLRP())(x, Similarity(other, cosine))
    expected = nn.functional.cosine_similarity(output, other) if cosine else (output * other).sum(1)
    torch.testing.assert_close(relevance.sum(1), expected)


def test_a_callable_must_give_something_like_the_output(linear):
    model, x = linear
    with pytest.raises(InputError, match=r"like the output, of shape \(5, 3\), got \(5,\)"):
        Gradient(model, AttnLRP())(x, lambda output: output[:, 0])


def test_nothing_is_similar_to_an_embedding_of_length_zero():
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU()).double().eval()
    with torch.no_grad():
        model[0].weight.fill_(-1)
    _, relevance = Gradient(model, EpsilonPlus())(torch.rand(2, 4).double(), Similarity(torch.rand(3)))
    assert torch.equal(relevance, torch.zeros(2, 4).double())


ATTRIBUTORS = {
    "gradient": lambda model: Gradient(model),
    "rules": lambda model: Gradient(model, EpsilonPlus()),
    "SmoothGrad": lambda model: SmoothGrad(model, EpsilonPlus(), n_iter=2),
    "IntegratedGradients": lambda model: IntegratedGradients(model, n_iter=2),
    "Occlusion": lambda model: Occlusion(model, window=1, stride=1),
    "Captum": lambda model: Captum(model, captum_attr.Saliency),
}


@pytest.mark.parametrize("name", ATTRIBUTORS)
def test_a_sequence_is_one_class_for_each_sample(name):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Softplus(), nn.Flatten(), nn.Linear(6, 2)).double().eval()
    attribute, x = ATTRIBUTORS[name](model), torch.rand(2, 2, 3).double()
    expected = attribute(x, torch.tensor([0, 1]))[1]
    assert expected.shape == x.shape
    for target in ([0, 1], (0, 1), np.array([0, 1])):
        assert torch.equal(attribute(x, target)[1], expected)
    assert not torch.equal(attribute(x, [1, 0])[1], expected)
    with pytest.raises(InputError, match="expected one target per sample, 2 of them, got"):
        attribute(x, [0, 1, 0])
    with pytest.raises(InputError, match=r"got str in a sequence: give several targets by targets="):
        attribute(x, ["0", "1"])


def test_several_targets_have_a_keyword_of_their_own(linear):
    model, x = linear
    attribute = Gradient(model, AttnLRP())
    _, several = attribute(x, targets=[2, [0, 1, 0, 1, 0], None])
    assert several.shape == (3, 5, 4)
    for number, target in enumerate([2, [0, 1, 0, 1, 0], None]):
        assert torch.equal(several[number], attribute(x, target)[1])
    with pytest.raises(InputError, match="both target and targets"):
        attribute(x, 1, targets=[2])


@pytest.mark.parametrize("composite", [EpsilonPlus(), None])
def test_a_tensor_and_a_callable_are_relevance_at_the_output_as_in_zennit(composite):
    """Also for negative outputs and relevance, with zennit as the oracle, in Gradient and in `composite.context`."""
    from zennit.attribution import Gradient as ZennitGradient
    from zennit.composites import EpsilonPlus as ZennitEpsilonPlus

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 3, 4)).double().eval()
    x, given = torch.rand(3, 2, 5, 4).double(), torch.randn(3, 4).double()
    peer = ZennitGradient(model, None if composite is None else ZennitEpsilonPlus())
    with peer:
        _, expected = peer(x.clone(), given)
    _, relevance = Gradient(model, composite)(x, given)
    torch.testing.assert_close(relevance, expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(Gradient(model, composite)(x, lambda output: given)[1], relevance)
    if composite is not None:
        leaf = x.clone().requires_grad_()
        with composite.context(model):
            model(leaf).backward(given)
        torch.testing.assert_close(leaf.grad, relevance)


def test_a_class_index_explains_the_value_of_its_output(linear):
    model, x = linear
    attribute = Gradient(model, AttnLRP())
    output, relevance = attribute(x, 1)
    torch.testing.assert_close(relevance.sum(1), output[:, 1])
    one_hot = nn.functional.one_hot(torch.full((5,), 1), 3).double()
    torch.testing.assert_close(attribute(x, output * one_hot)[1], relevance)
    torch.testing.assert_close(attribute(x, OutputWeights(one_hot))[1], relevance)
    torch.testing.assert_close(attribute(x, one_hot)[1].sum(1), torch.ones(5).double())


def test_no_relevance_starts_at_an_output_of_zero():
    model = nn.Linear(2, 2, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -1.0], [1.0, 1.0]]))
    _, relevance = Gradient(model, AttnLRP())(torch.ones(1, 2).double(), torch.ones(1, 2).double())
    torch.testing.assert_close(relevance, torch.tensor([[0.5, 0.5]]).double())
