from dataclasses import dataclass

from whyset.attribution.composites.wrapped import WrappedComposite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import Epsilon, Prune, Rule


@dataclass(frozen=True)
class PrunedLRP(WrappedComposite):
    """Another composite, with `Prune` around each of its rules: sparse explanations (Yanez Sarmiento 2024).

    Each linear operation distributes only the largest relevances of its output; the input itself is not pruned.

    Parameters
    ----------
    composite : Composite
        The composite that chooses the rules.
    positive : float
        The share of the positive relevance that is pruned at each linear operation, at least 0 and below 1.
    negative : float, optional
        The share of the negative relevance that is pruned; by default half of `positive`.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Raises
    ------
    InputError
        `composite` is not a composite with rules, or a share is out of range.

    Examples
    --------
    >>> from whyset.attribution.composites import EpsilonPlus
    >>> PrunedLRP(EpsilonPlus(), 0.25).composite.epsilon
    1e-06
    """

    positive: float
    negative: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        Prune(Epsilon(), self.positive, self.negative)  # checks the shares

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        rule, reason = self.composite.choose(site)
        return (rule, reason) if rule is None else (Prune(rule, self.positive, self.negative), f"{reason}, pruned")
