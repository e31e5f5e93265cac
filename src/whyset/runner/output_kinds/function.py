"""Scores by a function of the output."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from whyset.attribution.methods.function import identify_function
from whyset.errors import InputError
from whyset.runner.output import Output
from whyset.runner.output_kinds.logits import Logits


@dataclass(frozen=True)
class FunctionKind(Logits):
    """A function f(output) returns the scores (n, K), of which the highest is the prediction.

    >>> FunctionKind(lambda output: output.flatten(1)[:, :2]).name
    'function'
    """

    name: ClassVar[str] = "function"
    has_classes: ClassVar[bool] = False

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        if isinstance(self.function, type) or not callable(self.function):
            raise InputError(f"output_kind: expected a name, a kind or a function f(output), got {self.function!r}")

    def describe(self) -> str:
        """Return the name of the function."""
        return f"function {identify_function(self.function)['function']}"

    def to_dict(self) -> dict[str, Any]:
        """Return the name of the function and the hash of its source, by which another function is noticed."""
        return {"name": self.name, "fields": identify_function(self.function)}

    def check(self, output: Tensor) -> None:
        """Raise InputError unless the function returns a floating point tensor (n, K)."""
        found: Any = self.function(output)
        if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != len(output):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise InputError(
                f"output_kind: the function returns {got} for outputs {tuple(output.shape)}: expected scores of shape "
                f"({len(output)}, K), one row for each sample"
            )

    def scores(self, output: Tensor, value: Output) -> Tensor:
        """Return the scores (n, K) of the function."""
        found: Tensor = self.function(output)
        return found
