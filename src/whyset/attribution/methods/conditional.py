"""Relevance that passes through given channels, as a method of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from whyset.attribution.attributors.conditional import Conditional
from whyset.attribution.composites import Composite
from whyset.attribution.conditions import check_conditions
from whyset.attribution.methods.composite_field import AUTO, check_composite
from whyset.attribution.methods.method import Method, describe_composite
from whyset.errors import InputError
from whyset.printable import short_dataclass_repr

_SHOWN = 4


@dataclass(frozen=True)
class ConditionalMethod(Method):
    """Relevance that passes through given channels of layers (Achtibat 2023): `whyset.attribution.Conditional`.

    Parameters
    ----------
    conditions : mapping
        Module paths and their channels, such as `{"layer3": [5, 17]}`; several layers act at once.
    composite : Composite or str, default "auto"
        The rules: an instance or a name of `COMPOSITES`; in a run, "auto" chooses them for the model.
    dim : int, default 1
        The dimension of the channels in a layer's output; -1 for tokens.

    Raises
    ------
    InputError
        The conditions are not such a mapping, or the composite is unknown or computes gradients.

    Examples
    --------
    >>> ConditionalMethod({"layer3": [5, 17]}, "epsilon_plus").describe()
    'epsilon_plus through layer3: 5, 17'
    """

    name: ClassVar[str] = "conditional"

    conditions: Mapping[str, Any]
    composite: Composite | str = AUTO
    dim: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.conditions, Mapping) or not self.conditions:
            raise InputError(
                f"conditions: expected one mapping of layers to channels, such as {{'layer3': [5, 17]}}, got "
                f"{self.conditions!r}; a run has one explanation for each sample and target"
            )
        check_conditions((self.conditions,))
        kept = {path: list(of) if isinstance(of, list | tuple) else of for path, of in self.conditions.items()}
        object.__setattr__(self, "conditions", kept)
        check_composite(self.composite)
        if self.composite is None or self.composite == "gradient":
            raise InputError("composite: conditions act on relevance by rules: give one such as 'epsilon_plus'")

    def describe(self) -> str:
        """Return the composite, the layers and their channels."""
        parts = [f"{path}: {str(channels).strip('[]')}" for path, channels in self.conditions.items()]
        shown, more = "; ".join(parts[:_SHOWN]), len(parts) - _SHOWN
        others = f" and {more} more layers" if more > 0 else ""
        return f"{describe_composite(self.composite)} through {shown}{others}"

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    def bind(self, model: nn.Module) -> Conditional:
        """Make the attributor for a model."""
        return Conditional(model, self.composite, self.conditions, dim=self.dim)
