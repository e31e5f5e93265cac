from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Layer, Rule
from whyset.errors import InputError


@dataclass(frozen=True, eq=False)
class PatternRule(Rule):
    """The gradient with a pattern a in place of the weight, or with `w ⊙ a` (Kindermans 2018).

    It propagates a gradient, not relevance: composites that multiply the result by the input do not use it.

    Parameters
    ----------
    pattern : Tensor
        The pattern of each output, shaped like the weight of the operation.
    weighted : bool
        Whether the pattern is multiplied by the weight, as in PatternAttribution.
    """

    pattern: Tensor = field(repr=False)
    weighted: bool

    formula: ClassVar[str] = "aᵀg, or (w ⊙ a)ᵀg"

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        weight = layer.weight
        if self.pattern.shape != weight.shape:
            raise InputError(
                f"a pattern of shape {tuple(self.pattern.shape)} does not fit a weight of shape {tuple(weight.shape)}: "
                "fit patterns for this model by fit_patterns(model, batches)"
            )
        pattern = self.pattern.to(weight)
        return layer.transpose(c, weight * pattern if self.weighted else pattern)
