"""The window with the most positive relevance: of images and volumes, and of series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from whyset.attribution.attributors.cells import Sides, expand_sides, require_sides
from whyset.errors import InputError
from whyset.interventions.checks import check_evidence, check_hosts, sum_channels
from whyset.interventions.draws import draw_candidate, make_generators
from whyset.interventions.evidence import Region
from whyset.interventions.regions import RegionIntervention
from whyset.interventions.windows import (
    first_corners,
    shift_positions,
    to_corners,
    window_masks,
    window_overlaps,
    window_sums,
)


@dataclass(frozen=True)
class PlacedWindow(RegionIntervention):
    """Base of the windows: all channels of a box of positions."""

    side: Sides

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "side", tuple(self.side) if isinstance(self.side, list) else self.side)
        if self.side is None:
            raise InputError(f"{type(self).__name__}(side=None): expected a whole number, or one for each side")
        require_sides(f"{type(self).__name__}: side", self.side)

    def describe(self) -> str:
        """Return the name and the sides."""
        sides = self.side if isinstance(self.side, tuple) else (self.side,)
        return f"{self.name.replace('_', ' ')} of {' x '.join(map(str, sides))}"

    def select(self, x: Tensor, relevance: Tensor | None) -> Region:
        """Return the window with the largest sum of positive relevance, `Σ_window max(0, Σ_channels R)`.

        Of equal windows, the first one is chosen; a sample without positive relevance has no evidence.
        """
        sides = self._fit(x)
        positive = sum_channels(relevance, x, type(self).__name__)
        sums = window_sums(positive, sides)
        corners = to_corners(sums.flatten(1).argmax(1), sums.shape[1:])
        masks = window_masks(corners, sides, x.shape[2:])
        found = positive.flatten(1).any(1).view(-1, *[1] * (x.dim() - 2))
        return Region((masks & found).unsqueeze(1))

    def null(
        self, x: Tensor, evidence: Region, *, seeds: Sequence[int] | None = None, others: Tensor | None = None
    ) -> Region:
        """Return a random window of the same sample, among those with the least overlap with the evidence.

        There is none without overlap if the window is larger than half of all sides: see `Region.overlap`.
        """
        sides, generators = self._fit(x), make_generators(seeds, len(x), type(self).__name__)
        overlaps = window_overlaps(first_corners(evidence.mask[:, 0]), sides, x.shape[2:])
        flat = overlaps.flatten(1)
        places = draw_candidate(flat == flat.amin(1, keepdim=True), generators)
        masks = window_masks(to_corners(places, overlaps.shape[1:]), sides, x.shape[2:]).unsqueeze(1)
        return Region(masks & (evidence.size > 0).view(-1, *[1] * (x.dim() - 1)))

    def insert(self, x: Tensor, evidence: Region, host: Tensor, place: Tensor | None = None) -> Tensor:
        """Return the hosts with the windows of the samples.

        Parameters
        ----------
        x : Tensor
            Samples (n, C, *positions).
        evidence : Region
            Their windows.
        host : Tensor
            A host for each sample.
        place : Tensor of int, optional
            The first position of the window in the host, (n, dimensions); by default that in the sample.

        Returns
        -------
        Tensor
            The hosts with the windows.

        Raises
        ------
        InputError
            The shapes do not fit, or a window would not be within its host.
        """
        if place is None:
            return super().insert(x, evidence, host)
        self.check(x)
        check_hosts(x, host, type(self).__name__)
        check_evidence(x, evidence, Region, type(self).__name__)
        self._check_place(place, x)
        shifts = place.to(x.device) - first_corners(evidence.mask[:, 0])
        mask = shift_positions(evidence.mask[:, 0], shifts).unsqueeze(1)
        moved = shift_positions(x.flatten(0, 1), shifts.repeat_interleave(x.shape[1], 0)).view_as(x)
        return torch.where(mask, moved, host)

    def _check_place(self, place: Tensor, x: Tensor) -> None:
        most = torch.tensor([size - side for size, side in zip(x.shape[2:], self._fit(x), strict=True)])
        if tuple(place.shape) != (len(x), len(most)) or bool(((place.cpu() < 0) | (place.cpu() > most)).any()):
            raise InputError(
                f"{type(self).__name__}: place: expected first positions ({len(x)}, {len(most)}) from 0 to "
                f"{most.tolist()}, so that windows are within samples {tuple(x.shape)}, got {tuple(place.shape)}"
                f"{f' with values from {place.min()} to {place.max()}' if place.numel() else ''}"
            )

    def _fit(self, x: Tensor) -> tuple[int, ...]:
        """Return the sides for the positions of samples; InputError: the window is larger than a sample."""
        self.check(x)
        sides = expand_sides(self.side, x.dim() - 2)
        if any(side > size for side, size in zip(sides, x.shape[2:], strict=True)):
            raise InputError(
                f"{type(self).__name__}(side={self.side!r}): expected at most the sides of the samples, "
                f"{tuple(x.shape[2:])}: choose a smaller window"
            )
        return sides


@dataclass(frozen=True)
class Window(PlacedWindow):
    """The window of an image or a volume with the most positive relevance.

    SentiNet (Chou 2020) pastes the most relevant region into other images to detect adversarial patches; the null,
    which it does not have, is another window of the same sample.

    Parameters
    ----------
    side : int or tuple of int
        The sides of the window, in pixels.

    Raises
    ------
    InputError
        A side is less than 1.

    Examples
    --------
    >>> x, relevance = torch.rand(1, 3, 4, 6), torch.zeros(1, 4, 6)
    >>> relevance[0, 2, 3] = 1.0
    >>> Window(side=(1, 2)).select(x, relevance).mask[0, 0, 2].int()
    tensor([0, 0, 1, 1, 0, 0], dtype=torch.int32)
    """

    name: ClassVar[str] = "window"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume")
    null_text: ClassVar[str] = "another window of the same sample"


@dataclass(frozen=True)
class TimeWindow(PlacedWindow):
    """The interval of a series with the most positive relevance, with all channels.

    Parameters
    ----------
    side : int
        The length of the interval, in positions.

    Raises
    ------
    InputError
        The length is less than 1.

    Examples
    --------
    >>> TimeWindow(side=50).describe()
    'time window of 50'
    """

    name: ClassVar[str] = "time_window"
    modalities: ClassVar[tuple[str, ...]] = ("series",)
    null_text: ClassVar[str] = "another interval of the same series"
