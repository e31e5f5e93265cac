"""Channels of a layer against networks with changed weights, and the conditions of relevance."""

import pytest
import torch
from torch import nn

from whyset.attribution import Conditional, Gradient
from whyset.attribution.composites import EpsilonPlus
from whyset.errors import InputError
from whyset.interventions import LayerChannels, MeanFill, Region


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 5, 3)
    ).double().eval().requires_grad_(False)  # fmt: skip


@pytest.fixture
def x():
    return torch.randn(2, 2, 7, 9, dtype=torch.float64)


def region(*channels):
    return Region(torch.tensor([[channel in row for channel in range(5)] for row in channels]))


def test_all_channels_give_the_output_of_the_sample(network, x):
    host, layer = torch.randn_like(x), LayerChannels("1", count=5)
    result = layer.insert_output(network, x, region(range(5), range(5)), host)
    torch.testing.assert_close(result, network(x))
    torch.testing.assert_close(layer.insert_output(network, x, region((), ()), host), network(host))


def test_some_channels_are_those_of_the_sample_for_each_of_the_batch(network, x):
    host = torch.randn_like(x)
    result = LayerChannels("1", count=2).insert_output(network, x, region((0, 3), (4,)), host)
    mixed = network[:2](host)
    mixed[0, [0, 3]], mixed[1, 4] = network[:2](x)[0, [0, 3]], network[:2](x)[1, 4]
    torch.testing.assert_close(result, network[2:](mixed))


def test_a_removed_channel_is_one_without_outgoing_weights(network, x):
    result = LayerChannels("1").remove_output(network, x, region((3,), (3,)))
    network[2].weight[:, 3] = 0
    torch.testing.assert_close(result, network(x))


def test_a_channel_is_replaced_by_its_mean_or_by_that_of_the_host(network, x):
    host, layer = torch.randn_like(x), LayerChannels("1")
    for fill, values in ((MeanFill(), network[:2](x).mean((2, 3), keepdim=True)), ("host", network[:2](host))):
        changed = network[:2](x)
        changed[:, 2] = values.expand_as(changed)[:, 2]
        result = layer.remove_output(network, x, region((2,), (2,)), fill, host)
        torch.testing.assert_close(result, network[2:](changed))


def test_channels_of_tokens_are_in_the_last_dimension():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 3)).eval().requires_grad_(False)
    x, host, relevance = torch.randn(2, 4, 6), torch.randn(2, 4, 6), torch.zeros(2, 4, 5)
    relevance[0, :, 1] = relevance[1, :, 4] = 1.0
    layer = LayerChannels("1", dim=-1)
    evidence = layer.select(x, relevance)
    assert evidence.mask.nonzero().tolist() == [[0, 1], [1, 4]]
    mixed = model[:2](host)
    mixed[0, :, 1], mixed[1, :, 4] = model[:2](x)[0, :, 1], model[:2](x)[1, :, 4]
    torch.testing.assert_close(layer.insert_output(model, x, evidence, host), model[2:](mixed))


def test_a_layer_that_runs_twice_has_the_values_of_each_of_its_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(self.layer(x).relu())

    torch.manual_seed(0)
    model, x, host = Twice().eval().requires_grad_(False), torch.randn(2, 4), torch.randn(2, 4)
    evidence = Region(torch.tensor([[True, False, False, True]] * 2))
    result = LayerChannels("layer").insert_output(model, x, evidence, host)
    first = torch.where(evidence.mask, model.layer(x), model.layer(host)).relu()
    expected = torch.where(evidence.mask, model(x), model.layer(first))
    torch.testing.assert_close(result, expected)


def test_an_output_that_the_model_changes_in_place_is_recorded_before():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            output = self.layer(x)
            output += x
            return output

    torch.manual_seed(0)
    model, x, host = InPlace().eval().requires_grad_(False), torch.randn(2, 4), torch.randn(2, 4)
    evidence = Region(torch.tensor([[True, False, False, True]] * 2))
    expected = torch.where(evidence.mask, model.layer(x), model.layer(host)) + host
    torch.testing.assert_close(LayerChannels("layer").insert_output(model, x, evidence, host), expected)


def test_the_evidence_as_conditions_explains_by_these_channels_alone(network, x):
    network[0].bias.zero_()  # it would absorb relevance between the layer and the input
    with Gradient(network, EpsilonPlus()) as attribute, attribute.record("1") as record:
        attribute(x, 1)
    layer = LayerChannels("1", count=2)
    recorded = record["1"].relevance
    evidence = layer.select(x, recorded)
    largest = recorded.sum((2, 3)).topk(2).indices
    assert evidence.mask.gather(1, largest).all()
    for row, condition in enumerate(layer.conditions(evidence)):
        assert sorted(condition["1"]) == sorted(largest[row].tolist())
        with Conditional(network, EpsilonPlus(), condition) as attribute:
            through = attribute(x[row : row + 1], 1)[1].sum()
        torch.testing.assert_close(through, recorded[row, largest[row]].sum(), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda network, x: LayerChannels("9").insert_output(network, x, region((1,), (1,)), x), "no module named '9'"),
        (lambda network, x: LayerChannels("4").insert_output(network, x, region((1,), (1,)), x), "select it by"),
        (lambda network, x: LayerChannels("1", dim=7).insert_output(network, x, region((1,), (1,)), x), "dimension 7"),
        (lambda network, x: LayerChannels("1").insert_output(network.forward, x, region((1,), (1,)), x), "Module"),
        (lambda network, x: LayerChannels("1").remove_output(network, x, region((1,), (1,)), "host"), "host="),
        (lambda network, x: LayerChannels("1").select(x, torch.rand(3, 5)), "each of the 2 samples, got 3"),
        (lambda network, x: LayerChannels("1").select(x, torch.rand(2)), "expected relevance of the channels"),
        (lambda network, x: LayerChannels("1", count=0), "at least 1"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_no_hook(network, x, wrong, message):
    with pytest.raises(InputError, match=message):
        wrong(network, x)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_layer_that_does_not_run_is_refused():
    model = nn.ModuleDict({"used": nn.Linear(4, 3), "unused": nn.Linear(4, 3)})
    model.forward = lambda x: model["used"](x)
    x = torch.rand(2, 4)
    with pytest.raises(InputError, match="did not run"):
        LayerChannels("unused").insert_output(model, x, Region(torch.ones(2, 3, dtype=torch.bool)), x)
