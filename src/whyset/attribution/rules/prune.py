from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.rules.rule import Layer
from whyset.attribution.rules.wrapped import WrappedRule
from whyset.errors import InputError


@dataclass(frozen=True)
class Prune(WrappedRule):
    """Another rule, of the largest relevances of the output only: PLRP-λ (Yanez Sarmiento 2024, arXiv 2404.14271).

    In each sample the smallest positive relevances are set to 0, as long as they sum to at most `positive` of all
    positive relevance, and the others are multiplied by a factor λ so that their sum stays as it was; likewise for
    negative relevance. Equal relevances are kept or pruned together.

    Parameters
    ----------
    rule : Rule
        The other rule.
    positive : float
        The share of the positive relevance that is pruned, at least 0 and below 1.
    negative : float, optional
        The share of the negative relevance that is pruned; by default half of `positive`, as in the paper.

    Raises
    ------
    InputError
        `rule` is not a rule, or a share is out of range.

    Examples
    --------
    >>> from whyset.attribution.rules import ZPlus
    >>> Prune(ZPlus(), 0.5).receive(torch.tensor([[1.0, 2.0, 3.0, -1.0]]))
    tensor([[ 0.,  0.,  6., -1.]])
    """

    positive: float
    negative: float | None = None

    formula: ClassVar[str] = "the other rule, of λ R where |R| is large"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("positive", "negative"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise InputError(
                    f"{type(self).__name__}({name}={value!r}): expected a share of the relevance, from 0 to below 1"
                )

    def receive(self, r: Tensor) -> Tensor:
        return r * self._weigh(self.rule.receive(r))

    def coefficient(self, layer: Layer, x: Tensor, y: Tensor, c: Tensor) -> Tensor:
        return self.rule.coefficient(layer, x, y, c * self._weigh(y * c))

    def relevance(self, layer: Layer, x: Tensor, y: Tensor, r: Tensor) -> Tensor:
        return self.rule.relevance(layer, x, y, r * self._weigh(r))

    def _weigh(self, r: Tensor) -> Tensor:
        """Return the factor of each relevance, shaped like r: 0 or λ."""
        negative = self.positive / 2 if self.negative is None else self.negative
        rows = r.reshape(len(r), -1)
        factors = torch.where(rows >= 0, _weigh_rows(rows.clamp(min=0), self.positive), _weigh_rows(-rows, negative))
        return factors.view_as(r)


def _weigh_rows(rows: Tensor, share: float) -> Tensor:
    """Return 0 for the smallest positive values of each row (n, values), up to a share of their sum, and λ else."""
    rows = rows.clamp(min=0)
    ordered = rows.detach().sort(dim=1).values
    sums = ordered.cumsum(1)
    pruned = (sums <= share * sums[:, -1:]).sum(1, keepdim=True).clamp(max=rows.shape[1] - 1)
    kept = torch.where(rows >= ordered.gather(1, pruned), rows, 0)
    whole, rest = rows.sum(1, keepdim=True), kept.sum(1, keepdim=True)
    return torch.where(kept > 0, whole / torch.where(rest > 0, rest, 1), 0)
