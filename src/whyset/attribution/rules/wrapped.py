"""The base of rules that change another rule."""

from dataclasses import dataclass

from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing
from whyset.errors import InputError


@dataclass(frozen=True)
class WrappedRule(Rule):
    """Base of the rules that change the layer or the relevance of another rule, which is otherwise as it is.

    Parameters
    ----------
    rule : Rule
        The other rule.

    Raises
    ------
    InputError
        `rule` is not a rule.
    """

    rule: Rule

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.rule, Rule):
            raise InputError(f"{type(self).__name__}(rule={self.rule!r}): expected a rule, such as ZPlus()")

    @property
    def states_relevance(self) -> bool:  # type: ignore[override]  # that of the other rule
        return self.rule.states_relevance

    @property
    def starts_from_relevance(self) -> bool:
        return self.rule.starts_from_relevance

    @property
    def stabilizing(self) -> Stabilizing:
        return self.rule.stabilizing

    def branches(self, layer: Layer, x: Tensor, y: Tensor) -> tuple[Branch, ...]:
        return self.rule.branches(layer, x, y)

    def receive(self, r: Tensor) -> Tensor:
        return self.rule.receive(r)

    def keep_bias(self, layer: Layer, x: Tensor, relevance: Tensor) -> Tensor:
        return self.rule.keep_bias(layer, x, relevance)
