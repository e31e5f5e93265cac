"""Counts taken while a shard is explained, for the checks that `explain` reports in the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whyset.runner.input_codecs import InputCodec, LevelCodec
from whyset.runner.measures import Measures
from whyset.runner.preprocessing import Preprocessing
from whyset.runner.sources import UNKNOWN
from whyset.store.commits import Tally

INPUT_RANGE, CLIPPED, LABELS = "input_range", "inputs_clipped", "labels"
CONSTANT, REPEATED = "constant_maps", "repeated_maps"

_MARGIN = 0.1
"""Inputs may leave the range from black to white by this share of it, as interpolation and rounding do."""
_FEW = 0.01
"""An input is outside the range if more than this share of its values is outside."""


@dataclass
class Tallies:
    """The counts of one shard by the name of the check."""

    counts: dict[str, Tally] = field(default_factory=dict)

    def add(self, name: str, count: int, total: int) -> None:
        before = self.counts.get(name, Tally(0, 0))
        self.counts[name] = Tally(before.count + count, before.total + total)

    def add_inputs(self, x: Tensor, preprocessing: InputCodec, measured: bool = False) -> None:
        """Count inputs outside the range from black to white; every value counts where that range was `measured`."""
        if isinstance(preprocessing, Preprocessing | LevelCodec) and x.is_floating_point():
            name, find = (CLIPPED, find_clipped) if measured else (INPUT_RANGE, find_outside)
            self.add(name, int(find(x, preprocessing).sum()), len(x))

    def add_labels(self, delivered: Sequence[int | None], listed: NDArray[np.int64]) -> None:
        """Count samples that come with another label than the data set lists for them."""
        given = np.array([UNKNOWN if label is None else label for label in delivered], np.int64)
        known = (given != UNKNOWN) & (listed != UNKNOWN)
        self.add(LABELS, int((given != listed)[known].sum()), int(known.sum()))

    def add_maps(self, measures: Measures) -> None:
        """Count relevance maps with the same value everywhere, and those equal to the map of another sample."""
        self.add(CONSTANT, int(measures.constant.sum()), measures.constant.numel())
        self.add(REPEATED, int(measures.repeated.sum()), int(measures.compared.sum()))


def find_outside(x: Tensor, preprocessing: Preprocessing | LevelCodec) -> Tensor:
    """Find inputs (n, C, H, W) with values that no pixel between black and white has, (n,) bool."""
    low, high = _range(x, preprocessing)
    margin = _MARGIN * (high - low)
    outside = (x < low - margin) | (x > high + margin)
    return outside.flatten(1).float().mean(dim=1) > _FEW


def find_clipped(x: Tensor, preprocessing: Preprocessing | LevelCodec) -> Tensor:
    """Find inputs (n, C, H, W) with a value beyond black or white by more than half a level of 256, (n,) bool."""
    low, high = _range(x, preprocessing)
    rounding = 4 * torch.finfo(x.dtype).eps * torch.maximum(low.abs(), high.abs())
    margin = (high - low) / 510 + rounding
    return ((x < low - margin) | (x > high + margin)).flatten(1).any(dim=1)


def _range(x: Tensor, preprocessing: Preprocessing | LevelCodec) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest input of pixels, (C, 1, 1), or (C, 1, 1, 1) of volumes."""
    ones = [1] * (x.dim() - 2)
    levels = torch.tensor([0, 255], dtype=torch.uint8, device=x.device).view(2, 1, *ones)
    black, white = preprocessing.normalize(levels.expand(2, x.shape[1], *ones)).to(x.dtype)
    return torch.minimum(black, white), torch.maximum(black, white)
