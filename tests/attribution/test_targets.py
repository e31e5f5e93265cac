"""Targets: what relevance starts as, in closed form."""

import pytest
import torch
from torch import nn

from whyset.attribution import AboveReference, Contrast, Gradient, Similarity
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
