"""The frame of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.arguments import whole_number
from whyset.errors import InputError
from whyset.interventions.draws import draw_order, make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.regions import RegionIntervention


@dataclass(frozen=True)
class Frame(RegionIntervention):
    """The pixels at the edge of an image or a volume; relevance is not used.

    Parameters
    ----------
    width : int, default 2
        The width of the frame, in pixels.

    Raises
    ------
    InputError
        The width is less than 1; with samples: the frame covers more than half of them.

    Examples
    --------
    >>> Frame(width=1).select(torch.rand(1, 3, 4, 6), None).mask[0, 0].int()
    tensor([[1, 1, 1, 1, 1, 1],
            [1, 0, 0, 0, 0, 1],
            [1, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 1]], dtype=torch.int32)
    """

    name: ClassVar[str] = "frame"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume")
    needs_relevance: ClassVar[bool] = False
    null_text: ClassVar[str] = "the frames further inside of the same sample, with as many pixels"

    width: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("Frame: width", self.width, least=1)

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the pixels with a distance to the edge of less than the width."""
        self.check(x)
        mask = _distances(x) < self.width
        return Region(mask.expand(len(x), 1, *mask.shape).clone())

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return the next frames further inside, with as many pixels; those of the last frame are drawn.

        InputError: the frame covers more than half of the pixels.
        """
        self.check(x)
        generators, distances = make_generators(seeds, len(x), type(self).__name__), _distances(x)
        count, inside = int((distances < self.width).sum()), int((distances >= self.width).sum())
        if count > inside:
            raise InputError(
                f"Frame(width={self.width}): expected a frame of at most half of the pixels, so that as many inside "
                f"are the null, got {count} of {count + inside} in samples {tuple(x.shape)}: choose a smaller width"
            )
        drawn = draw_order(tuple(distances.shape), generators, x)
        order = (distances + drawn).masked_fill(distances < self.width, torch.inf).flatten(1)
        chosen = order.argsort(dim=1, stable=True).argsort(1) < count
        return Region(chosen.view(len(x), 1, *distances.shape))


def _distances(x: Tensor) -> Tensor:
    """Return the distance of each position (*positions) to the edge; 0 at the edge."""
    distance = torch.full(tuple(x.shape[2:]), max(x.shape[2:]), device=x.device)
    for dim, size in enumerate(x.shape[2:]):
        places = torch.arange(size, device=x.device)
        own = torch.minimum(places, size - 1 - places)
        distance = torch.minimum(distance, own.view(*[-1 if d == dim else 1 for d in range(distance.dim())]))
    return distance
