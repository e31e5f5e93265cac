from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.attribution.rules.rule import Layer, Rule
from whyset.errors import InputError


@dataclass(frozen=True)
class Pass(Rule):
    """Relevance passes unchanged: `R_x = R`.

    Element-wise functions need no rule for this. A linear operation with this rule must keep the shape of its input,
    otherwise the backward pass raises an InputError.
    """

    states_relevance: ClassVar[bool] = True
    formula: ClassVar[str] = "R"

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        if x.shape != r.shape:
            raise InputError(
                f"Pass needs an operation that keeps its shape, this one maps {tuple(x.shape)} to {tuple(r.shape)}: "
                "choose another rule for it"
            )
        return r
