"""Input times gradient as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.input_times_gradient import InputTimesGradient
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class InputTimesGradientMethod(Method):
    """Input times gradient, `x ⊙ ∇f(x)` (Shrikumar 2016): `whyset.attribution.InputTimesGradient`.

    >>> InputTimesGradientMethod().describe()
    'input times gradient'
    """

    name: ClassVar[str] = "input_times_gradient"
    several_targets: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    def bind(self, model: nn.Module) -> InputTimesGradient:
        """Make the attributor for a model."""
        return InputTimesGradient(model)
