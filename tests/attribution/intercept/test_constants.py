"""Relevance that would end at constants in silence: values under no_grad, and tensors from outside of the model."""

import warnings

import pytest
import torch
from torch import nn

from whyset.attribution import Cause, Gradient
from whyset.attribution.composites import AttnLRP
from whyset.errors import UnseenOperationError

OUTSIDE = torch.rand(1, 4)


class Joined(nn.Module):
    """Joins what `make` returns to the input, in front of a linear layer."""

    def __init__(self, make, join=torch.cat):
        super().__init__()
        torch.manual_seed(0)
        self.make, self.join = make, join
        self.register_buffer("buffer", torch.rand(1, 4))
        self.frozen = nn.Parameter(torch.rand(1, 4), requires_grad=False)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.join([self.make(self, x), x])).sum(0, keepdim=True)


def explain(model):
    """Return the ledger and the messages of warnings."""
    attribute = Gradient(model.eval(), AttnLRP())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with attribute.ledger() as ledger:
            attribute(torch.ones(2, 4), 1)
    return ledger, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("join", [torch.cat, torch.vstack, torch.concat])
@pytest.mark.parametrize(
    "make",
    [
        lambda model, x: OUTSIDE,
        lambda model, x: OUTSIDE.clone().unsqueeze(0)[0],
        lambda model, x: OUTSIDE * model.frozen,
    ],
    ids=["itself", "viewed", "scaled"],
)
def test_a_tensor_from_outside_is_reported(make, join):
    ledger, messages = explain(Joined(make, join))
    assert len(messages) == 1
    assert messages[0].startswith("model (Joined), ")
    assert "not a parameter, a buffer or a result of this forward pass is joined to values of the input" in messages[0]
    assert ledger.lost()[Cause.CONSTANT] != 0


@pytest.mark.parametrize(
    "make",
    [
        lambda model, x: model.buffer,
        lambda model, x: model.frozen,
        lambda model, x: model.frozen.data.expand(3, 4)[:1],
        lambda model, x: torch.zeros(1, 4),
        lambda model, x: torch.arange(4.0)[None] / 4,
        lambda model, x: x.new_ones(1, 4),
        lambda model, x: torch.tensor([[1.0, 2.0, 3.0, x.shape[1]]]),
        lambda model, x: torch.ones_like(x) * torch.tensor(2.0),
        lambda model, x: torch.tensor([]),
        lambda model, x: x * 2,
    ],
    ids="buffer frozen viewed zeros range new number like empty dependent".split(),
)
def test_parts_of_the_model_and_results_of_the_pass_are_not(make):
    assert explain(Joined(make))[1] == []


class Without(nn.Module):
    """Adds a function of a function of the input under `no_grad` to the input."""

    def __init__(self, inside, after=lambda value: value):
        super().__init__()
        torch.manual_seed(0)
        self.inside, self.after, self.head = inside, after, nn.Linear(4, 3)

    def forward(self, x):
        with torch.no_grad():
            value = self.inside(x)
        return self.head(x + self.after(value))


@pytest.mark.parametrize(
    ("inside", "after"),
    [
        (torch.sigmoid, lambda value: value),
        (lambda x: x * 2, lambda value: value.exp() / 3),
        (lambda x: nn.functional.gelu(x).sum(1, keepdim=True), torch.relu),
        (lambda x: torch.sort(x, dim=1), lambda value: value.values),
    ],
    ids=["activation", "changed", "reduced", "several"],
)
def test_values_without_gradient_are_reported_where_they_are_used(inside, after):
    ledger, messages = explain(Without(inside, after))
    assert len(messages) == 1
    assert messages[0].startswith("model (Without), add: a value that the model computes from the input under torch.no")
    assert ledger.lost()[Cause.CONSTANT] != 0
    ledger.assert_accounted()


@pytest.mark.parametrize(
    ("inside", "after"),
    [
        (lambda x: x > 0, lambda mask: mask.float()),
        (lambda x: x.exp().argmax(1, keepdim=True), lambda indices: indices),
        (lambda x: (x * 2).topk(2, dim=1).indices[:, :1], lambda indices: indices.float()),
        (torch.ones_like, lambda ones: ones),
        (lambda x: x.new_zeros(4) + torch.arange(4.0), lambda value: value),
        (torch.sigmoid, lambda value: 0),
    ],
    ids=["mask", "position", "choice", "shape", "range", "unused"],
)
def test_masks_positions_and_unused_values_without_gradient_are_not(inside, after):
    assert explain(Without(inside, after))[1] == []


class Cubed(torch.autograd.Function):
    """Runs without gradient, as every custom function does."""

    @staticmethod
    def forward(ctx, x):
        return x * (x * x)

    @staticmethod
    def backward(ctx, c):
        return c


def test_a_custom_function_is_refused_without_a_warning_of_its_inside():
    class Custom(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(Cubed.apply(x))

    message = "custom autograd function 'Cubed'"
    with warnings.catch_warnings(action="error"), pytest.raises(UnseenOperationError, match=message):
        Gradient(Custom(), AttnLRP())(torch.ones(2, 4), 1)
