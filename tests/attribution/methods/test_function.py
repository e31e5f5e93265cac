"""A function of the user as a method: what it gets, what it may return, and how another one is noticed."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import Contrast
from whyset.attribution.methods import FunctionMethod
from whyset.errors import InputError

INPUTS = torch.rand(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(40, 3)).eval()


def saliency(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
    x.requires_grad_()
    return torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]


class Scaled:
    """A function with a state, as users write them."""

    def __call__(self, model: nn.Module, x: Tensor, target: Tensor) -> np.ndarray:
        return x.numpy() * 2


def test_it_gets_the_model_the_inputs_and_an_index_for_each_sample() -> None:
    model, seen = net(), []

    def look(given: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        seen.append((given, x.shape, target.tolist()))
        return x

    with torch.no_grad():
        output, _ = FunctionMethod(look).bind(model)(INPUTS)
        FunctionMethod(look).bind(model)(INPUTS, 2)
        FunctionMethod(look).bind(model)(INPUTS, [2, 0, 1])
    assert seen == [(model, INPUTS.shape, index) for index in (output.argmax(1).tolist(), [2, 2, 2], [2, 0, 1])]


def test_gradients_and_changes_in_place_do_not_reach_the_caller() -> None:
    before, model = INPUTS.clone(), net()
    with torch.no_grad():
        found = FunctionMethod(saliency).bind(model)(INPUTS, 1)[1]
    torch.testing.assert_close(found, model[1].weight[1].view(2, 4, 5).expand(3, -1, -1, -1))
    assert not found.requires_grad

    def overwrite(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return x.zero_()

    FunctionMethod(overwrite).bind(model)(INPUTS, 1)
    assert torch.equal(INPUTS, before)


def test_arrays_and_objects_that_are_called_are_functions_too() -> None:
    method = FunctionMethod(Scaled())
    torch.testing.assert_close(method.bind(net())(INPUTS, 1)[1], INPUTS * 2)
    assert method.describe() == f"function {__name__}.Scaled"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "the function returned NoneType: expected a tensor or an array"),
        (torch.zeros(2, 4), r"the function returned \(2, 4\)"),
        (torch.tensor(1.0), r"the function returned \(\)"),
        (torch.zeros(3, dtype=torch.complex64), "expected numbers"),
        ("map", "the function returned str"),
    ],
)
def test_other_results_are_refused(returned: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        FunctionMethod(lambda model, x, target: returned).bind(net())(INPUTS, 1)


def test_other_targets_than_class_indices_are_refused() -> None:
    with pytest.raises(InputError, match="explains the index of an output"):
        FunctionMethod(saliency).bind(net())(INPUTS, Contrast(0, 1))


def test_another_function_has_another_stored_form() -> None:
    forms = [FunctionMethod(function).to_dict() for function in (saliency, Scaled(), lambda model, x, target: x)]
    assert len({str(form) for form in forms}) == 3
    assert forms[0]["fields"]["function"] == f"{__name__}.saliency"
    assert all(len(form["fields"]["source_sha256"]) == 64 for form in forms)


def test_a_function_without_source_is_named_without_a_hash() -> None:
    scope: dict[str, Any] = {"__name__": "shell"}
    exec("def typed(model, x, target):\n    return x", scope)
    fields = FunctionMethod(scope["typed"]).to_dict()["fields"]
    assert fields == {"function": "shell.typed", "source_sha256": None}


def scale(model: nn.Module, x: Tensor, target: Tensor, factor: float = 1.0) -> Tensor:
    return factor * x


def make_scale(factor: float) -> Any:
    def scale_by(model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return factor * x

    return scale_by


class Scale:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, model: nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return self.factor * x


BINDINGS = {
    "closure": make_scale,
    "object": Scale,
    "method": lambda factor: Scale(factor).__call__,
    "partial": lambda factor: partial(scale, factor=factor),
    "partial of a closure": lambda factor: partial(make_scale(factor)),
}


@pytest.mark.parametrize("bind", BINDINGS.values(), ids=BINDINGS)
def test_one_function_bound_to_other_values_is_another_one(bind: Any) -> None:
    one, same, other = (FunctionMethod(bind(factor)).to_dict() for factor in (2.0, 2.0, 3.0))
    assert one == same
    assert one["fields"]["function"] == other["fields"]["function"]
    assert one["fields"]["source_sha256"] != other["fields"]["source_sha256"]


def test_a_map_keeps_the_precision_of_the_function() -> None:
    fine = torch.full(INPUTS.shape, 1e-9, dtype=torch.float64)
    found = FunctionMethod(lambda model, x, target: fine).bind(net().half().float())(INPUTS, 1)[1]
    assert torch.equal(found, fine)
