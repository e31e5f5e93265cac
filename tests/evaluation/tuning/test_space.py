"""The search space: configurations that are presets, and composites of others on networks of several kinds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import BiasRedistribution, Composite, as_composite
from whyset.attribution.composites import EpsilonGammaBox as GammaBox
from whyset.attribution.composites.deep_taylor import DeepTaylorBox
from whyset.attribution.rules import Epsilon, Gamma, ZPlus
from whyset.errors import InputError
from whyset.evaluation.tuning.layers import LinearLayers, list_linear_layers
from whyset.evaluation.tuning.space import (
    SPACE,
    STARTS,
    Configuration,
    find_axes,
    fit_start,
    make_composite,
    read_configuration,
)

BOUNDS = (torch.full((2, 1, 1), -1.0), torch.full((2, 1, 1), 2.0))


class Twice(nn.Module):
    """A module that runs two convolutions as functions, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 2, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.conv2d(x, self.weight).relu()
        return nn.functional.conv2d(x, self.weight).relu()


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
    last = (nn.Conv2d(4, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 2 * 4, 5), nn.ReLU(), nn.Linear(5, 3))
    return nn.Sequential(*layers, *last).double().eval()


def explain(model: nn.Module, composite: Composite | None) -> np.ndarray:
    torch.manual_seed(1)
    x = torch.rand(3, 2, 8, 10, dtype=torch.float64) * 3 - 1
    return Gradient(model, composite)(x, target=1)[1].numpy()


@pytest.mark.parametrize("name", [name for name in STARTS if name not in ("attn_lrp", "cp_lrp")])
def test_the_start_of_a_preset_is_the_preset(network: nn.Module, name: str) -> None:
    bounds = tuple(one.double() for one in BOUNDS)
    kinds = {"epsilon_gamma_box": GammaBox, "deep_taylor_box": DeepTaylorBox}
    preset = kinds[name](*bounds) if name in kinds else as_composite(name)
    layers = list_linear_layers(network, torch.rand(1, 2, 8, 10, dtype=torch.float64))
    np.testing.assert_array_equal(
        explain(network, make_composite(STARTS[name], layers, bounds)), explain(network, preset)
    )


def test_a_share_of_the_convolutions_has_the_rule_and_later_ones_have_epsilon(network: nn.Module) -> None:
    x = torch.rand(1, 2, 8, 10, dtype=torch.float64)
    layers = list_linear_layers(network, x)
    assert layers.convolutions == ("0", "2", "4", "6")
    configuration = Configuration("gamma_0.25", depth=0.5, linear="z_plus")
    steps = make_composite(configuration, layers, None).plan(network, x).table()
    rules = [type(step.rule) for step in steps if step.rule is not None]
    assert rules == [Gamma, Gamma, Epsilon, Epsilon, ZPlus, ZPlus]


def test_convolutions_of_one_module_are_named_by_their_index() -> None:
    model = nn.Sequential(Twice(), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1)).eval()
    layers = list_linear_layers(model, torch.rand(1, 2, 8, 10))
    assert layers == LinearLayers((0, 2, "1", "3"), False, False)
    late = make_composite(Configuration("gamma_1", depth=0.25), layers, None).plan(model, torch.rand(1, 2, 8, 10))
    assert [type(step.rule) for step in late.table() if step.rule is not None] == [Gamma, Epsilon, Epsilon, Epsilon]


def test_axes_are_those_that_make_a_difference(network: nn.Module) -> None:
    images = list_linear_layers(network, torch.rand(1, 2, 8, 10, dtype=torch.float64))
    assert set(find_axes(images, BOUNDS)) == set(SPACE) - {"gates"}
    assert "z_box" not in find_axes(images, None)["first"]
    table = list_linear_layers(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval(), torch.rand(1, 4))
    assert list(find_axes(table, None)) == ["first", "linear", "bias", "epsilon"]
    assert fit_start(STARTS["epsilon_gamma_box"], find_axes(table, None)) == Configuration("gamma_0.25", "same")
    texts = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()
    assert "gates" in find_axes(list_linear_layers(texts, torch.rand(1, 5, 8)), None)


def test_bias_and_epsilon_reach_the_rules(network: nn.Module) -> None:
    layers = LinearLayers(("0", "2", "4", "6"), True, False)
    redistributed = make_composite(Configuration(bias="redistributed"), layers, None)
    assert isinstance(redistributed, BiasRedistribution)
    zero = make_composite(Configuration(bias="zero", epsilon=0.1), layers, None)
    (_, conv), (_, linear) = zero.layer_map
    assert (conv.zero_params, linear.zero_params, linear.epsilon.epsilon) == ("bias", "bias", 0.1)
    x = torch.rand(2, 2, 8, 10, dtype=torch.float64)
    relevance, doubled = (Gradient(network, zero)(part, target=0)[1] for part in (x, x.clone()))
    torch.testing.assert_close(relevance, doubled, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"convolution": "gamma_7"}, "expected one of 'epsilon', 'gamma_0.1'"),
        ({"depth": 0.3}, "expected one of 0.25, 0.5"),
        ({"gates": "constant", "depth": 0.5}, "expected depth=1.0"),
        ({"rule": "z_plus"}, "has no parameter 'rule'"),
    ],
)
def test_other_values_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_configuration(given)
    assert read_configuration(replace(Configuration(), depth=0.5).to_dict()) == Configuration(depth=0.5)
    with pytest.raises(InputError, match="known for images only"):
        make_composite(Configuration(first="z_box"), LinearLayers(("0",), True, False), None)
