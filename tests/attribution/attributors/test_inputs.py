"""Several inputs and dictionaries: relevance in their structure, equal to that of one input which holds them all."""

from collections import UserDict

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import Conditional, Gradient, IntegratedGradients, Occlusion, SmoothGrad
from whyset.attribution.attributors.captum import Captum
from whyset.attribution.composites import AttnLRP, EpsilonPlus, EpsilonPlusFlat
from whyset.errors import InputError


class Two(nn.Module):
    """An image and a table, joined after a layer of each."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.of_image, self.of_table, self.head = nn.Linear(6, 4), nn.Linear(2, 4), nn.Linear(8, 3)
        self.double().eval()

    def forward(self, image, table):
        hidden = torch.cat([self.of_image(image.flatten(1)), self.of_table(table)], 1)
        return self.head(torch.relu(hidden))


class Packed(nn.Module):
    """The same model on one tensor that holds both inputs."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x[:, :6].unflatten(1, (2, 3)), x[:, 6:])


def make_inputs():
    torch.manual_seed(1)
    return torch.randn(3, 2, 3, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)


@pytest.mark.parametrize("composite", [EpsilonPlus(), EpsilonPlusFlat(), AttnLRP(), None], ids=str)
def test_several_inputs_are_explained_as_one_that_holds_them(composite):
    model, (image, table) = Two(), make_inputs()
    packed = torch.cat([image.flatten(1), table], 1)
    expected_output, expected = Gradient(Packed(model), composite)(packed, 1)
    output, relevance = Gradient(model, composite)((image, table), 1)
    assert isinstance(relevance, tuple)
    assert [part.shape for part in relevance] == [image.shape, table.shape]
    found = torch.cat([relevance[0].flatten(1), relevance[1]], 1)
    torch.testing.assert_close((output, found), (expected_output, expected), rtol=1e-10, atol=1e-14)


def test_relevance_has_the_structure_of_the_inputs():
    model, (image, table) = Two(), make_inputs()
    attribute = Gradient(model, EpsilonPlus())
    expected = attribute((image, table), 1)[1]
    listed = attribute([image, table], 1)[1]
    assert isinstance(listed, list)
    for batch in ({"table": table, "image": image}, UserDict(table=table, image=image)):
        named = attribute(batch, 1)[1]
        assert list(named) == ["table", "image"]
        torch.testing.assert_close((named["image"], named["table"]), expected, rtol=0, atol=0)
    torch.testing.assert_close(tuple(listed), expected, rtol=0, atol=0)
    one = Gradient(Packed(model), EpsilonPlus())((torch.cat([image.flatten(1), table], 1),), 1)[1]
    assert isinstance(one, tuple)
    assert len(one) == 1


def test_several_targets_are_the_first_dimension_of_each():
    model, inputs = Two(), make_inputs()
    attribute = Gradient(model, EpsilonPlus())
    relevance = attribute(inputs, targets=[0, 2])[1]
    for index in (0, 1):
        single = torch.stack([attribute(inputs, target)[1][index] for target in (0, 2)])
        torch.testing.assert_close(relevance[index], single, rtol=1e-10, atol=1e-14)


def test_the_ledger_counts_all_inputs_together():
    attribute = Gradient(Two(), EpsilonPlus())
    with attribute.ledger() as ledger:
        relevance = attribute(make_inputs(), 1)[1]
    ledger.assert_accounted()
    assert ledger.arrived == pytest.approx(float(sum(part.sum() for part in relevance)), rel=1e-12)


def test_inputs_are_not_written_into_and_gradients_reach_them():
    class Writes(Two):
        def forward(self, image, table):
            return super().forward(image.mul_(2), table.add_(1))

    inputs = make_inputs()
    before = [tensor.clone() for tensor in inputs]
    for composite in (EpsilonPlus(), None):
        Gradient(Writes(), composite)(inputs, 1)
        assert all(torch.equal(a, b) for a, b in zip(inputs, before, strict=True))
    leaves = tuple(tensor.clone().requires_grad_() for tensor in inputs)
    relevance = Gradient(Two(), EpsilonPlus(), create_graph=True)(leaves, 1)[1]
    assert all(part.any() for part in torch.autograd.grad(relevance[0].sum(), leaves))


