"""RISE: the mean output over random masks that keep an element."""

from collections.abc import Callable, Iterator
from itertools import tee

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cells import CellGrid, Sides
from whyset.attribution.attributors.masked_copies import MaskedCopies, Scores
from whyset.errors import InputError


class RISE(MaskedCopies):
    """Explain by the mean output where an element is kept: `Σₖ f(x ⊙ mₖ) mₖ / Σₖ mₖ` over random masks (Petsiuk 2018).

    This estimates E[f | the element is kept]. A mask has a coarse grid of cells, each kept with probability p. The grid
    is enlarged by linear interpolation and shifted by a random part of a cell. Features of rows are neither
    interpolated nor shifted. The sum is divided by the sum of the masks, where the paper divides by its expectation;
    then the map of a constant output is constant.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    n_masks : int, default 4000
        The number of masks; the standard error of a map decreases with its root.
    cells : int or tuple of int, optional
        The number of cells along each side; by default 7, or the side where it is shorter, and for rows of tables a
        cell for each feature.
    p : float, default 0.5
        The probability that a cell is kept.
    shift : bool, default True
        Whether masks are shifted.
    seed : int, default 0
        Seed of the masks, which all samples share.
    fill_fn : callable, default torch.zeros_like
        Returns the values that cover the input, shaped like x.

    Raises
    ------
    InputError
        A number is out of its range.

    Examples
    --------
    >>> attribute = RISE(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), n_masks=50, cells=3)
    >>> output, attribution = attribute(torch.rand(5, 1, 6, 8), target=1)
    >>> attribution.shape
    torch.Size([5, 1, 6, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_masks: int = 4000,
        cells: Sides | None = None,
        p: float = 0.5,
        shift: bool = True,
        seed: int = 0,
        fill_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
    ) -> None:
        super().__init__(model, n_masks, cells, seed, fill_fn)
        if not 0 < p < 1:
            raise InputError(f"RISE(p={p!r}): expected a probability between 0 and 1")
        self.p, self.shift = p, shift

    def _estimate(self, grid: CellGrid, scores: Scores) -> Tensor:
        total, weight = torch.zeros(()), torch.zeros(())
        masks, given = tee(self._masks(grid))
        for mask, score in zip(masks, scores(given), strict=True):
            own = mask.to(score)
            total = total.to(score) + score.view(*score.shape, *[1] * (mask.dim() - 1)) * own
            weight = weight.to(score) + own
        if (weight == 0).any():
            raise InputError(
                f"RISE(n_masks={self.n_masks}, p={self.p}): an element is covered by every mask: give more masks"
            )
        return total / weight

    def _masks(self, grid: CellGrid) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(self.n_masks):
            kept = (torch.rand(1, grid.size, generator=generator) < self.p).float()
            shifts = [int(torch.randint(many, (), generator=generator)) for many in grid.shift_ranges()]
            yield grid.interpolate(kept, shifts if self.shift else None)
