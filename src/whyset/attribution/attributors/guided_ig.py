"""Guided integrated gradients: a path that changes the elements with small gradients first."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

_TOLERANCE = 1e-9


class GuidedIG:
    """Explain by `Σ ∇f(xₜ) ⊙ (xₜ₊₁ − xₜ)` along a path from a baseline to x, chosen by gradients (Kapishnikov 2021).

    Each step shortens the L1 distance to x by the same amount. It moves the fraction of the elements that have the
    smallest absolute gradients, so that the path avoids regions where the output is sensitive to noise. No element
    leaves the straight line by more than `max_dist`. Each sample has its own path, in double precision. Attributions
    sum to `f(x) − f(b)` up to the error of the sum.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    baseline_fn : callable, default torch.zeros_like
        Returns the baseline b for x, shaped like x.
    n_iter : int, default 200
        The number of steps, with one gradient each.
    fraction : float, default 0.25
        The fraction of the elements that move at once, above 0 and at most 1.
    max_dist : float, default 0.02
        The largest distance of an element from the straight line, as a fraction of its way: 0 is the straight line of
        integrated gradients, 1 does not restrict the path.

    Raises
    ------
    InputError
        A parameter is out of its range.

    Examples
    --------
    >>> attribute = GuidedIG(nn.Linear(4, 2), n_iter=20)
    >>> output, attribution = attribute(torch.rand(3, 4), target=1)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        baseline_fn: Callable[[Tensor], Tensor] = torch.zeros_like,
        n_iter: int = 200,
        fraction: float = 0.25,
        max_dist: float = 0.02,
    ) -> None:
        if not 0 < fraction <= 1:
            raise InputError(f"GuidedIG(fraction={fraction!r}): expected more than 0 and at most 1")
        if not 0 <= max_dist <= 1:
            raise InputError(f"GuidedIG(max_dist={max_dist!r}): expected a number from 0 to 1")
        self.n_iter = whole_number("GuidedIG: n_iter", n_iter, 1)
        self.baseline_fn, self.fraction, self.max_dist = baseline_fn, fraction, max_dist
        self._gradient = Gradient(model)

    def __repr__(self) -> str:
        model = type(self._gradient.model).__name__
        return short_repr(type(self).__name__, {"model": model, "n_iter": self.n_iter, "max_dist": self.max_dist})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, shaped like `x`.

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor, or the output is not one tensor.
        """
        require_tensor(x, "GuidedIG", floating=True)
        x = x.detach()
        with torch.no_grad():
            output = self._gradient.model(x.clone())
        weights = OutputWeights(output_coefficient(output, target))
        line = _Line(self.baseline_fn(x).double().flatten(1), x.double().flatten(1))
        position, total = line.start, torch.zeros_like(line.start)
        for step in range(1, self.n_iter + 1):
            gradient = self._gradient(position.to(x.dtype).view_as(x), weights)[1].double().flatten(1)
            moved = self._advance(line, position, gradient.abs(), step / self.n_iter)
            total += (moved - position) * gradient
            position = moved
        return output, total.view_as(x).to(x.dtype)

    def _advance(self, line: "_Line", position: Tensor, size: Tensor, alpha: float) -> Tensor:
        """Move along small gradients until the distance to x is that of the straight line at alpha."""
        least, most = max(alpha - self.max_dist, 0.0), min(alpha + self.max_dist, 1.0)
        lowest, highest = line.point(least), line.point(most)
        goal = line.length * (1 - alpha)
        rank = math.floor(self.fraction * (size.shape[1] - 1)) + 1
        running = line.length > 0
        while running.any():
            position = torch.where(running & (line.locate(position, most) < least), lowest, position)
            distance = (position - line.end).abs().sum(1, keepdim=True)
            running = running & (distance > goal) & ~_is_close(distance, goal)
            size = torch.where(position == highest, math.inf, size)
            threshold = size.kthvalue(rank, dim=1, keepdim=True).values
            chosen = (size <= threshold) & (size < math.inf) & running
            reach = ((position - highest).abs() * chosen).sum(1, keepdim=True)
            gamma = (distance - goal) / reach  # a share of the way of the chosen elements, above 1 if it is too short
            farther = torch.where(gamma > 1, highest, position + (highest - position) * gamma)
            position = torch.where(chosen, farther, position)
            running = running & (gamma > 1) & chosen.any(1, keepdim=True)
        return position


@dataclass(frozen=True, eq=False)
class _Line:
    """The straight line of each sample, (n, elements)."""

    start: Tensor
    end: Tensor

    @property
    def length(self) -> Tensor:
        return (self.end - self.start).abs().sum(1, keepdim=True)

    def point(self, alpha: float) -> Tensor:
        return self.start + (self.end - self.start) * alpha

    def locate(self, position: Tensor, default: float) -> Tensor:
        """Return the share of the way of each element; the default for those that have none."""
        way = self.end - self.start
        return torch.where(way == 0, default, (position - self.start) / way)


def _is_close(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs() <= (_TOLERANCE * torch.maximum(one.abs(), other.abs())).clamp(min=_TOLERANCE)
