from dataclasses import dataclass
from typing import Any

from torch import nn

from whyset.attribution.composites.composite import Composite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import RedistributeBias, Rule
from whyset.errors import InputError


@dataclass(frozen=True)
class BiasRedistribution(Composite):
    """Another composite, with `RedistributeBias` around each of its rules.

    The shifts of batch norms that are merged with a linear operation are part of its bias. Operations without a rule,
    such as a batch norm after a sum, keep theirs, and so does a bias that no input contributes to: the ledger shows how
    much.

    Parameters
    ----------
    composite : Composite
        The composite that chooses the rules, without `zero_params`.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Raises
    ------
    InputError
        `composite` is not a composite, or is one that gives a gradient instead of relevance.

    Examples
    --------
    >>> from whyset.attribution.composites import EpsilonPlus
    >>> BiasRedistribution(EpsilonPlus(epsilon=0.1)).composite.epsilon
    0.1
    """

    composite: Composite

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.composite, Composite):
            raise InputError(f"BiasRedistribution: expected a composite, got {self.composite!r}")
        if isinstance(self.composite, BiasRedistribution):
            raise InputError("BiasRedistribution: the composite redistributes biases already")
        if getattr(self.composite, "zero_params", None):
            raise InputError(
                f"BiasRedistribution: in {type(self.composite).__name__} biases count as zero and have no relevance to "
                "redistribute: leave out zero_params"
            )
        if not self.composite.multiply_by_input:
            raise InputError(
                f"BiasRedistribution: {type(self.composite).__name__} gives a gradient, in which biases have no share"
            )

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        rule, reason = self.composite.choose(site)
        return (rule, reason) if rule is None else (RedistributeBias(rule), f"{reason}, bias redistributed")

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
