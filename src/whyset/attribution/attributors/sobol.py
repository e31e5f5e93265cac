"""Sobol attribution: the share of the output's variance in which a cell takes part."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cells import CellGrid, Sides
from whyset.attribution.attributors.masked_copies import MaskedCopies, Scores
from whyset.errors import InputError


class Sobol(MaskedCopies):
    """Explain by total Sobol indices of the cells of a mask in [0, 1] (Fel 2021).

    The index of cell i is `E[(f(A) − f(Aᵢ))²] / 2 Var f` (Jansen 1999): masks A and B are two halves of a quasi-random
    Sobol sequence, and Aᵢ is A with cell i of B. An index is the share of the variance of the output to which the cell
    contributes, alone or with others. It has no sign; indices of cells that do not interact sum to 1. A constant output
    has indices 0.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    n_masks : int, default 32
        The number of masks A, a power of 2. The model is evaluated `n_masks · (cells + 2)` times.
    cells : int or tuple of int, optional
        The number of cells along each side; by default 7, or the side where it is shorter, and for rows of tables a
        cell for each feature.
    seed : int, default 0
        Seed of the masks, which all samples share.
    fill_fn : callable, default torch.zeros_like
        Returns the values that cover the input where a mask is 0, shaped like x.

    Raises
    ------
    InputError
        A number is out of its range.

    Examples
    --------
    >>> attribute = Sobol(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), n_masks=16, cells=3)
    >>> output, attribution = attribute(torch.rand(5, 1, 6, 8), target=1)
    >>> attribution.shape
    torch.Size([5, 1, 6, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_masks: int = 32,
        cells: Sides | None = None,
        seed: int = 0,
        fill_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
    ) -> None:
        super().__init__(model, n_masks, cells, seed, fill_fn)
        if self.n_masks & (self.n_masks - 1):
            raise InputError(f"Sobol(n_masks={n_masks!r}): expected a power of 2, for which the sequence is balanced")

    def _estimate(self, grid: CellGrid, scores: Scores) -> Tensor:
        first, second = self._draw(grid)
        of_first = torch.stack(list(scores(map(grid.repeat, first.split(1))))).double()
        of_second = torch.stack(list(scores(map(grid.repeat, second.split(1))))).double()
        variance = torch.cat([of_first, of_second]).var(0, correction=0)
        indices = []
        for cell in range(grid.size):
            changed = torch.stack(list(scores(_exchange(grid, first, second, cell))))
            indices.append((of_first - changed).square().mean(0) / 2)
        found = torch.stack(indices, -1) / variance.unsqueeze(-1)
        return grid.repeat(torch.where(variance.unsqueeze(-1) > 0, found, 0.0))

    def _draw(self, grid: CellGrid) -> tuple[Tensor, Tensor]:
        """Return the masks A and B (n_masks, cells)."""
        from scipy.stats import qmc  # takes half a second to import, which other methods need not wait for

        if 2 * grid.size > qmc.Sobol.MAXDIM:
            raise InputError(
                f"Sobol: {grid.size} cells are more than a Sobol sequence has dimensions for, {qmc.Sobol.MAXDIM // 2}: "
                "give cells="
            )
        drawn = qmc.Sobol(2 * grid.size, scramble=True, seed=self.seed).random(self.n_masks)
        first, second = torch.from_numpy(drawn).split(grid.size, dim=1)
        return first, second


def _exchange(grid: CellGrid, first: Tensor, second: Tensor, cell: int) -> Iterator[Tensor]:
    """Yield the masks A with one cell of B."""
    for one, other in zip(first.split(1), second.split(1), strict=True):
        mask = one.clone()
        mask[:, cell] = other[:, cell]
        yield grid.repeat(mask)
