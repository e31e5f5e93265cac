"""Windows over the positions of samples: sums within all of them, masks, and overlaps."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor


def window_sums(values: Tensor, sides: Sequence[int]) -> Tensor:
    """Return the sum within each window (n, *counts) of values (n, *positions), by integral images (Crow 1984).

    The window at index i begins at position i; counts are `positions − sides + 1`.

    >>> window_sums(torch.tensor([[1.0, 2.0, 4.0, 8.0]]), (2,))
    tensor([[ 3.,  6., 12.]])
    """
    for dim, side in enumerate(sides, start=1):
        total = torch.cat([torch.zeros_like(values.narrow(dim, 0, 1)), values.cumsum(dim)], dim)
        count = values.shape[dim] - side + 1
        values = total.narrow(dim, side, count) - total.narrow(dim, 0, count)
    return values


def window_masks(corners: Tensor, sides: Sequence[int], positions: Sequence[int]) -> Tensor:
    """Return masks (n, *positions) of windows whose first positions are `corners` (n, dimensions)."""
    masks = [_within(corners[:, dim, None], side, positions[dim]) for dim, side in enumerate(sides)]
    return prod_outer([mask.long() for mask in masks]).bool()


def window_overlaps(corners: Tensor, sides: Sequence[int], positions: Sequence[int]) -> Tensor:
    """Return the number of positions (n, *counts) that every window has in common with that of each sample."""
    shared = []
    for dim, side in enumerate(sides):
        places = torch.arange(positions[dim] - side + 1, device=corners.device)
        shared.append((side - (places - corners[:, dim, None]).abs()).clamp(min=0))
    return prod_outer(shared)


def to_corners(places: Tensor, counts: Sequence[int]) -> Tensor:
    """Return the coordinates (n, dimensions) of flat indices (n,) into an array with these sides."""
    return torch.stack(torch.unravel_index(places, tuple(counts)), dim=1)


def first_corners(masks: Tensor) -> Tensor:
    """Return the first position along each dimension (n, dimensions) of masks (n, *positions); 0 for empty ones."""
    dims = range(1, masks.dim())
    along = [masks.flatten(1) if len(dims) == 1 else masks.any(tuple(d for d in dims if d != dim)) for dim in dims]
    return torch.stack([any_there.byte().argmax(1) for any_there in along], dim=1)


def prod_outer(factors: Sequence[Tensor]) -> Tensor:
    """Return the outer product (n, a, b, ...) of factors (n, a), (n, b), ..."""
    sizes = [factor.shape[1] for factor in factors]
    shaped = [
        factor.view(len(factor), *[size if other == dim else 1 for other, size in enumerate(sizes)])
        for dim, factor in enumerate(factors)
    ]
    return prod(shaped[1:], start=shaped[0])


def shift_positions(values: Tensor, shifts: Tensor) -> Tensor:
    """Shift each sample (n, *positions) cyclically by its own numbers of positions (n, dimensions).

    >>> shift_positions(torch.tensor([[1, 2, 3], [1, 2, 3]]), torch.tensor([[1], [0]]))
    tensor([[3, 1, 2],
            [1, 2, 3]])
    """
    for dim in range(1, values.dim()):
        size = values.shape[dim]
        source = (torch.arange(size, device=values.device) - shifts[:, dim - 1, None]) % size
        index = source.view(len(values), *[size if other == dim else 1 for other in range(1, values.dim())])
        values = values.gather(dim, index.expand_as(values))
    return values


def _within(first: Tensor, side: int, size: int) -> Tensor:
    places = torch.arange(size, device=first.device)
    return (places >= first) & (places < first + side)
