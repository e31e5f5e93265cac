"""The positions of a value inside a model: the axis of its channels, and the grid of its positions."""

import math
from dataclasses import dataclass

from torch import Tensor

from whyset.errors import InputError


@dataclass(frozen=True)
class PositionGrid:
    """The layout of a value (n, channels, *grid), (n, *grid, channels) or, as tokens, (n, tokens, channels).

    Parameters
    ----------
    sides : tuple of int
        The sides of the grid, in the order of those of the input.
    channels_last : bool, default False
        Whether the channels are the last axis, else they are the second.
    tokens : bool, default False
        Whether the grid is flattened to one axis; then channels are last.
    prefix : int, default 0
        The number of tokens before those of the grid, such as the class token.
    suffix : int, default 0
        The number of tokens after those of the grid.
    """

    sides: tuple[int, ...]
    channels_last: bool = False
    tokens: bool = False
    prefix: int = 0
    suffix: int = 0

    @property
    def count(self) -> int:
        """The number of positions."""
        return math.prod(self.sides)

    @property
    def length(self) -> int:
        """The number of tokens, those before and after the grid included."""
        return self.prefix + self.count + self.suffix

    def fits(self, value: Tensor) -> bool:
        """Check if a value has this layout."""
        shape = tuple(value.shape)
        if self.tokens:
            return value.dim() == 3 and shape[1] == self.length
        positions = shape[1:-1] if self.channels_last else shape[2:]
        return value.dim() == len(self.sides) + 2 and positions == self.sides

    def to_maps(self, value: Tensor) -> Tensor:
        """Return the maps of the channels, (n, channels, *grid), of a value; other tokens are left out.

        >>> import torch
        >>> PositionGrid((2, 3), channels_last=True, tokens=True, prefix=1).to_maps(torch.rand(4, 7, 5)).shape
        torch.Size([4, 5, 2, 3])

        InputError: the value has another layout.
        """
        if not self.fits(value):
            raise InputError(
                f"expected a value with the grid {self.sides}, got {tuple(value.shape)}: the layer was found for "
                "inputs of another size, or another call has its name; give the path of a module by layer="
            )
        if self.tokens:
            value = value[:, self.prefix : self.prefix + self.count].unflatten(1, self.sides)
        return value.movedim(-1, 1) if self.channels_last else value

    def multiply_maps(self, value: Tensor, factor: Tensor) -> Tensor:
        """Return a value whose maps are multiplied by one factor for each channel, (n, channels)."""
        ones = (1,) * (1 if self.tokens else len(self.sides))
        factor = factor.view(len(factor), *ones, -1) if self.channels_last else factor.view(*factor.shape, *ones)
        if not self.tokens:
            return value * factor
        changed = value.clone()
        changed[:, self.prefix : self.prefix + self.count] *= factor
        return changed
