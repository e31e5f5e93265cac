"""Relevance inside a model, taken in the same pass."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from whyset.attribution import Gradient
from whyset.attribution.composites import EpsilonGammaBox, EpsilonPlus
from whyset.errors import InputError


def network():
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(2, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(inplace=True),
        nn.Conv2d(3, 4, 3, bias=False),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8, 3, bias=False)).double().eval()


def test_relevance_of_a_layer_is_that_of_the_part_behind_it():
    model, x = network(), torch.randn(2, 2, 5, 6).double()
    attribute = Gradient(model, EpsilonPlus())
    with attribute.record("1", "4") as record:
        _, relevance = attribute(x, 1)
    for place, cut in (("1", 2), ("4", 5)):
        middle = model[:cut](x).detach()
        middle = nn.Sequential(*list(model)[:cut])(x).detach() if place == "1" else middle
        expected = Gradient(model[cut:], EpsilonPlus())(middle, 1)[1]
        torch.testing.assert_close(record[place].relevance, expected, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(record[place].activation, middle)
    torch.testing.assert_close(relevance, Gradient(model, EpsilonPlus())(x, 1)[1])


def test_a_convolution_without_a_norm_behind_it_is_recorded_before_its_relu():
    model, x = network(), torch.randn(2, 2, 5, 6).double()
    attribute = Gradient(model, EpsilonPlus())
    with attribute.record("3", "4") as record:
        attribute(x, 1)
    torch.testing.assert_close(record["3"].activation.relu(), record["4"].activation)
    torch.testing.assert_close(record["3"].relevance, record["4"].relevance)


def test_operations_are_recorded_by_their_index_in_the_plan():
    model, x = network(), torch.randn(2, 2, 5, 6).double()
    attribute = Gradient(model, EpsilonPlus())
    index = next(step.index for step in EpsilonPlus().plan(model, x).steps if step.operation == "flatten")
    with attribute.record(index, "5") as record:
        attribute(x, 1)
    torch.testing.assert_close(record[index].relevance, record["5"].relevance)


def test_several_targets_share_one_forward_pass():
    model, x = network(), torch.randn(2, 2, 5, 6).double()
    forwards = []
    model[0].register_forward_hook(lambda *_: forwards.append(1))
    attribute = Gradient(model, EpsilonPlus())
    with attribute.record("4") as record:
        _, relevance = attribute(x, targets=[0, 2, torch.tensor([1, 0])])
    assert len(forwards) == 1
    assert relevance.shape == (3, *x.shape)
    assert record["4"].relevance.shape[0] == 3
    torch.testing.assert_close(relevance[1], Gradient(model, EpsilonPlus())(x, 2)[1])


def test_what_was_merged_or_never_ran_is_told():
    attribute = Gradient(network(), EpsilonPlus())
    with attribute.record("0", 99) as record:
        attribute(torch.randn(1, 2, 5, 6).double(), 1)
    with pytest.raises(InputError, match="norm after it"):
        _ = record["0"].relevance
    with pytest.raises(InputError, match="was not reached"):
        _ = record[99]
    with pytest.raises(KeyError, match="was not recorded"):
        _ = record["4"]
    with pytest.raises(InputError, match="no module named 'features'"), attribute.record("features"):
        pass


def test_a_module_that_runs_twice_is_recorded_by_the_indices_of_its_operations():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.last = nn.Linear(4, 5), nn.Linear(10, 3)

        def forward(self, x):
            return self.last(torch.cat([self.encoder(part).relu() for part in x.chunk(2, 1)], 1))

    model, x = Twice().double().eval(), torch.randn(6, 8).double()
    attribute = Gradient(model, EpsilonPlus())
    with pytest.raises(InputError, match="'encoder' runs more than once"), attribute.record("encoder"):
        attribute(x, 1)
    first, second = [step.index for step in EpsilonPlus().plan(model, x).steps if step.module == "encoder"]
    with attribute.record(first, second) as record:
        attribute(x, 1)
    torch.testing.assert_close(record[second].activation, model.encoder(x[:, 4:]).detach())
    assert record[first].relevance.shape == record[second].relevance.shape == (6, 5)


def test_no_hooks_are_left_behind():
    model = network()
    attribute = Gradient(model, EpsilonPlus())
    with attribute.record("1"):
        attribute(torch.randn(1, 2, 5, 6).double(), 1)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("places", [("2",), ("4",), ("2", "4", "5")], ids=str)
@pytest.mark.parametrize("composite", [EpsilonPlus(), EpsilonGammaBox(-3.0, 3.0)], ids=["plus", "gamma box"])
def test_recording_behind_activations_costs_no_operation_more(composite, places):
    def operations(attribute):
        with FlopCounterMode(display=False) as counter:
            attribute(torch.randn(2, 2, 5, 6).double(), targets=[0, 2])
        return counter.get_total_flops()

    attribute = Gradient(network(), composite)
    alone = operations(attribute)
    with attribute.record(*places):
        assert operations(attribute) == alone


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, "autocast"], ids=str)
def test_relevance_of_channels_in_every_precision(dtype):
    model, x = network(), torch.randn(2, 2, 5, 6).double()
    exact = Gradient(model, EpsilonPlus())
    with exact.record("4") as expected:
        exact(x, 1)
    half = dtype == torch.bfloat16
    model, x = (model.bfloat16(), x.bfloat16()) if half else (model.float(), x.float())
    attribute = Gradient(model, EpsilonPlus())
    with attribute.record("4") as record, torch.autocast("cpu", torch.bfloat16, enabled=dtype == "autocast"):
        attribute(x, 1)
    assert record["4"].relevance.dtype == torch.float32
    channels = record["4"].relevance.sum((2, 3)).double()
    reference = expected["4"].relevance.sum((2, 3))
    tolerance = 1e-5 if dtype == torch.float32 else 0.05
    torch.testing.assert_close(channels, reference, rtol=0, atol=tolerance * reference.abs().max().item())
