"""Bias relevance has a place: at the bias, redistributed to the inputs, or as maps; together it is everything."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Cause, Gradient, to_dict
from whyset.attribution.composites import (
    CPLRP,
    AttnLRP,
    BiasRedistribution,
    EpsilonAlpha2Beta1,
    EpsilonAlpha2Beta1Flat,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    ExcitationBackprop,
    GuidedBackprop,
)
from whyset.attribution.rules import Epsilon, RedistributeBias
from whyset.errors import InputError
from whyset.runner.composites import composite_from_dict

COMPOSITES = [
    EpsilonPlus(),
    EpsilonPlusFlat(),
    EpsilonAlpha2Beta1(),
    EpsilonAlpha2Beta1Flat(),
    EpsilonGammaBox(-4.0, 4.0),
    ExcitationBackprop(),
    AttnLRP(),
    CPLRP(),
]
everywhere = pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)


class Block(nn.Module):
    """A residual block with batch norms, one of them after the sum, where it is not merged with a convolution."""

    def __init__(self, stride=1):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(6, 6, 3, stride, 1, bias=False), nn.Conv2d(6, 6, 3, 1, 1)
        self.bn1, self.bn2, self.after = nn.BatchNorm2d(6), nn.BatchNorm2d(6), nn.BatchNorm2d(6)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.after(out + x))


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4),
    )  # fmt: skip


def batch_norms():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, 2),
        nn.BatchNorm2d(6), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4),
    )  # fmt: skip


def residual():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), Block(), Block(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(72, 4),
    )  # fmt: skip


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(144, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 4))


NETWORKS = [plain, batch_norms, residual, perceptron]
on_networks = pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)


def make(build):
    torch.manual_seed(0)
    model = build().double()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return model.eval(), torch.randn(2, 3, 6, 8, dtype=torch.float64)


def explain(model, composite, x, target=1, **given):
    with Gradient(model, composite) as attribute, attribute.ledger(**given) as ledger:
        _, relevance = attribute(x, target)
    return relevance, ledger


@everywhere
@on_networks
def test_shown_and_bias_and_other_causes_are_everything(composite, build):
    model, x = make(build)
    relevance, ledger = explain(model, composite, x, bias_maps=True)
    at_biases = sum(float(each.relevance.sum()) for each in ledger.bias_maps)
    shares = ledger.shares()
    assert float(relevance.sum()) == pytest.approx(ledger.arrived, rel=1e-13)
    assert at_biases == pytest.approx(ledger.lost()[Cause.BIAS], rel=1e-12)
    others = sum(amount for name, amount in shares.items() if name not in ("input", "bias", "unknown"))
    assert ledger.arrived + at_biases + others * ledger.output == pytest.approx(ledger.output, abs=1e-11 * ledger.scale)
    assert abs(shares["unknown"] * ledger.output) < 1e-11 * ledger.scale
    assert abs(at_biases) > 1e-3 * ledger.scale


@everywhere
@on_networks
def test_each_sample_is_everything_too(composite, build):
    """Of one sample alone, as of the batch: the maps of a batch are those of its samples."""
    model, x = make(build)
    together = explain(model, composite, x, bias_maps=True)[1].bias_maps
    alone = explain(model, composite, x[1:], bias_maps=True)[1].bias_maps
    assert [(each.index, each.module) for each in together] == [(each.index, each.module) for each in alone]
    for of_both, of_one in zip(together, alone, strict=True):
        torch.testing.assert_close(of_both.relevance[1:], of_one.relevance, rtol=1e-9, atol=1e-12)


@everywhere
@on_networks
def test_redistributed_biases_keep_nothing_where_an_input_contributes(composite, build):
    model, x = make(build)
    relevance, ledger = explain(model, BiasRedistribution(composite), x, bias_maps=True)
    ledger.assert_accounted(rtol=1e-11)
    kept = {each.module for each in ledger.bias_maps if bool(each.relevance.any())}
    assert kept == ({"3.after", "4.after"} if build is residual else set())  # no rule: not merged with a convolution
    assert relevance.shape == x.shape


def test_a_bias_without_contributions_keeps_its_relevance():
    """|W||x| is 0 at the first output: its relevance has nowhere to go, and is booked."""
    layer = nn.Linear(3, 2).double()
    with torch.no_grad():
        layer.weight[0], layer.bias[:] = 0, torch.tensor([2.0, 3.0])
    x = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    composite = BiasRedistribution(EpsilonPlus(epsilon=0.0))
    relevance, ledger = explain(layer, composite, x, target=lambda output: output, bias_maps=True)
    (bias,) = ledger.bias_maps
    assert bias.relevance.tolist() == [[2.0, 0.0]]
    assert float(relevance.sum()) == pytest.approx(layer(x)[0, 1].item(), rel=1e-12)
    assert ledger.shares()["bias"] == pytest.approx(2 / ledger.output)


def test_shares_of_the_bias_follow_absolute_contributions():
    layer = nn.Linear(3, 1).double()
    with torch.no_grad():
        layer.weight[:], layer.bias[:] = torch.tensor([[1.0, -2.0, 0.5]]), 7.0
    x = torch.tensor([[2.0, 1.0, 0.0]], dtype=torch.float64)
    relevance, _ = explain(layer, BiasRedistribution(EpsilonPlus(epsilon=0.0)), x, target=0)
    torch.testing.assert_close(relevance, torch.tensor([[2 + 7 / 2, -2 + 7 / 2, 0.0]], dtype=torch.float64))


def test_bias_maps_of_a_plain_gradient_are_bias_gradients():
    """Those of the full gradient (Srinivas 2019): b ⊙ ∂f/∂b at every place, by autograd on biases as inputs."""
    model, x = make(plain)
    _, ledger = explain(model, AttnLRP(), x, bias_maps=True)
    shifts = {}

    def add(name):
        def hook(module, _, output):
            shifts[name] = torch.zeros_like(output, requires_grad=True)
            return output + shifts[name]

        return hook

    handles = [
        module.register_forward_hook(add(name)) for name, module in model.named_modules() if hasattr(module, "bias")
    ]
    output = model(x)[:, 1].sum()
    for handle in handles:
        handle.remove()
    gradients = dict(zip(shifts, torch.autograd.grad(output, list(shifts.values())), strict=True))
    assert [each.module for each in ledger.bias_maps] == list(shifts)
    for each in ledger.bias_maps:
        bias = model.get_submodule(each.module).bias
        bias = bias.view(-1, *[1] * (gradients[each.module].dim() - 2))
        torch.testing.assert_close(each.relevance, bias * gradients[each.module], rtol=1e-10, atol=1e-12)


def test_a_merged_batch_norm_has_the_map_of_its_convolution():
    model, x = make(batch_norms)
    _, ledger = explain(model, EpsilonPlus(), x, bias_maps=True)
    assert [(each.module, tuple(each.relevance.shape)) for each in ledger.bias_maps] == [
        ("1", (2, 6, 6, 8)),
        ("4", (2, 6, 2, 3)),
        ("8", (2, 4)),
    ]
    merged = nn.utils.fusion.fuse_conv_bn_eval(model[0], model[1])
    rest = nn.Sequential(merged, *model[2:]).eval()
    _, of_merged = explain(rest, EpsilonPlus(), x, bias_maps=True)
    torch.testing.assert_close(ledger.bias_maps[0].relevance, of_merged.bias_maps[0].relevance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [(6, 8), (12, 16), (7, 5), (1, 1), (3, 20)])
def test_resized_maps_keep_the_sum_of_each_sample(size):
    model, x = make(batch_norms)
    _, ledger = explain(model, EpsilonAlpha2Beta1(), x, bias_maps=True)
    for each in ledger.bias_maps:
        resized = each.resize(size)
        assert resized.shape == (2, *size)
        torch.testing.assert_close(resized.sum((1, 2)), each.relevance.flatten(1).sum(1), rtol=1e-10, atol=1e-14)


def test_a_resized_map_is_spread_evenly_over_the_area_of_each_element():
    model, x = make(batch_norms)
    _, ledger = explain(model, EpsilonPlus(), x, bias_maps=True)
    of_conv = ledger.bias_maps[1]  # 2 x 3
    summed = of_conv.relevance.sum(1)
    torch.testing.assert_close(of_conv.resize((4, 6)), summed.repeat_interleave(2, 1).repeat_interleave(2, 2) / 4)
    torch.testing.assert_close(of_conv.resize((1, 3)), summed.sum(1, keepdim=True))
    with pytest.raises(InputError, match="expected 2 sides"):
        of_conv.resize((4,))


def test_tokens_are_the_places_of_a_linear_layer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3), nn.Flatten()).double().eval()
    x = torch.randn(2, 7, 5, dtype=torch.float64)
    _, ledger = explain(model, EpsilonPlus(), x, bias_maps=True)
    for each in ledger.bias_maps:
        torch.testing.assert_close(each.resize((7,)), each.relevance.sum(2))
        with pytest.raises(InputError, match="expected 1 sides"):
            each.resize((7, 5))


def test_layers_without_a_bias_have_no_map():
    model = nn.Sequential(nn.Linear(5, 6, bias=False), nn.ReLU(), nn.Linear(6, 3)).double().eval()
    for composite in (EpsilonPlus(), AttnLRP()):
        _, ledger = explain(model, composite, torch.randn(2, 5, dtype=torch.float64), bias_maps=True)
        assert [each.module for each in ledger.bias_maps] == ["2"]


def test_without_bias_maps_a_ledger_has_none():
    model, x = make(plain)
    assert not explain(model, EpsilonPlus(), x)[1].bias_maps


def test_several_targets_sum_their_bias_maps_like_their_amounts():
    model, x = make(plain)
    with Gradient(model, EpsilonPlus()) as attribute, attribute.ledger(bias_maps=True) as ledger:
        attribute(x, targets=[0, 1])
    both = ledger.bias_maps
    for place, each in enumerate(both):
        parts = [explain(model, EpsilonPlus(), x, t, bias_maps=True)[1].bias_maps[place].relevance for t in (0, 1)]
        torch.testing.assert_close(each.relevance, sum(parts), rtol=1e-10, atol=1e-14)


@everywhere
def test_it_can_be_stored_and_rebuilt(composite):
    wrapped = BiasRedistribution(composite)
    assert composite_from_dict(to_dict(wrapped), "run") == wrapped


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: BiasRedistribution("epsilon_plus"),
        lambda: BiasRedistribution(GuidedBackprop()),
        lambda: RedistributeBias(Epsilon(zero_params="bias")),
        lambda: RedistributeBias(RedistributeBias(Epsilon())),
        lambda: RedistributeBias("epsilon"),
    ],
)
def test_what_cannot_be_redistributed_is_refused(wrong):
    with pytest.raises(InputError, match=r"expected (another rule|a composite)|gives a gradient|leave out zero_params"):
        wrong()


def test_composites_whose_biases_have_no_share_are_refused_before_a_call():
    with pytest.raises(InputError, match="leave out zero_params"):
        BiasRedistribution(EpsilonPlus(zero_params="bias"))
    with pytest.raises(InputError, match="redistributes biases already"):
        BiasRedistribution(BiasRedistribution(EpsilonPlus()))
