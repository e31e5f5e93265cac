"""The gradient attributor: one forward and one backward pass, plain or by the rules of a composite."""

from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from whyset.attribution.composites import Composite
from whyset.attribution.intercept import Interception
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.targets import Target, output_coefficient
from whyset.errors import InputError


class Gradient:
    """Explain outputs of a model: by a composite's rules, or, without one, by the plain gradient.

    Inside the `with` block weights derived from the parameters are kept between calls; without it they are made for
    each call. With `create_graph=True` the relevance can be differentiated again, with respect to an input that
    requires gradient and to every parameter.

    >>> from whyset.attribution.composites import EpsilonPlus
    >>> model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False)).eval()
    >>> with Gradient(model, EpsilonPlus()) as attribute:
    ...     output, relevance = attribute(torch.rand(5, 4), target=1)
    >>> relevance.shape
    torch.Size([5, 4])
    """

    def __init__(self, model: nn.Module, composite: Composite | None = None, *, create_graph: bool = False) -> None:
        self.model = model
        self.composite = composite
        self.create_graph = create_graph
        self._cache: WeightCache | None = None

    def __enter__(self) -> Self:
        self._cache = WeightCache()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cache = None

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Give the model's output for `x`, and the relevance (the gradient, without a composite) of `x`, shaped like
        it.
        """
        if not x.is_floating_point():
            raise InputError(
                f"expected a floating point input, got {x.dtype}: explain integer inputs at the output of their "
                "embedding"
            )
        with torch.enable_grad():
            leaf = x if self.create_graph and x.requires_grad else x.detach().requires_grad_()
            return self._plain(leaf, target) if self.composite is None else self._by_rules(leaf, target, self.composite)

    def _plain(self, leaf: Tensor, target: Target) -> tuple[Tensor, Tensor]:
        output = self.model(
            leaf.clone()
        )  # no leaf: models may write into their input, and module trackers refuse leaves
        (gradient,) = torch.autograd.grad(
            output, leaf, output_coefficient(output, target), create_graph=self.create_graph
        )
        return self._released(output), gradient

    def _by_rules(self, leaf: Tensor, target: Target, composite: Composite) -> tuple[Tensor, Tensor]:
        composite.check(self.model)
        session = Interception(composite, self.model, cache=self._cache)
        with session:
            output = self.model(session.mark(leaf))
        if not isinstance(output, Tensor):
            raise InputError(
                f"expected a model whose output is one tensor, got {type(output).__name__}: wrap the model, or use "
                "composite.context(model)"
            )
        session.check_output(output)
        coefficient = output_coefficient(output, target)
        with session.propagating():
            (relevance,) = torch.autograd.grad(output, leaf, coefficient, create_graph=self.create_graph)
        return self._released(output), relevance

    def _released(self, output: Tensor) -> Tensor:
        return output if self.create_graph else output.detach()
