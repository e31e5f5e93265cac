"""Extremal perturbation: the mask of a given area that keeps the output as large as a mask of this area can."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.blur import gaussian_blur
from whyset.attribution.attributors.cells import CellGrid, Sides, require_sides
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_positions, require_tensor
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

_CELLS, _BLUR = 16, 0.1
_RATE, _FIRST, _LAST = 0.05, 1.0, 1000.0
_SAME, _EQUAL = 1e-12, 1e-6


class ExtremalPerturbation:
    """Explain by the smooth mask of area a that keeps the output largest: `argmax f(b + m ⊙ (x − b)) − λ Rₐ(m)`.

    b is the blurred input. `Rₐ(m) = mean (sort(m) − rₐ)²` compares the sorted values of the mask with those of a mask
    that keeps the fraction a of the elements, `rₐ = 0, ..., 0, 1, ..., 1` (Fong 2019). The attribution is the mean of
    the masks of several areas.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    areas : float or sequence of float, default (0.05, 0.1, 0.2)
        The kept fractions of the elements, each between 0 and 1, with a mask for each.
    n_iter : int, default 100
        The number of steps of the optimization of each mask, with one gradient each.
    cells : int or tuple of int, optional
        The number of values of a mask along each side, between which it is linear; by default 16, or the side where it
        is shorter.
    sigma : float, optional
        The standard deviation of the blur, in elements; by default a tenth of the longest side.

    Raises
    ------
    InputError
        A parameter is out of its range.

    Notes
    -----
    Three things differ from the paper. A mask is smooth because it is interpolated between few values, where the paper
    uses a smooth maximum of a convolution. The output is measured in units of the largest `|f(b + m ⊙ (x − b)) − f(b)|`
    so far, so that λ, which grows from 1 to 1000, has the same effect for every model. And equal values of a mask share
    their part of rₐ. So the optimization (Adam, from a mask of ½) draws no random numbers, and each sample is optimized
    alone.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)).eval()
    >>> attribute = ExtremalPerturbation(net, areas=0.25, n_iter=50)
    >>> output, attribution = attribute(torch.rand(3, 1, 6, 8), target=1)
    >>> attribution.shape
    torch.Size([3, 1, 6, 8])
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        areas: float | Sequence[float] = (0.05, 0.1, 0.2),
        n_iter: int = 100,
        cells: Sides | None = None,
        sigma: float | None = None,
    ) -> None:
        self.areas = tuple(areas) if isinstance(areas, Sequence) else (areas,)
        if not self.areas or not all(0 < area < 1 for area in self.areas):
            raise InputError(f"ExtremalPerturbation(areas={areas!r}): expected numbers between 0 and 1")
        if sigma is not None and not sigma > 0:
            raise InputError(f"ExtremalPerturbation(sigma={sigma!r}): expected a positive number")
        require_sides("ExtremalPerturbation: cells", cells)
        self.n_iter = whole_number("ExtremalPerturbation: n_iter", n_iter, 1)
        self.cells, self.sigma = cells, sigma
        self._gradient = Gradient(model)

    def __repr__(self) -> str:
        model = type(self._gradient.model).__name__
        return short_repr(type(self).__name__, {"model": model, "areas": self.areas, "n_iter": self.n_iter})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, ...) with up to three dimensions after the channels.
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The mean of the masks, from 0 to 1 (n, 1, ...).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor with positions that can be blurred,
            the output is not one tensor, or the cells do not fit the input.
        """
        require_tensor(x, "ExtremalPerturbation", floating=True)
        require_positions(x, "ExtremalPerturbation")
        x = x.detach()
        grid = CellGrid.fit(x, self.cells, "ExtremalPerturbation", _CELLS)
        with torch.no_grad():
            output, blurred = self._gradient.model(x.clone()), self._blur(x)
            coefficient = output_coefficient(output, target)
            without = _explained_value(self._gradient.model(blurred.clone()), coefficient)
            largest = (_explained_value(output, coefficient) - without).abs()
        task = _Task(grid, x, blurred, coefficient, without, largest)
        masks = [self._optimize(task, area) for area in self.areas]
        return output, torch.stack(masks).mean(0).to(torch.promote_types(x.dtype, torch.float32))

    def _blur(self, x: Tensor) -> Tensor:
        """Blur without the dark edges of values outside of the input; what is constant remains so, bit by bit."""
        sigma = _BLUR * max(x.shape[2:]) if self.sigma is None else self.sigma
        sharp = x.double()
        blurred = gaussian_blur(sharp, sigma) / gaussian_blur(torch.ones_like(sharp[:1, :1]), sigma)
        largest = sharp.flatten(1).abs().amax(1).view(-1, *[1] * (x.dim() - 1))
        return torch.where((blurred - sharp).abs() <= _SAME * largest, sharp, blurred).to(x.dtype)

    def _optimize(self, task: "_Task", area: float) -> Tensor:
        """Return the mask (n, 1, ...) of an area; gradients of samples do not mix, nor do the steps of Adam."""
        x, grid, largest, weights = task.x, task.grid, task.largest, OutputWeights(task.coefficient)
        values = torch.full((len(x), grid.size), 0.5, dtype=torch.float64, device=x.device, requires_grad=True)
        optimizer = torch.optim.Adam([values], lr=_RATE, eps=_SAME)
        for step in range(self.n_iter):
            penalty = _FIRST * (_LAST / _FIRST) ** (step / max(self.n_iter - 1, 1))
            with torch.enable_grad():
                mask = grid.interpolate(values)
                error = penalty * measure_area_error(mask, area).sum()
                copy = task.blurred + (x - task.blurred) * mask.to(x.dtype)
            output, gradient = self._gradient(copy.detach(), weights)
            change = (_explained_value(output, task.coefficient) - task.without).abs()
            largest = torch.maximum(largest, change)
            unit = torch.where(largest > 0, largest, 1.0).view(-1, *[1] * (x.dim() - 1))
            optimizer.zero_grad()
            torch.autograd.backward([error, copy], [torch.ones_like(error), -gradient / unit.to(x.dtype)])
            optimizer.step()
            with torch.no_grad():
                values.clamp_(0, 1)
        return grid.interpolate(values.detach())


@dataclass(frozen=True, eq=False)
class _Task:
    """The optimization for a batch: the values without x, and the largest change of a value that is known."""

    grid: CellGrid
    x: Tensor
    blurred: Tensor
    coefficient: Tensor
    without: Tensor
    largest: Tensor


def _explained_value(output: Tensor, coefficient: Tensor) -> Tensor:
    return (output * coefficient).double().flatten(1).sum(1)


def measure_area_error(mask: Tensor, area: float) -> Tensor:
    """Return Rₐ (n,) of masks (n, ...): the mean squared difference from r, of which equal values share their part."""
    flat = mask.flatten(1)
    with torch.no_grad():
        own = (flat / _EQUAL).round()
        ranked = own.sort(1).values
        start, end = (torch.searchsorted(ranked, own, right=right).to(flat) for right in (False, True))
        first = (1 - area) * flat.shape[1]
        reference = (end.clamp(min=first) - start.clamp(min=first)) / (end - start)
    return (flat - reference).square().mean(1)
