"""The most relevant pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import sum_channels
from whyset.interventions.draws import draw_candidate, make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.top import largest_entries
from whyset.interventions.windows import shift_positions, to_corners


@dataclass(frozen=True)
class TopPixels(RegionIntervention):
    """The share of the pixels with the largest relevance, of those with positive relevance.

    Parameters
    ----------
    share : float, default 0.05
        The share of the positions, more than 0 and at most 0.5; at least one position is moved.

    Raises
    ------
    InputError
        The share is out of its range.

    Examples
    --------
    >>> TopPixels(share=0.25).select(torch.rand(1, 3, 2, 4), torch.arange(8.0).view(1, 2, 4)).mask[0, 0].int()
    tensor([[0, 0, 0, 0],
            [0, 0, 1, 1]], dtype=torch.int32)
    """

    name: ClassVar[str] = "top_pixels"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume")
    null_text: ClassVar[str] = "pixels of the same sample in the same arrangement, shifted"

    share: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 0.5:
            raise InputError(
                f"TopPixels(share={self.share!r}): expected a share above 0 and at most 0.5, so that other pixels are "
                "left for comparison"
            )

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the pixels with the largest relevance, summed over channels; of equal ones, the first."""
        self.check(x)
        positive = sum_channels(relevance, x, type(self).__name__).flatten(1)
        count = max(1, round(self.share * positive.shape[1]))
        return Region(largest_entries(positive, count, type(self).__name__).view(len(x), 1, *x.shape[2:]))

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return the region shifted cyclically by a random vector, among those with the least overlap.

        So the null has as many pixels in the same arrangement. The overlap of the region m with itself, shifted by s,
        is `Σ_p m(p) m(p − s)`, for all s by the Fourier transform.
        """
        self.check(x)
        generators, mask = make_generators(seeds, len(x), type(self).__name__), evidence.mask[:, 0]
        positions = tuple(range(1, mask.dim()))
        spectrum = torch.fft.rfftn(mask.double(), dim=positions)
        overlaps = torch.fft.irfftn(spectrum.abs().square(), s=mask.shape[1:], dim=positions).round().long()
        flat = overlaps.reshape(len(x), prod(mask.shape[1:]))
        shifts = to_corners(draw_candidate(flat == flat.amin(1, keepdim=True), generators), mask.shape[1:])
        return Region(shift_positions(mask, shifts).unsqueeze(1))
