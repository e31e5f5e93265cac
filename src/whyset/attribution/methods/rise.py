"""RISE as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from whyset.attribution.attributors.cells import Sides
from whyset.attribution.attributors.masked_copies import MaskedCopies
from whyset.attribution.attributors.rise import RISE
from whyset.attribution.methods.masked_copies import MaskedCopiesMethod


@dataclass(frozen=True)
class RISEMethod(MaskedCopiesMethod):
    """The mean output over random masks that keep an element: `whyset.attribution.RISE`.

    Parameters
    ----------
    n_masks : int, default 4000
        The number of masks.
    cells : int or tuple of int, optional
        The number of cells along each side; by default at most 7, and for rows one for each feature.
    p : float, default 0.5
        The probability that a cell is kept.
    shift : bool, default True
        Whether masks are shifted by a part of a cell.
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
    >>> RISEMethod(n_masks=500, cells=(4, 6)).describe()
    'RISE, 500 masks, cells (4, 6)'
    """

    name: ClassVar[str] = "rise"
    title: ClassVar[str] = "RISE"
    attributor: ClassVar[type[MaskedCopies]] = RISE

    n_masks: int = 4000
    cells: Sides | None = None
    p: float = 0.5
    shift: bool = True
    fill: float = 0.0
    seed: int = 0
