"""HSIC attribution as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.hsic import HSIC
from whyset.attribution.attributors.masked_copies import MaskedCopies
from whyset.attribution.methods.masked_copies import MaskedCopiesMethod


@dataclass(frozen=True)
class HSICMethod(MaskedCopiesMethod):
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
    title: ClassVar[str] = "HSIC"
    attributor: ClassVar[type[MaskedCopies]] = HSIC

    n_masks: int = 1500
    cells: Sides | None = None
    fill: float = 0.0
    seed: int = 0
