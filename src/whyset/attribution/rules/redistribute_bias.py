from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Branch, Layer, Rule, Stabilizing
from whyset.attribution.rules.stabilizer import ratio
from whyset.errors import InputError


@dataclass(frozen=True)
class RedistributeBias(Rule):
    """Another rule, with the relevance B of the bias redistributed to the inputs: `R_x + |x| ⊙ |W|ᵀ(B / |W||x|)`.

    B is what the rule leaves at the bias, `s · b` summed over its branches. Each input gets a share by the absolute
    value of its contribution. Wang 2019 attributes biases to inputs layer by layer, too; Arras 2017 gives equal shares.
    Where `|W||x|` is 0, no input contributes, and B stays at the bias: the rule does not conserve there, and the ledger
    shows the amount.

    Parameters
    ----------
    rule : Rule
        The rule; its `zero_params` must be None, because a bias that counts as zero has no relevance.

    Raises
    ------
    InputError
        `rule` is not a rule, redistributes the bias already, or has `zero_params`.

    Examples
    --------
    >>> from whyset.attribution.rules import Epsilon
    >>> RedistributeBias(Epsilon(0.1))
    RedistributeBias(rule=Epsilon(epsilon=0.1, zero_params=None))
    """

    rule: Rule

    formula: ClassVar[str] = "R_x + |x| ⊙ |W|ᵀ(B / |W||x|),  B = Σ s·b"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.rule, Rule) or isinstance(self.rule, RedistributeBias):
            raise InputError(f"RedistributeBias(rule={self.rule!r}): expected another rule, such as Epsilon()")
        if getattr(self.rule, "zero_params", None):
            raise InputError(
                f"RedistributeBias(rule={self.rule!r}): the bias counts as zero, so it has no relevance to "
                "redistribute: leave out zero_params"
            )

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

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        return self.rule.coefficient(layer, x, y, c) + x.sign() * self._share(layer, x, y, y * c)

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        return self.rule.relevance(layer, x, y, r) + x.abs() * self._share(layer, x, y, r)

    def keep_bias(self, layer: Layer, x: Tensor, relevance: Tensor) -> Tensor:
        return torch.where(_vanishes(_absolute_sum(layer, x)), relevance, 0)

    def _share(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        """Return `|W|ᵀ(B / |W||x|)`, zeros for a layer without a bias."""
        found = [
            branch.share(r, self.stabilizing) * branch.bias
            for branch in self.branches(layer, x, y)
            if isinstance(branch.bias, Tensor)
        ]
        if not found:
            return torch.zeros_like(x)
        whole = _absolute_sum(layer, x)
        kept = _vanishes(whole)
        return layer.transpose(ratio(torch.where(kept, 0, sum(found[1:], found[0])), whole), layer.absolute)


def _absolute_sum(layer: Layer, x: Tensor) -> Tensor:
    return layer.forward(x.abs(), layer.absolute)


def _vanishes(whole: Tensor) -> Tensor:
    """Check where a sum is 0, or so small that a quotient would overflow."""
    limits = torch.finfo(whole.dtype)
    return whole <= limits.tiny / limits.eps
