"""The most relevant channels of a series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.interventions.checks import check_relevance
from whyset.interventions.draws import make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.top import draw_other_entries, largest_entries


@dataclass(frozen=True)
class Channels(RegionIntervention):
    """The channels of a series with the most relevance, summed over time, of those where the sum is positive.

    Parameters
    ----------
    count : int, default 1
        The number of channels.

    Raises
    ------
    InputError
        The count is less than 1; for the null: the series have fewer than `2 · count` channels.

    Examples
    --------
    >>> import torch
    >>> x, relevance = torch.rand(1, 3, 50), torch.zeros(1, 3, 50)
    >>> relevance[0, 1] = 1.0
    >>> Channels().select(x, relevance).mask.flatten()
    tensor([False,  True, False])
    """

    name: ClassVar[str] = "channels"
    modalities: ClassVar[tuple[str, ...]] = ("series",)
    fills: ClassVar[tuple[str, ...]] = ("host", "constant", "mean", "blur")
    null_text: ClassVar[str] = "other channels of the same series"

    count: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("Channels: count", self.count, least=1)

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the channels with the largest positive sums of relevance; of equal ones, the first."""
        self.check(x)
        relevance = check_relevance(relevance, type(self).__name__)
        if relevance.shape != x.shape:
            raise InputError(
                f"Channels: expected relevance of each channel, shaped like the series {tuple(x.shape)}, got "
                f"{tuple(relevance.shape)}"
            )
        return Region(largest_entries(relevance.sum(2), self.count, type(self).__name__).unsqueeze(2))

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return as many random other channels; InputError: there are fewer."""
        self.check(x)
        generators = make_generators(seeds, len(x), type(self).__name__)
        return Region(draw_other_entries(evidence.mask.flatten(1), generators, type(self).__name__).unsqueeze(2))
