"""The most relevant features of a row of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.arguments import whole_number
from whyset.interventions.checks import sum_channels
from whyset.interventions.draws import make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.top import draw_other_entries, largest_entries


@dataclass(frozen=True)
class Features(RegionIntervention):
    """The features of a row of a table with the most relevance, of those with positive relevance.

    Features are exchanged one by one, as in permutation importance (Breiman 2001): a new row can combine values that
    do not occur together in the data.

    Parameters
    ----------
    count : int, default 1
        The number of features.

    Raises
    ------
    InputError
        The count is less than 1; for the null: the rows have fewer than `2 · count` features.

    Examples
    --------
    >>> import torch
    >>> x, host = torch.tensor([[1.0, 2.0, 3.0]]), torch.zeros(1, 3)
    >>> intervention = Features(count=1)
    >>> intervention.insert(x, intervention.select(x, torch.tensor([[0.1, 0.7, 0.2]])), host)
    tensor([[0., 2., 0.]])
    """

    name: ClassVar[str] = "features"
    modalities: ClassVar[tuple[str, ...]] = ("table",)
    fills: ClassVar[tuple[str, ...]] = ("host", "constant")
    null_text: ClassVar[str] = "other features of the same row"

    count: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("Features: count", self.count, least=1)

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the features with the largest positive relevance; of equal ones, the first."""
        self.check(x)
        user = type(self).__name__
        return Region(largest_entries(sum_channels(relevance, x, user), self.count, user))

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return as many random other features; InputError: there are fewer."""
        self.check(x)
        generators = make_generators(seeds, len(x), type(self).__name__)
        return Region(draw_other_entries(evidence.mask, generators, type(self).__name__))
