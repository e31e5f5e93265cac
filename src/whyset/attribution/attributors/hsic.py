"""HSIC attribution: the dependence between the output and whether a cell is kept."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.cells import CellGrid, Sides
from whyset.attribution.attributors.masked_copies import MaskedCopies, Scores


class HSIC(MaskedCopies):
    """Explain by the Hilbert-Schmidt independence criterion between a cell's mask and the output (Novello 2022).

    The value of cell i is `tr(Kᵢ H L H) / n²` over n random masks that keep each cell with probability ½, where
    `H = I − 1/n`, `Kᵢ` is 1 for pairs of masks that agree at cell i and 0 for others, and `L = exp(−(y − y')² / 2σ²)`
    for pairs of outputs; σ is the standard deviation of the outputs. It is 0 if the output does not depend on the cell,
    up to the error of the estimate, and has no sign.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    n_masks : int, default 1500
        The number of masks; the matrices of one sample have its square.
    cells : int or tuple of int, optional
        The number of cells along each side; by default 7, or the side where it is shorter, and for rows of tables a
        cell for each feature.
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
    >>> attribute = HSIC(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), n_masks=50, cells=3)
    >>> output, attribution = attribute(torch.rand(5, 1, 6, 8), target=1)
    >>> attribution.shape
    torch.Size([5, 1, 6, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        n_masks: int = 1500,
        cells: Sides | None = None,
        seed: int = 0,
        fill_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
    ) -> None:
        super().__init__(model, n_masks, cells, seed, fill_fn)

    def _estimate(self, grid: CellGrid, scores: Scores) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        masks = (torch.rand(self.n_masks, grid.size, generator=generator) < 0.5).float()
        found = torch.stack(list(scores(map(grid.repeat, masks.split(1))))).double()
        values = [measure_dependence(masks.to(found), column) for column in found.flatten(1).unbind(1)]
        return grid.repeat(torch.stack(values).view(*found.shape[1:], grid.size))


def measure_dependence(masks: Tensor, outputs: Tensor) -> Tensor:
    """Return the criterion (cells,) of binary masks (n, cells) and outputs (n,).

    Two masks agree at a cell with the kernel `1 − m − m' + 2mm'`; centered, only `2mm'` remains.
    """
    spread = outputs.std(correction=0)
    if spread == 0:
        return torch.zeros_like(masks[0])
    kernel = (-((outputs[:, None] - outputs) / spread).square() / 2).exp()
    centered = kernel - kernel.mean(0) - kernel.mean(1, keepdim=True) + kernel.mean()
    return 2 * (masks * (centered @ masks)).sum(0) / len(masks) ** 2
