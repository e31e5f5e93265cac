"""Conditional relevance against its closed form, and against what defines it: masks between the parts of a model."""

import pytest
import torch
from torch import nn

from whyset.attribution import Cause, Conditional, Gradient
from whyset.attribution.composites import (
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    GuidedBackprop,
    LayerMapComposite,
)
from whyset.attribution.rules import Epsilon
from whyset.errors import InputError

COMPOSITES = [EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(-3.0, 3.0)]


def network():
    torch.manual_seed(0)
    front = [nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)]
    middle = [nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(inplace=True)]
    model = nn.Sequential(*front, *middle, nn.Flatten(), nn.Linear(24, 3))
    model[1].running_mean.normal_(0, 0.2)
    model[1].running_var.uniform_(0.5, 2)
    return model.double().eval()


def images():
    torch.manual_seed(1)
    return torch.randn(2, 2, 6, 7, dtype=torch.float64)


def masked(tensor, channels):
    kept = torch.zeros_like(tensor)
    kept[:, channels] = tensor[:, channels]
    return kept


def test_it_is_its_closed_form():
    torch.manual_seed(0)
    one, two = nn.Linear(4, 5).double(), nn.Linear(5, 2).double()
    x = torch.randn(3, 4).double()
    rules = LayerMapComposite(layer_map=(("linear", Epsilon(0.0)),))
    relevance = Conditional(nn.Sequential(one, nn.ReLU(), two), rules, {"1": [0, 3]})(x, 1)[1]
    through = masked(two.weight[1] * (one(x) > 0), [0, 3])
    torch.testing.assert_close(relevance, x * (through @ one.weight), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)
def test_channels_sum_to_the_unconditional_relevance(composite):
    model, x = network(), images()
    output, whole = Gradient(model, composite)(x, 1)
    for place, count in (("1", 3), ("2", 3), ("3", 4), ("4", 4)):
        conditions = [{place: channel} for channel in range(count)]
        given, parts = Conditional(model, composite, conditions)(x, 1)
        assert parts.shape == (count, *x.shape)
        torch.testing.assert_close(parts.sum(0), whole, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(given, output)
    assert parts.abs().amax((1, 2, 3, 4)).gt(0).sum() > 1


@pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)
def test_masks_in_two_layers_are_masks_between_three_parts(composite):
    model, x = network(), images()
    inside = composite if not isinstance(composite, (EpsilonPlusFlat, EpsilonGammaBox)) else None
    relevance = Conditional(model, composite, {"2": [0, 2], "4": [1, 3]})(x, 1)[1]
    pairs = [{"2": i, "4": j} for i in (0, 2) for j in (1, 3)]
    torch.testing.assert_close(Conditional(model, composite, pairs)(x, 1)[1].sum(0), relevance, rtol=1e-9, atol=1e-12)
    if inside is not None:  # without rules of its own for the first layer, a part of the model is a model
        first = model[:3](x).detach()
        second = model[3:5](first).detach()
        at_second = masked(Gradient(model[5:], inside)(second, 1)[1], [1, 3])
        at_first = masked(Gradient(model[3:5], inside)(first, at_second)[1], [0, 2])
        torch.testing.assert_close(Gradient(model[:3], inside)(x, at_first)[1], relevance, rtol=1e-8, atol=1e-11)


def test_conditions_share_one_forward_pass_and_leave_no_hooks():
    model, forwards = network(), []
    handle = model[0].register_forward_hook(lambda *_: forwards.append(1))
    Conditional(model, EpsilonPlus(), [{"4": 0}, {"4": [1, 2], "2": 1}, {"2": [0]}])(images(), 1)
    assert len(forwards) == 1
    handle.remove()
    assert not any(module._forward_hooks for module in model.modules())


def test_tokens_have_their_features_in_the_last_dimension():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 2)).double().eval()
    x = torch.randn(2, 4, 3).double()
    whole = Gradient(model, EpsilonPlus())(x, 0)[1]
    parts = Conditional(model, EpsilonPlus(), [{"1": feature} for feature in range(5)], dim=-1)(x, 0)[1]
    torch.testing.assert_close(parts.sum(0), whole, rtol=1e-9, atol=1e-12)


def test_the_ledger_says_what_a_condition_holds_back_and_records_see_it():
    model, x = network(), images()
    attribute = Conditional(model, EpsilonPlus(), {"4": [1]})
    with attribute.ledger() as ledger, attribute.record("2") as record:
        attribute(x, 1)
    ledger.assert_accounted(1e-8)
    assert abs(ledger.lost()[Cause.CONDITION]) > 1e-3 * ledger.scale
    whole = Gradient(model, EpsilonPlus())
    with whole.record("2") as unconditional:
        whole(x, 1)
    assert record["2"].relevance.abs().sum() < unconditional["2"].relevance.abs().sum()


def test_it_can_be_differentiated_again():
    model, x = network(), images().requires_grad_()
    attribute = Conditional(model, EpsilonPlus(0.1, 0.1), {"4": [1, 2]}, create_graph=True)
    probe, direction, step = torch.randn_like(x), torch.randn_like(x), 1e-6
    (gradient,) = torch.autograd.grad((attribute(x, 1)[1] * probe).sum(), x)
    up, down = ((attribute(x.detach() + s * direction, 1)[1] * probe).sum().item() for s in (step, -step))
    assert (gradient * direction).sum().item() == pytest.approx((up - down) / (2 * step), rel=1e-5)


def test_what_cannot_be_is_refused():
    model, x = network(), images()
    with pytest.raises(InputError, match="no module named 'layer3'"):
        Conditional(model, EpsilonPlus(), {"layer3": 1})
    with pytest.raises(InputError, match="'4' has no channel 4: its output has 4, 0 to 3"):
        Conditional(model, EpsilonPlus(), {"4": [0, 4]})(x, 1)
    with pytest.raises(InputError, match="batch norm after it"):
        Conditional(model, EpsilonPlus(), {"0": 1})(x, 1)
    for wrong in ([], {}, {"4": []}, {"4": "relu"}, [{"4": 1}, {}], "4", [["4"]], {"4": 1.0}, {"4": None}):
        with pytest.raises(InputError, match="expected a condition such as"):
            Conditional(model, EpsilonPlus(), wrong)
    with pytest.raises(InputError, match="one target"):
        Conditional(model, EpsilonPlus(), {"4": 1})(x, targets=[0, 1])
    with pytest.raises(InputError, match="gives a gradient"):
        Conditional(model, GuidedBackprop(), {"4": 1})
