"""A model that returns logits is the model without its last softmax or sigmoid."""

import pickle

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient, SmoothGrad
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.attribution.composites import EpsilonPlus, NameMapComposite
from whyset.attribution.rules import Epsilon, ZPlus


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.Softmax(1)).double().eval()


def inputs() -> torch.Tensor:
    return torch.rand(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_it_returns_the_logits_and_confirms_them() -> None:
    net, x = model(), inputs()
    logits = LogitModel(net)
    torch.testing.assert_close(logits(x), net[:3](x))
    assert logits.confirmed is not None
    assert logits.confirmed.all()


@pytest.mark.parametrize(
    "composite", [None, EpsilonPlus(), NameMapComposite(name_map=((("0",), ZPlus()), (("2",), Epsilon())))]
)
def test_relevance_of_it_is_that_before_the_activation(composite: object) -> None:
    net, x = model(), inputs()
    expected = Gradient(net[:3], composite)(x, 1)[1]
    torch.testing.assert_close(Gradient(LogitModel(net), composite)(x, 1)[1], expected)
    smooth = SmoothGrad(LogitModel(net), composite, noise_level=0.0, n_iter=1)
    torch.testing.assert_close(smooth(x, 1)[1], expected)


def test_layers_are_found_as_in_the_model_and_modes_stay() -> None:
    net = model()
    net[1].train()
    logits = LogitModel(net)
    assert dict(logits.named_modules()).keys() == dict(net.named_modules()).keys()
    assert logits.get_submodule("2") is net[2]
    assert [part.training for part in net] == [False, True, False, False]
    with pytest.raises(AttributeError, match="head"):
        _ = logits.head
    again = pickle.loads(pickle.dumps(logits))
    torch.testing.assert_close(again(inputs()), logits(inputs()))
