from dataclasses import dataclass

from torch import nn

from whyset.attribution.composites.composite import Composite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import Rule
from whyset.errors import InputError


@dataclass(frozen=True)
class MixedComposite(Composite):
    """Several composites in order: the first that has a rule for an operation decides.

    Parameters
    ----------
    composites : tuple of Composite, default ()
        The composites, in order.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Raises
    ------
    InputError
        A composite changes the whole pass (a gradient instead of relevance, constant gates) and cannot be mixed.
    """

    composites: tuple[Composite, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.composites, tuple | list):
            raise InputError(f"MixedComposite: expected a tuple of composites, got {self.composites!r}")
        for composite in self.composites:
            if not isinstance(composite, Composite):
                raise InputError(f"MixedComposite: expected composites, got {composite!r}")
            if composite.multiply_by_input and not composite.gates_are_constant:
                continue
            raise InputError(
                f"MixedComposite: {type(composite).__name__} changes the whole pass and not only rules of linear "
                "operations, so it cannot be mixed: use it alone"
            )

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        for composite in self.composites:
            rule, reason = composite.choose(site)
            if rule is not None:
                return rule, reason
        return None, "no entry: plain gradient"

    @property
    def looks_at_modules(self) -> bool:
        return any(composite.looks_at_modules for composite in self.composites)

    @property
    def needs_twin(self) -> bool:
        return any(composite.needs_twin for composite in self.composites)

    @property
    def states_inside(self) -> bool:
        return any(composite.states_inside for composite in self.composites)

    def check(self, model: nn.Module) -> None:
        for composite in self.composites:
            composite.check(model)
