"""Copies with random parameters: which layers, in which order, and nothing else."""

import pytest
import torch
from torch import nn

from whyset.errors import InputError
from whyset.evaluation.metrics.random_models import list_layers, randomize, reset_layer


def build(seed=0):
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.Flatten(), nn.Linear(12, 5)]
    model = nn.Sequential(*layers)
    model(torch.randn(8, 1, 6, 6))  # the batch norm has statistics
    return model.eval().requires_grad_(False)


def find_changed(model, other):
    """Return the numbers of the layers of which any parameter or statistic differs."""
    one, two = model.state_dict(), other.state_dict()
    return sorted({int(name.split(".")[0]) for name in one if not torch.equal(one[name], two[name])})


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("top_down", [[5], [3, 5], [1, 3, 5], [0, 1, 3, 5]]),
        ("bottom_up", [[0], [0, 1], [0, 1, 3], [0, 1, 3, 5]]),
        ("independent", [[5], [3], [1], [0]]),
    ],
)
def test_layers_become_random_in_order(order, expected):
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = [(count, find_changed(model, copy)) for count, copy in randomize(model, 0, order, [1, 2, 3, 4])]
    assert found == list(enumerate(expected, start=1))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_only_the_asked_steps_are_yielded():
    [(count, copy)] = randomize(build(), 0, "top_down", [3])
    assert (count, find_changed(build(), copy)) == (3, [1, 3, 5])
    [(count, copy)] = randomize(build(), 0, "independent", [3])
    assert (count, find_changed(build(), copy)) == (3, [1])


def test_parameters_depend_on_the_seed_and_not_on_the_order_or_the_values_before():
    copies = {}
    for seed, start, order in ((0, 0, "top_down"), (0, 1, "bottom_up"), (1, 0, "top_down")):
        [(_, copy)] = randomize(build(start), seed, order, [4])
        copies[seed, start] = copy
    assert find_changed(copies[0, 0], copies[0, 1]) == []
    assert find_changed(copies[0, 0], copies[1, 0]) == [0, 3, 5]  # a batch norm is reset to the same


def test_layers_of_one_shape_have_different_parameters():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    [(_, copy)] = randomize(model, 0, "top_down", [2])
    assert not torch.equal(copy[0].weight, copy[1].weight)


class Token(nn.Module):
    """A module whose parameter has no initial distribution."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.arange(64.0).view(8, 8))
        self.inner = nn.Linear(2, 2)


def test_parameters_without_an_initial_distribution_are_permuted():
    module = Token()
    inner = module.inner.weight.clone()
    reset_layer(module, [0, 0])
    assert not torch.equal(module.token, torch.arange(64.0).view(8, 8))
    assert torch.equal(module.token.flatten().sort().values, torch.arange(64.0))
    assert torch.equal(module.inner.weight, inner)
    assert list_layers(Token()) == ["", "inner"]


def test_attention_is_reset_by_its_own_method():
    module = nn.MultiheadAttention(8, 2)
    module.in_proj_weight.data.fill_(7.0)
    [(_, copy)] = randomize(nn.Sequential(module), 0, "bottom_up", [2])
    assert copy[0].in_proj_weight.abs().max() < 1


def test_the_evaluation_mode_and_gradients_stay_as_they_are():
    [(_, copy)] = randomize(build(), 0, "top_down", [4])
    assert not any(module.training for module in copy.modules())
    assert not any(parameter.requires_grad for parameter in copy.parameters())


def test_a_model_without_parameters_is_refused():
    with pytest.raises(InputError, match="ReLU has no parameters"):
        list_layers(nn.ReLU())
