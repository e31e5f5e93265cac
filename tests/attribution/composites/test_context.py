"""`composite.context(model)`: relevance in, relevance out, and the model as it was."""

import pytest
import torch
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import (
    CPLRP,
    EpsilonPlus,
    EpsilonPlusFlat,
    GuidedBackprop,
    LayerMapComposite,
    MixedComposite,
    NameLayerMapComposite,
    NameMapComposite,
)
from whyset.attribution.rules import Epsilon, Flat, Gamma
from whyset.errors import InputError


def network(bias=True):
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Conv2d(2, 3, 3, bias=bias), nn.ReLU(), nn.Flatten(), nn.Linear(36, 4, bias=bias))
        .double()
        .eval()
    )


def images(count=2):
    torch.manual_seed(1)
    return torch.randn(count, 2, 5, 6, dtype=torch.float64)


def test_backward_in_a_context_is_the_attributor():
    model, x = network(), images().requires_grad_()
    with EpsilonPlusFlat().context(model):
        output = model(x)
        relevance = torch.zeros_like(output)
        relevance[:, 2] = output.detach()[:, 2]
        output.backward(relevance)
    torch.testing.assert_close(x.grad, Gradient(model, EpsilonPlusFlat())(x.detach(), 2)[1], rtol=1e-10, atol=1e-12)


def test_two_forwards_before_one_backward():
    model = network()
    a, b = images(3)[:1].requires_grad_(), images(3)[1:].requires_grad_()
    with EpsilonPlus().context(model):
        outputs = [model(a), model(b)]
        torch.autograd.backward(outputs, [output.detach() for output in outputs])
    for x in (a, b):
        expected = Gradient(model, EpsilonPlus())(x.detach(), lambda output: output)[1]
        torch.testing.assert_close(x.grad, expected, rtol=1e-10, atol=1e-12)


def test_work_on_the_output_inside_the_context_is_not_the_models():
    model, x = network(), images().requires_grad_()
    with EpsilonPlus().context(model):
        probability = model(x).softmax(1)
        probability[:, 0].sum().backward()
    assert x.grad.isfinite().all()


def test_nested_outputs_and_keyword_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 2, bias=False), nn.Linear(4, 2, bias=False)

        def forward(self, a, *, b):
            return {"sum": self.left(a) + self.right(b), "both": (self.left(a), self.right(b))}

    torch.manual_seed(0)
    model, a, b = (
        Two().double().eval(),
        torch.randn(2, 3).double().requires_grad_(),
        torch.randn(2, 4).double().requires_grad_(),
    )
    with LayerMapComposite(layer_map=(("linear", Epsilon(0.0)),)).context(model):
        total = model(a, b=b)["sum"]
        total.backward(total.detach())
    torch.testing.assert_close(a.grad.sum(1) + b.grad.sum(1), total.sum(1), rtol=1e-10, atol=1e-12)


def test_the_model_is_bit_for_bit_as_before_also_after_an_error():
    model, x = network(), images()
    before = {name: (id(p), p.clone()) for name, p in model.named_parameters()}
    hooks = [
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in model.modules()
    ]
    expected = model(x)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), EpsilonPlus().context(model):
        model(x[:, :, 1:].clone().requires_grad_())
    assert all(id(p) == before[name][0] and torch.equal(p, before[name][1]) for name, p in model.named_parameters())
    assert hooks == [
        len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()
    ]
    assert torch.equal(model(x), expected)


def test_an_input_without_gradient_is_refused():
    model = network()
    with EpsilonPlus().context(model), pytest.raises(InputError, match="requires_grad=True"):
        model(images())


def test_name_maps_must_match_something():
    with pytest.raises(InputError, match=r"no module named 'features.0'.*'0'"):
        NameMapComposite((("features.0", Flat()),)).plan(network(), images())


def test_mixed_and_class_maps_decide_in_order():
    composite = MixedComposite(
        (
            NameMapComposite((("0", Gamma(0.5)),)),
            LayerMapComposite(layer_map=((nn.Conv2d, Flat()), (nn.Linear, Epsilon(0.25)))),
        )
    )
    rules = [step.rule for step in composite.plan(network(), images()).steps if step.kind == "linear"]
    assert rules == [Gamma(0.5), Epsilon(0.25)]


@pytest.mark.parametrize("composite", [GuidedBackprop(), CPLRP()])
def test_what_changes_the_whole_pass_cannot_be_mixed(composite):
    with pytest.raises(InputError, match=f"{type(composite).__name__} changes the whole pass"):
        MixedComposite((NameMapComposite(()), composite))


def test_functions_and_indices_name_operations_too():
    composite = NameLayerMapComposite(((3, Epsilon(0.125)),), layer_map=(("conv2d", Gamma(0.5)), ("linear", Flat())))
    rules = [step.rule for step in composite.plan(network(), images()).steps if step.kind == "linear"]
    assert rules == [Gamma(0.5), Epsilon(0.125)]


def test_a_plan_says_where_relevance_would_rest_on_zeros():
    plan = LayerMapComposite(layer_map=((("convolution", "linear"), Flat()),)).plan(network(), images())
    reasons = [step.reason for step in plan.steps if step.kind == "linear"]
    assert ["pre-activations that are 0" in reason for reason in reasons] == [False, True]


def test_a_plan_prints_one_line_per_operation_with_its_reason():
    plan = EpsilonPlusFlat().plan(network(), images())
    assert [step.operation for step in plan.steps] == ["conv2d", "relu", "flatten", "linear"]
    assert [step.module for step in plan.steps] == ["0", "1", "2", "3"]
    lines = str(plan).splitlines()
    assert len(lines) == 5
    assert "Flat(stabilizer=1e-06)" in lines[1]
    assert "first" in lines[1]


def test_wrong_maps_are_refused():
    with pytest.raises(InputError, match="expected pairs"):
        EpsilonPlus(layer_map=(("conv", Flat()),))
    with pytest.raises(InputError, match="on_unknown"):
        EpsilonPlus(on_unknown="ignore")
