"""Composites that propagate patterns, which are fitted on data, in place of weights."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.composites.gradient_composite import GradientComposite
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.patterns import Patterns
from whyset.attribution.rules import Rule
from whyset.attribution.rules.pattern import PatternRule
from whyset.errors import InputError


@dataclass(frozen=True)
class PatternNet(GradientComposite):
    """PatternNet: the gradient with patterns in place of the weights of linear operations (Kindermans 2018).

    The result, times the explained output, is the estimated signal at the input. Batch norms after a linear operation
    are part of its weight. A contraction of an activation and a parameter, such as `x @ w`, keeps its plain gradient.

    Parameters
    ----------
    patterns : Patterns
        The patterns of the model, from `fit_patterns`.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Has no effect: every other operation has its plain gradient.

    Raises
    ------
    InputError
        `patterns` is something else, or, in a call, those of another model.
    """

    patterns: Patterns

    weighted: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.patterns, Patterns):
            raise InputError(
                f"{type(self).__name__}(patterns={self.patterns!r}): expected patterns, which fit_patterns(model, "
                "batches) returns"
            )

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        pattern = self.patterns.find(site)
        if pattern.weight is None:
            return None, "no pattern: no gradient reached it in the fit"
        return PatternRule(pattern.weight, self.weighted), "pattern"

    @property
    def looks_at_modules(self) -> bool:
        return True


@dataclass(frozen=True)
class PatternAttribution(PatternNet):
    """PatternAttribution: the gradient with `w ⊙ a`, weight times pattern, in place of the weights (Kindermans 2018).

    The result, times the explained output, attributes this output to the inputs.

    Parameters
    ----------
    patterns : Patterns
        The patterns of the model, from `fit_patterns`.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Has no effect: every other operation has its plain gradient.

    Raises
    ------
    InputError
        `patterns` is something else, or, in a call, those of another model.
    """

    weighted: ClassVar[bool] = True
