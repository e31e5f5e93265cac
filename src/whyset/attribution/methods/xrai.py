"""XRAI as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.segments import import_skimage
from whyset.attribution.attributors.xrai import XRAI, Algorithm
from whyset.attribution.methods.method import Method


@dataclass(frozen=True)
class XRAIMethod(Method):
    """Integrated gradients, averaged over segments of an image: `whyset.attribution.XRAI`.

    Parameters
    ----------
    n_iter : int, default 100
        The number of gradients of the integral from each of the two baselines.
    algorithm : {"full", "fast"}, default "full"
        Whether a segment is valued by the pixels that it adds, or ("fast") by all of its pixels.
    min_pixel_diff : int, optional
        The number of pixels that a segment must add; by default 50 of 224 by 224 pixels, in proportion to the area.

    Raises
    ------
    InputError
        A parameter is out of its range.
    MissingExtraError
        scikit-image is not installed.

    Examples
    --------
    >>> XRAIMethod(n_iter=50).describe()
    'XRAI, 50 steps'
    """

    name: ClassVar[str] = "xrai"
    modalities: ClassVar[tuple[str, ...]] = ("image",)

    n_iter: int = 100
    algorithm: Algorithm = "full"
    min_pixel_diff: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the parameters
        import_skimage()

    def describe(self) -> str:
        """Return the number of steps, and the other parameters if they are not the default."""
        return self.describe_count("XRAI", "n_iter", "step")

    def bind(self, model: nn.Module) -> XRAI:
        """Make the attributor for a model."""
        return XRAI(model, n_iter=self.n_iter, algorithm=self.algorithm, min_pixel_diff=self.min_pixel_diff)
