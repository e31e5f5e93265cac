from dataclasses import dataclass

from whyset.attribution.composites.wrapped import WrappedComposite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import RedistributeBias, Rule
from whyset.errors import InputError


@dataclass(frozen=True)
class BiasRedistribution(WrappedComposite):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.composite, BiasRedistribution):
            raise InputError("BiasRedistribution: the composite redistributes biases already")
        if getattr(self.composite, "zero_params", None):
            raise InputError(
                f"BiasRedistribution: in {type(self.composite).__name__} biases count as zero and have no relevance to "
                "redistribute: leave out zero_params"
            )

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        rule, reason = self.composite.choose(site)
        return (rule, reason) if rule is None else (RedistributeBias(rule), f"{reason}, bias redistributed")
