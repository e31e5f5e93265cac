"""A grid of cells over the positions of an input, and masks that are given by one number for each cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod
from types import MappingProxyType

import torch
from torch import Tensor, nn

from whyset.errors import InputError

Sides = int | tuple[int, ...]

_CELLS = 7
_MODES = MappingProxyType({1: "linear", 2: "bilinear", 3: "trilinear"})


@dataclass(frozen=True)
class CellGrid:
    """Cells of almost equal size over the dimensions of an input after its channels; all channels share a cell.

    Rows of tables (n, features) have no channels: the cells are over the features.

    Parameters
    ----------
    sides : tuple of int
        The sides of the input without batch and channels, in elements.
    counts : tuple of int
        The number of cells along each side.
    is_row : bool
        Whether the input has no channels.
    """

    sides: tuple[int, ...]
    counts: tuple[int, ...]
    is_row: bool

    @classmethod
    def fit(cls, x: Tensor, cells: Sides | None, user: str, most: int = _CELLS) -> "CellGrid":
        """Return the grid for an input: by default a cell for each feature of rows, else at most `most` for a side.

        InputError: x has no positions, or a side has fewer elements than cells.
        """
        if x.dim() < 2:
            raise InputError(f"{user} expects inputs (n, channels, ...) or (n, features), got {tuple(x.shape)}")
        is_row = x.dim() == 2
        sides = tuple(x.shape[1:] if is_row else x.shape[2:])
        counts = tuple(side if is_row else min(most, side) for side in sides)
        if cells is not None:
            counts = expand_sides(cells, len(sides))
        if any(count > side for side, count in zip(sides, counts, strict=True)):
            raise InputError(
                f"{user}(cells={cells!r}): more cells than elements: the sides of the input {tuple(x.shape)} are "
                f"{sides}: give at most these numbers, or None"
            )
        return cls(sides, counts, is_row)

    @property
    def size(self) -> int:
        """The number of cells."""
        return prod(self.counts)

    def repeat(self, values: Tensor) -> Tensor:
        """Give every element the value of its cell: (..., cells) becomes (..., 1, *sides), for rows (..., features)."""
        spread = values.reshape(-1, *self.counts)
        for dim, (side, count) in enumerate(zip(self.sides, self.counts, strict=True), start=1):
            spread = spread.index_select(dim, torch.arange(side, device=values.device) * count // side)
        return spread.reshape(*values.shape[:-1], *self._channels, *self.sides)

    def interpolate(self, values: Tensor, shift: Sequence[int] | None = None) -> Tensor:
        """Interpolate linearly between the cells: (k, cells) becomes (k, 1, *sides).

        Parameters
        ----------
        values : Tensor
            Values of the cells (k, cells).
        shift : sequence of int, optional
            The first element along each side of the part that is cut from a larger grid, see `shift_ranges`.

        Returns
        -------
        Tensor
            The values of the elements. Cells of rows are not interpolated, because features have no order.
        """
        if self.is_row:
            return self.repeat(values)
        if len(self.sides) not in _MODES:
            raise InputError(f"expected inputs with 1 to 3 dimensions after the channels, got {len(self.sides)}")
        sides = self.sides if shift is None else self._larger_sides()
        grid = values.reshape(-1, 1, *self.counts)
        large = nn.functional.interpolate(grid, sides, mode=_MODES[len(sides)], align_corners=False)
        for dim, (start, side) in enumerate(zip(shift or (), self.sides, strict=False), start=2):
            large = large.narrow(dim, start, side)
        return large

    def shift_ranges(self) -> tuple[int, ...]:
        """Return the number of shifts along each side: one cell, but only 1 where every element is a cell."""
        return tuple(
            1 if self.is_row or count == side else ceil(side / count)
            for side, count in zip(self.sides, self.counts, strict=True)
        )

    def _larger_sides(self) -> tuple[int, ...]:
        """Return the sides of a grid that has room for every shift."""
        ranges = zip(self.sides, self.counts, self.shift_ranges(), strict=True)
        return tuple(side if many == 1 else (count + 1) * many for side, count, many in ranges)

    @property
    def _channels(self) -> tuple[int, ...]:
        return () if self.is_row else (1,)


def expand_sides(value: Sides, count: int) -> tuple[int, ...]:
    """Return one number for each dimension; InputError: there are more or fewer numbers than dimensions."""
    sides = value if isinstance(value, tuple) else (value,) * count
    if len(sides) != count:
        raise InputError(
            f"expected one number, or {count} for the dimensions of the input after the channels, got {value!r}"
        )
    return sides


def require_sides(name: str, given: object) -> None:
    """Raise an InputError unless a value is None, a positive whole number, or a tuple of them."""
    sides = given if isinstance(given, tuple) else (given,)
    if given is None:
        return
    if not sides or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise InputError(f"{name}={given!r}: expected a whole number, or one for each side")
    if any(side < 1 for side in sides):
        raise InputError(f"{name}={given!r}: expected positive numbers")
