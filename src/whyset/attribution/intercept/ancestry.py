"""What the lineage of the output of an operation is computed from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from whyset.attribution.intercept.exponentials import Held
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.operations import Operation


def number(value: Any) -> float | None:
    """Return a Python number or a tensor with one element as a float; None for anything else."""
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, Tensor) and value.numel() == 1 and not value.is_complex() and value.device.type != "meta":
        return float(value.detach())
    return None


@dataclass(frozen=True)
class Ancestry:
    """What the lineage of an output is computed from: the call, and the lineages of its tensors."""

    operation: Operation
    given: tuple[Any, ...]
    options: Mapping[str, Any]
    lineages: tuple[Lineage | None, ...]
    """One for each tensor in `given` that depends on the input, else None."""
    output: Tensor
    value: int
    image: Callable[[float | Tensor], float | Tensor]
    """The operation as a function of one number."""
    move: Callable[[], float | Tensor]
    """The output where each tensor is its offset."""
    step: Callable[[], Callable[[Tensor], Tensor]]
    """Return the operation as a function of its dependent tensor, which it does not keep alive."""
    hold: Callable[[Tensor], Held]
    has_masks: bool
    """True if a mask has been computed from values of the input."""
    mask_origins: Callable[[Any], frozenset[int]]
    """The origins of the tensors that a mask was computed from, as in `Lineage`."""

    @property
    def constants(self) -> list[Any]:
        """The positional arguments that do not depend on the input."""
        return [value for value, lineage in zip(self.given, self.lineages, strict=True) if lineage is None]

    @property
    def dependent(self) -> Tensor:
        """The first argument that depends on the input."""
        found: Tensor = next(t for t, lineage in zip(self.given, self.lineages, strict=True) if lineage is not None)
        return found

    def option(self, position: int, *names: str) -> Any:
        if position < len(self.given):
            return self.given[position]
        return next((self.options[name] for name in names if name in self.options), None)
