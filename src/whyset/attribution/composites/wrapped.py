"""The base of composites that change the rules of another composite."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from whyset.attribution.composites.composite import Composite
from whyset.errors import InputError


@dataclass(frozen=True)
class WrappedComposite(Composite):
    """Base of the composites that change rules of another one, and are otherwise as it is; a subclass has `choose`.

    Parameters
    ----------
    composite : Composite
        The composite that chooses the rules.

    Raises
    ------
    InputError
        `composite` is not a composite, or is one that gives a gradient instead of relevance.
    """

    composite: Composite

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.composite, Composite):
            raise InputError(f"{type(self).__name__}: expected a composite, got {self.composite!r}")
        if not self.composite.multiply_by_input:
            raise InputError(
                f"{type(self).__name__}: {type(self.composite).__name__} gives a gradient, and not relevance by rules: "
                "give a composite with rules, such as EpsilonPlus()"
            )

    @property
    def gates_are_constant(self) -> bool:  # type: ignore[override]  # that of the other composite
        return self.composite.gates_are_constant

    @property
    def relu(self) -> Any:
        return self.composite.relu

    @property
    def looks_at_modules(self) -> bool:
        return self.composite.looks_at_modules

    @property
    def needs_twin(self) -> bool:
        return self.composite.needs_twin

    @property
    def states_inside(self) -> bool:
        return self.composite.states_inside

    def check(self, model: nn.Module) -> None:
        self.composite.check(model)
