"""Reduction of relevance maps before they are stored; it keeps the sum of relevance."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whyset.errors import InputError


@dataclass(frozen=True)
class Reduction:
    """Sum over the channels (`kind` "channel_sum"), and over areas so that the longer side becomes `pool`.

    A pixel on the border of two areas counts in both, by the part of it that is in each: `P_h R P_wᵀ`, where the
    columns of P sum to 1. Maps that are small enough stay as they are. Series (C, T) are pooled along their time; texts
    and tables have neither channels nor neighbors, and are refused.

    >>> Reduction("channel_sum", 4).shape((3, 8, 6))
    (1, 4, 3)
    """

    kind: str = "none"
    pool: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("none", "channel_sum"):
            raise InputError(f"reduction must be none or channel_sum, not {self.kind!r}")
        if self.pool is not None and self.pool < 1:
            raise InputError(f"pool, the longest side of the stored maps, must be at least 1, not {self.pool}")

    def shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the stored map of relevance of this shape, (C, H, W) or (C, T)."""
        if len(shape) == 1:
            self._refuse_rows(shape)
            return tuple(shape)
        channels, *sides = shape
        return (1 if self.kind == "channel_sum" else channels, *self._pool(sides))

    def __call__(self, relevance: Tensor, axes: int = 3) -> Tensor:
        """Reduce maps; the last `axes` of their axes are those of one map: 3 for (C, H, W), 2 for (C, T)."""
        if axes == 1:
            return relevance
        channels = relevance.dim() - axes
        if self.kind == "channel_sum":
            relevance = relevance.sum(dim=channels, keepdim=True)
        sides = tuple(relevance.shape[channels + 1 :])
        for axis, (pixels, areas) in enumerate(zip(sides, self._pool(sides), strict=True), start=channels + 1):
            if areas != pixels:
                weights = shares(pixels, areas, relevance)
                relevance = (relevance.movedim(axis, -1) @ weights.T).movedim(-1, axis)
        return relevance

    def _refuse_rows(self, shape: Sequence[int]) -> None:
        if self.kind != "none" or self.pool is not None:
            raise InputError(
                f"maps {tuple(shape)} of texts and tables have no channels to sum and no neighbors to pool: omit "
                "reduction and pool"
            )

    def _pool(self, sides: Sequence[int]) -> tuple[int, ...]:
        longest = max(sides)
        if self.pool is None or longest <= self.pool:
            return tuple(sides)
        return tuple(max(1, round(side * self.pool / longest)) for side in sides)


def shares(pixels: int, areas: int, like: Tensor) -> Tensor:
    """Return the part of every pixel in every area, (areas, pixels); every column sums to 1.

    >>> shares(3, 2, torch.empty(0)).tolist()
    [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0]]
    """
    edges = torch.arange(areas + 1, dtype=torch.float64) * pixels / areas
    left = torch.arange(pixels, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], left + 1) - torch.maximum(edges[:-1, None], left)
    return overlap.clamp(min=0).to(like)
