"""The base of attributors that evaluate the model on copies of the input whose cells are covered by masks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from whyset.arguments import seed_number, whole_number
from whyset.attribution.attributors.cells import CellGrid, Sides, require_sides
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import Target, list_targets, output_coefficient
from whyset.printable import short_repr

Scores = Callable[[Iterable[Tensor]], Iterator[Tensor]]
"""Returns the explained values (targets, n) for each mask, with one forward pass of the batch for all targets."""


class MaskedCopies(ABC):
    """Explain by the outputs for masked inputs `b + (x − b) ⊙ m`; a subclass chooses the masks m and their statistic.

    All samples share the masks, which are drawn on the CPU from the seed. A relevance map therefore depends neither on
    the other samples of the batch nor on the device, maps of different samples can be compared without the noise of
    different masks, and memory is bounded by the batch, however many masks there are.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    n_masks : int
        The number of masks, or a number from which that of the masks follows.
    cells : int, tuple of int or None
        The number of cells of a mask along each side of the input; None is at most 7, and for rows of tables one for
        each feature.
    seed : int
        Seed of the masks.
    fill_fn : callable
        Returns the values b that cover the input, shaped like x.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    def __init__(
        self, model: nn.Module, n_masks: int, cells: Sides | None, seed: int, fill_fn: Callable[[Tensor], Tensor]
    ) -> None:
        name = type(self).__name__
        require_sides(f"{name}: cells", cells)
        self.model, self.cells, self.fill_fn = model, cells, fill_fn
        self.n_masks, self.seed = whole_number(f"{name}: n_masks", n_masks, 1), seed_number(seed)

    def __repr__(self) -> str:
        model = type(self.model).__name__
        return short_repr(type(self).__name__, {"model": model, "n_masks": self.n_masks, "cells": self.cells})

    @torch.no_grad()
    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, ...) or (n, features).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
        targets : sequence, optional
            Several targets in place of `target`; they share all forward passes.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution (n, 1, ...), or (n, features) of rows; with several `targets` (targets, n, ...).

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor, the output is not one tensor, or the
            cells do not fit the input.
        """
        name = type(self).__name__
        require_tensor(x, name, floating=True)
        asked, grid = list_targets(target, targets), CellGrid.fit(x, self.cells, name)
        output = self.model(x.clone())
        coefficients = torch.stack([output_coefficient(output, one) for one in asked.targets])
        fill = self.fill_fn(x)

        def scores(masks: Iterable[Tensor]) -> Iterator[Tensor]:
            for mask in masks:
                masked = fill + (x - fill) * mask.to(x)
                yield compute_values(self.model(masked), coefficients)

        found = self._estimate(grid, scores).to(x.device, torch.promote_types(x.dtype, torch.float32))
        return output, found if asked.several else found[0]

    @abstractmethod
    def _estimate(self, grid: CellGrid, scores: Scores) -> Tensor:
        """Return the attribution (targets, n, ...) from the scores of masks (1, 1, ...), or (1, features) of rows."""


def compute_values(output: Tensor, coefficients: Tensor) -> Tensor:
    """Return the explained values (targets, n) in double precision, in which thousands of them are added."""
    return (output.double() * coefficients.double()).flatten(2).sum(2)
