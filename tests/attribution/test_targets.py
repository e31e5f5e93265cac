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
    with pytest.raises(InputError, match=r"got str in a sequence: pass several targets by targets="):
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


def make_faint(dtype, value):
    """A linear model whose first output is `value` for an input of ones, and its second 1."""
    model = nn.Linear(2, 2, bias=False).to(dtype)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[value, 0.0], [0.0, 1.0]]))
    return model, torch.ones(1, 2, dtype=dtype)


def explain_in_context(model, x, given):
    leaf = x.clone().requires_grad_()
    with EpsilonPlus().context(model):
        model(leaf).backward(given)
    return leaf.grad


WAYS = {
    "tensor": lambda model, x, given: Gradient(model, EpsilonPlus())(x, given)[1],
    "callable": lambda model, x, given: Gradient(model, EpsilonPlus())(x, lambda output: given)[1],
    "SmoothGrad": lambda model, x, given: SmoothGrad(model, EpsilonPlus(), n_iter=2, noise_level=0)(x, given)[1],
    "context": explain_in_context,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("dtype", "value"), [(torch.bfloat16, 1e-6), (torch.float16, 2e-5), (torch.float16, 1e-6)])
def test_relevance_at_an_output_near_zero_is_right_or_refused_in_half_precision(way, dtype, value):
    model, x = make_faint(dtype, value)
    given = torch.tensor([[1.0, 0.0]])
    if dtype == torch.float16 and 1 / value > torch.finfo(dtype).max:
        with pytest.raises(
            InputError, match=r"relevance 1 at an output of 1\.01e-06: .* which float16 can hold: explain"
        ):
            WAYS[way](model, x, given.to(dtype))
        return
    relevance = WAYS[way](model, x, given.to(dtype))
    expected = WAYS[way](model.double(), x.double(), given.double())
    torch.testing.assert_close(relevance.double(), expected, rtol=4 * torch.finfo(dtype).eps, atol=0)
    assert relevance[0, 0] > 0.4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_other_outputs_near_zero_do_not_disturb_a_reference(dtype):
    model, x = make_faint(dtype, 1e-6)
    _, relevance = Gradient(model, AttnLRP())(x, AboveReference(1, 0.25))
    torch.testing.assert_close(relevance, torch.tensor([[0.0, 0.75]], dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("length", [300.0, 1e-3])
def test_the_cosine_of_long_and_short_embeddings_is_that_of_double_precision(dtype, length):
    """In half precision the product of two lengths of 600 is infinite, and that of two of 0.002 loses its digits."""
    output = length * torch.tensor([[1.0, -1.0, 1.0, 1.0]]).to(dtype)
    other = output.abs()
    expected = nn.functional.cosine_similarity(output.double(), other.double())
    torch.testing.assert_close(
        Similarity(other)(output).sum(1).double(), expected, rtol=4 * torch.finfo(dtype).eps, atol=0
    )


@pytest.mark.parametrize("name", ATTRIBUTORS)
@pytest.mark.parametrize(
    "index", [np.int64(1), np.uint8(1), np.array(1), torch.tensor(1), [np.int32(1), torch.tensor(1)]]
)
def test_whole_numbers_of_numpy_and_torch_are_class_indices(name, index):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.Softplus(), nn.Flatten(), nn.Linear(6, 2)).double().eval()
    attribute, x = ATTRIBUTORS[name](model), torch.rand(2, 2, 3).double()
    assert torch.equal(attribute(x, index)[1], attribute(x, 1)[1])


@pytest.mark.parametrize("name", ATTRIBUTORS)
@pytest.mark.parametrize(
    ("target", "got"),
    [
        (1.5, "1.5"),
        (np.float64(1), "1.0"),
        ([torch.tensor(0.5), torch.tensor(1.0)], "a tensor of float32 in a sequence"),
        ([1.0, 0.0], "float in a sequence"),
        (np.zeros((2, 2)), "ndarray in a sequence"),
        (torch.tensor([0j, 1]), "a tensor of complex64"),
        ("1", "str in a sequence"),
        (object, "object"),
        ([None, 1], "NoneType in a sequence"),
    ],
)
def test_what_is_not_a_whole_number_is_no_class_index(name, target, got):
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2)).double().eval()
    if target is object:
        target = object()
    with pytest.raises(
        InputError, match=f"expected class indices .*{got}.* relevance at the output as a floating point"
    ):
        ATTRIBUTORS[name](model)(torch.rand(2, 2, 3).double(), target)


@pytest.mark.parametrize("target", [Contrast(1.5, 0), Contrast(0, torch.tensor([0.5, 1.0])), AboveReference(0.7, 1.0)])
def test_the_outputs_of_a_contrast_and_of_a_reference_are_whole_numbers_too(target):
    with pytest.raises(InputError, match="expected class indices"):
        target.coefficient(torch.rand(2, 2))
    whole = Contrast(np.int64(1), [0, 0]).coefficient(torch.rand(2, 2))
    assert torch.equal(whole, torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]))
