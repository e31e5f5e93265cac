"""The linear operations of a network that rules are chosen for, from the plan of a composite."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whyset.attribution.composites import AttnLRP
from whyset.attribution.intercept.operations import OperationKind
from whyset.attribution.plan import PlanStep

GATES = (OperationKind.ATTENTION.value, OperationKind.PRODUCT.value, OperationKind.RECURRENT.value)


@dataclass(frozen=True)
class LinearLayers:
    """The linear operations of a network, in order of execution.

    Parameters
    ----------
    convolutions : tuple of str or int
        The path of the module of each convolution; its index in the plan, if the module runs other linear operations.
    has_linear : bool
        True if there are linear layers.
    has_gates : bool
        True if there are products, attention or recurrent cells, of which one factor may be constant.
    """

    convolutions: tuple[str | int, ...]
    has_linear: bool
    has_gates: bool

    def name_late(self, depth: float) -> tuple[str | int, ...]:
        """Return the convolutions after the given share of them, counted from the input; at least one is early.

        >>> LinearLayers(("a", "b", "c", "d"), True, False).name_late(0.5)
        ('c', 'd')
        """
        return self.convolutions[max(1, math.ceil(depth * len(self.convolutions))) :]


def list_linear_layers(model: nn.Module, x: Tensor) -> LinearLayers:
    """List the linear operations that an input (1, ...) runs through."""
    with torch.enable_grad():
        steps = AttnLRP(on_unknown="gradient").plan(model, x).table()
    linear = [step for step in steps if step.rule is not None]
    convolutions = _name([step for step in linear if step.operation.startswith("conv")], linear)
    kinds = {str(step.kind) for step in steps}
    return LinearLayers(convolutions, len(linear) > len(convolutions), not kinds.isdisjoint(GATES))


def _name(chosen: Sequence[PlanStep], linear: Sequence[PlanStep]) -> tuple[str | int, ...]:
    """Return the path of each operation if its module runs only this one, and else its index."""
    count = Counter(step.module for step in linear)
    return tuple(step.module if step.module and count[step.module] == 1 else step.index for step in chosen)