def test_an_input_that_the_output_does_not_depend_on_has_relevance_zero():
    class One(Two):
        def forward(self, image, table):
            return self.head(torch.relu(self.of_image(image.flatten(1)).repeat(1, 2)))

    for composite in (EpsilonPlus(), None):
        relevance = Gradient(One(), composite)(make_inputs(), 1)[1]
        assert relevance[0].any()
        assert torch.equal(relevance[1], torch.zeros(3, 2, dtype=torch.float64))


class Text(nn.Module):
    """Ids, an attention mask, types and options, as a model of Hugging Face takes them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.types, self.head = nn.Embedding(20, 4), nn.Embedding(2, 4), nn.Linear(4, 3)
        self.double().eval()

    def forward(self, input_ids, attention_mask=None, token_type_ids=None, scale=1.0, labels=None):
        rows = self.words(input_ids)
        rows = rows if token_type_ids is None else rows + self.types(token_type_ids)
        return scale * self.head(self.pool(torch.tanh(rows), attention_mask))

    def pool(self, rows, mask):
        if mask is None:
            return rows.mean(1)
        mask = mask.unsqueeze(-1).to(rows.dtype)
        return (rows * mask).sum(1) / mask.sum(1)


class Rows(Text):
    def forward(self, words, types, mask):
        return 2.0 * self.head(self.pool(torch.tanh(words + types), mask))


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.int32])
def test_a_batch_of_ids_mask_and_types(dtype):
    model = Text()
    ids, types = torch.randint(1, 20, (2, 5)), torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]]).to(dtype)
    batch = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "scale": 2.0, "labels": None}
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        output, relevance = attribute(batch, 1)
    ledger.assert_accounted()
    assert list(relevance) == list(batch)
    assert [key for key, value in relevance.items() if value is None] == ["attention_mask", "scale", "labels"]
    rows = model.words(ids).detach(), model.types(types).detach(), mask
    expected_output, expected = Gradient(Rows(), AttnLRP())(rows, 1)
    found = relevance["input_ids"], relevance["token_type_ids"]
    torch.testing.assert_close((output, *found), (expected_output, *expected[:2]), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.randn(2, 4).numpy(), "got ndarray: torch.as_tensor"),
        ("text", "got str"),
        ([torch.randn(2, 2, 3)], r"Two.forward takes the inputs \(image, table\), got 1 by position"),
        (torch.randn(2, 2, 3), "got 1 by position.*pass a tuple"),
        ({"image": torch.randn(2, 2, 3), "tables": torch.randn(2, 2)}, "got 'image', 'tables'"),
        ((torch.randn(2, 2, 3), np.zeros((2, 2))), "input 1: expected a tensor.*got ndarray"),
        ({"image": torch.randn(2, 2, 3), "table": [torch.randn(2)]}, "input 'table'.*got list"),
        ((None, 2.0), "at least one tensor"),
        ((), "at least one tensor"),
        (torch.randn(2, 3, dtype=torch.complex64), "input 0: complex"),
    ],
)
def test_other_inputs_are_refused_by_name(x, message):
    for composite in (EpsilonPlus(), None):
        with pytest.raises(InputError, match=message):
            Gradient(Two(), composite)(x, 1)


@pytest.mark.parametrize(
    "attribute",
    [
        SmoothGrad(Two()),
        IntegratedGradients(Two()),
        Occlusion(Two()),
        pytest.param(Captum(Two(), lambda model: None), id="Captum"),
    ],
    ids=lambda attribute: type(attribute).__name__,
)
def test_attributors_of_one_tensor_refuse_several(attribute):
    with pytest.raises(InputError, match=rf"{type(attribute).__name__} expects one tensor as input, got tuple"):
        attribute(make_inputs(), 1)


@pytest.mark.parametrize("attribute", [SmoothGrad(Text()), IntegratedGradients(Text())])
def test_attributors_that_change_values_refuse_integers(attribute):
    with pytest.raises(InputError, match=r"floating point input, got torch\.int64"):
        attribute(torch.ones(2, 5, dtype=torch.int64), 1)


def test_conditions_apply_to_several_inputs():
    model, inputs = Two(), make_inputs()
    parts = Conditional(model, EpsilonPlus(), [{"head": 1}, {"head": [0, 2]}])(inputs, 1)[1]
    whole = Gradient(model, EpsilonPlus())(inputs, 1)[1]
    for part, expected in zip(parts, whole, strict=True):
        torch.testing.assert_close(part.sum(0), expected, rtol=1e-10, atol=1e-14)
