"""HSIC attribution as a method of a run."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.hsic import HSIC
from whyset.attribution.methods.method import FLOATING, Method


@dataclass(frozen=True)
class HSICMethod(Method):
    """The dependence between the output and whether a cell is kept: `whyset.attribution.HSIC`.

    Parameters
    ----------
    n_masks : int, default 1500
        The number of masks.
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
    >>> HSICMethod(n_masks=64).describe()
    'HSIC, 64 masks'
    """

    name: ClassVar[str] = "hsic"
    several_targets: ClassVar[bool] = True
    needs_gradients: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    n_masks: int = 1500
    cells: Sides | None = None
    fill: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of masks, and the other parameters if they are not the default."""
        return self.describe_count("HSIC", "n_masks", "mask")

    def bind(self, model: nn.Module) -> HSIC:
        """Make the attributor for a model."""
        fill = partial(torch.full_like, fill_value=self.fill)
        return HSIC(model, n_masks=self.n_masks, cells=self.cells, seed=self.seed, fill_fn=fill)
