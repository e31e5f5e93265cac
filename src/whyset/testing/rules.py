"""Contract tests for every propagation rule."""

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields

import pytest
import torch
from torch import Tensor, nn

from whyset.attribution import Gradient, OutputWeights, to_dict
from whyset.attribution.composites import LayerMapComposite
from whyset.attribution.rules import Rule
from whyset.testing.closed_forms import ClosedForm, compute_closed_form_relevance
from whyset.testing.linear_operations import LINEAR_OPERATIONS, LinearOperation

HALF_PRECISION = (torch.float16, torch.bfloat16)


def explain_layer(rule: Rule, layer: nn.Module, x: Tensor, coefficient: Tensor) -> Tensor:
    """Compute the relevance of the input of a linear operation by a rule, for the relevance `output ⊙ coefficient`."""
    composite = LayerMapComposite(layer_map=((("linear", "convolution"), rule),))
    return Gradient(layer, composite)(x, OutputWeights(coefficient))[1]


def differentiable(rule: Rule, layer: nn.Module, x: Tensor, coefficient: Tensor) -> Tensor:
    """Compute the same relevance as part of a graph, so it can be differentiated."""
    composite = LayerMapComposite(layer_map=((("linear", "convolution"), rule),))
    return Gradient(layer, composite, create_graph=True)(x, OutputWeights(coefficient))[1]


class RuleContract(ABC):
    """Contract of a rule: inherit and define `rule` and its `closed_form` on a dense matrix.

    Examples
    --------
    >>> class TestMine(RuleContract):      # doctest: +SKIP
    ...     def rule(self): return Mine()
    ...     def closed_form(self): return lambda w, b, x, r: ...
    """

    @abstractmethod
    def rule(self) -> Rule:
        """Return the rule under test.

        Returns
        -------
        Rule
            The rule; the rules of two calls are equal.
        """

    @abstractmethod
    def closed_form(self) -> ClosedForm:
        """Return the rule on a dense matrix.

        Returns
        -------
        callable
            The relevance of one flattened sample x, as a function of W, bias b, x and the relevance r of `Wx + b`.
        """

    def operations(self) -> Mapping[str, LinearOperation]:
        """Return the linear operations to test the rule on, by default all.

        Returns
        -------
        mapping of str to LinearOperation
            The operations by their names, which messages contain.
        """
        return LINEAR_OPERATIONS

    @pytest.mark.parametrize("nonnegative", [False, True], ids=["signed", "nonnegative"])
    def test_it_is_its_closed_form_on_every_operation(self, nonnegative: bool) -> None:
        for name, operation in self.operations().items():
            layer, x, c = example(operation, nonnegative=nonnegative)
            expected = compute_closed_form_relevance(self.closed_form(), layer, x, c)
            got = explain_layer(self.rule(), layer, x, c)
            worst = float((got - expected).abs().max())
            assert torch.allclose(got, expected, rtol=1e-9, atol=1e-9), f"{name}: off by {worst:.1e}"

    def test_relevance_is_shaped_and_typed_like_the_input(self) -> None:
        for operation in self.operations().values():
            for dtype in (torch.float64, torch.float32, *HALF_PRECISION):
                layer, x, c = example(operation, dtype=dtype)
                relevance = explain_layer(self.rule(), layer, x, c)
                assert (relevance.shape, relevance.dtype) == (x.shape, dtype)

    def test_relevance_is_finite_where_the_input_is_zero(self) -> None:
        for operation in self.operations().values():
            for dtype in (torch.float32, *HALF_PRECISION):
                layer, x, c = example(operation, dtype=dtype)
                assert explain_layer(self.rule(), layer, torch.zeros_like(x), c).isfinite().all()

    def test_relevance_is_proportional_to_the_relevance_behind(self) -> None:
        for operation in self.operations().values():
            layer, x, c = example(operation)
            twice = explain_layer(self.rule(), layer, x, 2 * c)
            torch.testing.assert_close(twice, 2 * explain_layer(self.rule(), layer, x, c), rtol=1e-12, atol=1e-12)

    def test_a_sample_alone_is_explained_as_in_a_batch(self) -> None:
        for operation in self.operations().values():
            layer, x, c = example(operation)
            alone = explain_layer(self.rule(), layer, x[:1], c[:1])
            torch.testing.assert_close(alone, explain_layer(self.rule(), layer, x, c)[:1], rtol=1e-10, atol=1e-12)

    def test_relevance_has_a_true_derivative(self) -> None:
        """By the input and by the weight, against finite differences."""
        for operation in self.operations().values():
            layer, x, c = example(operation)
            layer = copy.deepcopy(layer).requires_grad_()
            parameter = next(iter(layer.parameters()))
            relevance = differentiable(self.rule(), layer, x.requires_grad_(), c)
            weighting = torch.randn_like(relevance)
            by_input, by_weight = torch.autograd.grad(
                (relevance * weighting).sum(), (x, parameter), materialize_grads=True
            )
            for tensor, slope in ((x, by_input), (parameter, by_weight)):
                direction, step = torch.randn_like(tensor), 1e-6
                ends = [
                    (self._relevance_near(layer, x, c, tensor, sign * step * direction) * weighting).sum()
                    for sign in (1, -1)
                ]
                numeric = (ends[0] - ends[1]) / (2 * step)
                torch.testing.assert_close((slope * direction).sum(), numeric, rtol=1e-4, atol=1e-5)

    def _relevance_near(self, layer: nn.Module, x: Tensor, c: Tensor, moved: Tensor, by: Tensor) -> Tensor:
        with torch.no_grad():
            moved += by
        try:
            return explain_layer(self.rule(), layer, x, c)
        finally:
            with torch.no_grad():
                moved -= by

    def test_it_makes_no_tensor_on_a_device_of_its_own_choice(self) -> None:
        """Tensors made without a device would be on "meta" here, which cannot be combined with the others."""
        for operation in self.operations().values():
            layer, x, c = example(operation)
            expected = explain_layer(self.rule(), layer, x, c)
            with torch.device("meta"):
                got = explain_layer(self.rule(), layer, x, c)
            assert torch.equal(got, expected)

    def test_layer_and_input_stay_as_they_are(self) -> None:
        for operation in self.operations().values():
            layer, x, c = example(operation)
            before = {key: value.clone() for key, value in layer.state_dict().items()} | {"x": x.clone()}
            explain_layer(self.rule(), layer, x, c)
            after = {**layer.state_dict(), "x": x}
            assert all(torch.equal(before[key], after[key]) for key in before)

    def test_it_is_a_frozen_value(self) -> None:
        rule, twin = self.rule(), self.rule()
        assert rule == twin
        assert hash(rule) == hash(twin)
        for name in [field.name for field in fields(rule)] or ["anything"]:
            with pytest.raises(FrozenInstanceError):
                setattr(rule, name, None)

    def test_its_stored_form_is_json_and_names_it(self) -> None:
        rule = self.rule()
        stored = json.loads(json.dumps(to_dict(rule)))
        assert stored["name"] == type(rule).__name__
        assert list(stored["fields"]) == [field.name for field in fields(rule)]

    def test_it_shows_its_formula(self) -> None:
        assert self.rule().formula


def example(
    operation: LinearOperation, *, nonnegative: bool = False, dtype: torch.dtype = torch.float64
) -> tuple[nn.Module, Tensor, Tensor]:
    """Return a layer, two samples, and a coefficient at its output, the same in every call."""
    layer = operation.make(seed=3).to(dtype)
    x = operation.inputs(2, nonnegative=nonnegative).to(dtype)
    return layer, x, torch.randn(layer(x).shape, dtype=torch.float64).to(dtype)
