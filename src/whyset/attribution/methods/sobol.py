"""Sobol attribution as a method of a run."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.sobol import Sobol
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class SobolMethod(Method):
    """The share of the variance of the output in which a cell takes part: `whyset.attribution.Sobol`.

    Parameters
    ----------
    n_masks : int, default 32
        The number of masks A, a power of 2; the model is evaluated `n_masks · (cells + 2)` times.
    cells : int or tuple of int, optional
        The number of cells along each side; by default at most 7, and for rows one for each feature.
    fill : float, default 0.0
        The value that covers the input, as input of the model: after the normalization.
    seed : int, default 0
        Seed of the masks, which all samples of a run share.

    Raises
    ------
    InputError
        A parameter is out of its range.

    Examples
    --------
    >>> SobolMethod(n_masks=64).describe()
    'Sobol indices, 64 masks'
    """

    name: ClassVar[str] = "sobol"
    several_targets: ClassVar[bool] = True
    needs_gradients: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    n_masks: int = 32
    cells: Sides | None = None
    fill: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of masks, and the other parameters if they are not the default."""
        return self.describe_count("Sobol indices", "n_masks", "mask")

    def bind(self, model: nn.Module) -> Sobol:
        """Make the attributor for a model."""
        fill = partial(torch.full_like, fill_value=self.fill)
        return Sobol(model, n_masks=self.n_masks, cells=self.cells, seed=self.seed, fill_fn=fill)
