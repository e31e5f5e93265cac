"""The base of the attribution methods: their parameters, their capabilities, and the attributor for a model."""

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from whyset.attribution.composites import Composite
from whyset.attribution.named_part import NamedPart
from whyset.attribution.targets import Target
from whyset.modality import MODALITIES as KINDS

FLOATING = tuple(name for name, kind in KINDS.items() if kind.is_floating)
"""Modalities whose inputs are floating point numbers."""
POSITIONAL = ("image", "volume", "series")
"""Modalities whose elements have neighbors, so that they can be blurred."""
MODALITIES = tuple(KINDS)


class BoundMethod(Protocol):
    """A method that was bound to a model: an attributor."""

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the explanation of the input."""
        ...


@dataclass(frozen=True)
class Method(NamedPart):
    """Base of the attribution methods; the fields of a method are its parameters.

    A new method is a subclass with a `name` that implements `bind`, and a line in the table `METHODS`. The facts below
    are what a run relies on, and what it refuses is refused by them before anything is computed.
    """

    several_targets: ClassVar[bool] = False
    """True if the attributor takes `targets=[...]`, which share one forward pass."""
    records_layers: ClassVar[bool] = False
    """True if the attributor has `record`, so that relevance of layers can be stored (layers=, concepts=)."""
    has_ledger: ClassVar[bool] = False
    """True if the attributor has `ledger`, so that losses are measured."""
    needs_gradients: ClassVar[bool] = True
    """True if the output of the model must be differentiable with respect to its input."""
    takes_seeds: ClassVar[bool] = False
    """True if the attributor takes `seeds=[...]`, one for each sample, and draws no other random numbers."""
    draws_globally: ClassVar[bool] = False
    """True if it may draw from the global generators of torch, NumPy or Python."""
    modalities: ClassVar[tuple[str, ...]] = MODALITIES
    """The kinds of inputs that can be explained."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def bind(self, model: nn.Module) -> BoundMethod:
        """Make the attributor of this method for a model in evaluation mode."""
        raise NotImplementedError

    def resolve(self, model: nn.Module, x: Tensor) -> Self:
        """Return a copy that states what follows from the model and the shape of its inputs, such as a layer."""
        return self

    @property
    def virtual_layers(self) -> tuple[str, ...]:
        """Names of arrays of relevance besides that of the input; the attributor then has `explain_layers`."""
        return ()

    @property
    def conserving(self) -> bool:
        """True if the values of a relevance map sum to the explained output, except for measured losses."""
        return False

    def describe_count(self, name: str, field: str, unit: str) -> str:
        """Return the name, the number of steps or masks, and the other parameters that are not the default."""
        count = getattr(self, field)
        given = ((part, getattr(self, part.name)) for part in fields(self) if part.name != field)
        others = [f"{part.name} {value}" for part, value in given if value != part.default]
        return ", ".join([name, f"{count} {unit}{'' if count == 1 else 's'}", *others])

    @property
    def composite_name(self) -> str | None:
        """The name of the composite if it is still to be resolved for the data; None for methods without one."""
        given = getattr(self, "composite", None)
        return given if isinstance(given, str) else None

    def with_composite(self, composite: Composite | str | None) -> Self:
        """Return a copy with another composite, for methods that have one."""
        changed: Any = {"composite": composite}
        return replace(self, **changed)


def describe_composite(composite: Composite | str | None) -> str:
    """Return the name of a composite for users."""
    return "gradient" if composite is None else composite if isinstance(composite, str) else type(composite).__name__
