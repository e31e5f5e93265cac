"""Sobol attribution as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.masked_copies import MaskedCopies
from whyset.attribution.attributors.sobol import Sobol
from whyset.attribution.methods.masked_copies import MaskedCopiesMethod


@dataclass(frozen=True)
class SobolMethod(MaskedCopiesMethod):
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
    title: ClassVar[str] = "Sobol indices"
    attributor: ClassVar[type[MaskedCopies]] = Sobol

    n_masks: int = 32
    cells: Sides | None = None
    fill: float = 0.0
    seed: int = 0
