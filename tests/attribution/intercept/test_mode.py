"""What interception cannot see ends in an error that names it; what does not depend on the input gets no rule."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonPlus, EpsilonPlusFlat
from whyset.errors import InputError, UnknownOperationError, UnseenOperationError, WhysetError


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g


class Around(nn.Module):
    """A model with something in its middle."""

    def __init__(self, middle):
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(3, 4), middle, nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.middle(self.first(x)))


class Custom(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


class CheckpointedReentrantly(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self.layer, x, use_reentrant=True)


@pytest.mark.parametrize(
    ("middle", "name"),
    [(Custom, "Doubled"), (CheckpointedReentrantly, "Checkpoint")],
    ids=["custom function", "reentrant checkpoint"],
)
def test_hidden_operations_are_named(middle, name):
    model = Around(middle()).eval()
    with pytest.raises(UnseenOperationError, match=rf"last.*{name}.*could not be seen"):
        Gradient(model, EpsilonPlus())(torch.randn(1, 3), 0)


class Normalized(nn.Module):
    """Divides by the root of the mean square, in one of several spellings."""

    def __init__(self, spelling):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.gain = nn.Linear(3, 4), nn.Linear(4, 2), nn.Parameter(torch.rand(4))
        self.spelling = spelling
        self.double().eval()

    def forward(self, x):
        h = self.first(x)
        return self.last(self.spelling(h, h.pow(2).mean(1, keepdim=True), self.gain))


@pytest.mark.parametrize(
    "spelling",
    [
        lambda h, square, gain: h * (torch.rsqrt(square) * gain),
        lambda h, square, gain: (gain * square.sqrt().reciprocal()) * h,
        lambda h, square, gain: h * torch.cat([torch.rsqrt(square)] * 4, 1) * gain,
        lambda h, square, gain: h * torch.where(square > 0, torch.rsqrt(square), 1.0) * gain,
    ],
    ids=["times gain", "reciprocal", "cat", "where"],
)
def test_operations_on_normalizers_are_constants_and_not_hidden(spelling):
    x = torch.randn(2, 3, dtype=torch.float64)
    expected = Gradient(Normalized(lambda h, square, gain: h * torch.rsqrt(square) * gain), EpsilonPlus())(x, 1)
    torch.testing.assert_close(Gradient(Normalized(spelling), EpsilonPlus())(x, 1), expected, rtol=1e-10, atol=1e-14)


def test_hidden_operation_at_the_output_is_seen_too():
    with pytest.raises(UnseenOperationError, match="Doubled"):
        Gradient(nn.Sequential(nn.Linear(3, 2), Custom()), EpsilonPlus())(torch.randn(1, 3), 0)


def test_a_detached_output_is_refused():
    class Detached(nn.Module):
        def forward(self, x):
            with torch.no_grad():
                return x * 2

    with pytest.raises(UnseenOperationError, match="does not depend on its input"):
        Gradient(Detached(), EpsilonPlus())(torch.randn(1, 3), 0)


def test_batch_norm_in_training_mode_is_refused_by_name():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    with pytest.raises(InputError, match=r"1 \(BatchNorm1d\).*model.eval\(\)"):
        Gradient(model, EpsilonPlus())(torch.randn(2, 3), 0)


def test_unknown_operations_warn_raise_or_pass_as_told():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.lgamma(x.abs() + 1)

    x = torch.randn(1, 3)
    with pytest.warns(UserWarning, match="no rule is known for 'lgamma'"):
        Gradient(Odd(), EpsilonPlus())(x, 0)
    with pytest.raises(UnknownOperationError, match="lgamma"):
        Gradient(Odd(), EpsilonPlus(on_unknown="raise"))(x, 0)
    Gradient(Odd(), EpsilonPlus(on_unknown="gradient"))(x, 0)


class WithTable(nn.Module):
    """Computes a table from a linear layer of its own before the stem, and normalizes its weight on the fly."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.table, self.stem, self.last = nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        position = torch.relu(self.table(torch.ones(1, 2, dtype=x.dtype)))
        weight = self.stem.weight / self.stem.weight.norm(dim=1, keepdim=True)
        return self.last(torch.relu(F.linear(x + position, weight, self.stem.bias)))


def test_what_does_not_depend_on_the_input_gets_no_rule_and_is_not_first():
    plan = EpsilonPlusFlat().plan(WithTable().eval(), torch.randn(1, 3))
    linear = [(step.operation, type(step.rule).__name__) for step in plan.steps if step.kind == "linear"]
    assert linear == [("linear", "Flat"), ("linear", "Epsilon")]


def test_backward_outside_of_the_context_is_refused():
    model, x = nn.Linear(3, 2), torch.randn(1, 3, requires_grad=True)
    with EpsilonPlus().context(model):
        output = model(x)
    with pytest.raises(WhysetError, match="inside the `with"):
        output.sum().backward()
