"""Extremal perturbation as a method of a run."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.extremal_perturbation import ExtremalPerturbation
from whyset.attribution.methods.method import POSITIONAL, Method
from whyset.errors import InputError


@dataclass(frozen=True)
class ExtremalPerturbationMethod(Method):
    """The masks of given areas that keep the output largest: `whyset.attribution.ExtremalPerturbation`.

    Parameters
    ----------
    areas : float or tuple of float, default (0.05, 0.1, 0.2)
        The kept fractions of the elements; the map is the mean of their masks.
    n_iter : int, default 100
        The number of gradients (steps) of the optimization of each mask.
    cells : int or tuple of int, optional
        The number of values of a mask along each side; by default at most 16.
    sigma : float, optional
        The standard deviation of the blur, in elements; by default a tenth of the longest side.

    Raises
    ------
    InputError
        A parameter is out of its range.

    Examples
    --------
    >>> ExtremalPerturbationMethod(areas=0.1).describe()
    'extremal perturbation, 100 steps, areas 0.1'
    """

    name: ClassVar[str] = "extremal_perturbation"
    modalities: ClassVar[tuple[str, ...]] = POSITIONAL

    areas: float | tuple[float, ...] = (0.05, 0.1, 0.2)
    n_iter: int = 100
    cells: Sides | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        several = isinstance(self.areas, tuple | list)
        given = tuple(self.areas) if isinstance(self.areas, tuple | list) else (self.areas,)
        if not all(isinstance(area, Real) for area in given):
            raise InputError(f"ExtremalPerturbationMethod(areas={self.areas!r}): expected a number, or several")
        object.__setattr__(self, "areas", tuple(map(float, given)) if several else float(given[0]))
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of steps, and the other parameters if they are not the default."""
        return self.describe_count("extremal perturbation", "n_iter", "step")

    def bind(self, model: nn.Module) -> ExtremalPerturbation:
        """Make the attributor for a model."""
        return ExtremalPerturbation(model, areas=self.areas, n_iter=self.n_iter, cells=self.cells, sigma=self.sigma)
