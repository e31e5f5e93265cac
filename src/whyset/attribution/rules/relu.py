"""Changes to the gradient at a ReLU, for composites that explain by a modified gradient rather than by relevance."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from torch import Tensor

from whyset.errors import InputError


@dataclass(frozen=True)
class ReLURule:
    """Base of the changes to the gradient at a ReLU: from `g` at its output and its input `x` to the gradient at its
    input.
    """

    formula: ClassVar[str] = ""

    def gradient(self, x: Tensor, g: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True)
class ReLUDeconvNet(ReLURule):
    """`max(g, 0)`, for any input (Zeiler 2014)."""

    formula: ClassVar[str] = "max(g, 0)"

    def gradient(self, x: Tensor, g: Tensor) -> Tensor:
        return g.clamp(min=0)


@dataclass(frozen=True)
class ReLUGuidedBackprop(ReLURule):
    """`g` where both g and the input are positive, 0 elsewhere (Springenberg 2015)."""

    formula: ClassVar[str] = "g where x > 0 and g > 0"

    def gradient(self, x: Tensor, g: Tensor) -> Tensor:
        return g.clamp(min=0) * (x > 0)


@dataclass(frozen=True)
class ReLUBetaSmooth(ReLURule):
    """`sigmoid(βx) g`, the gradient of softplus with sharpness β (Dombrowski 2019).

    Parameters
    ----------
    beta_smooth : float, default 10.0
        Sharpness β, greater than 0.

    Raises
    ------
    InputError
        `beta_smooth` is not positive.

    Examples
    --------
    >>> ReLUBetaSmooth(beta_smooth=5.0)
    ReLUBetaSmooth(beta_smooth=5.0)
    """

    beta_smooth: float = 10.0

    formula: ClassVar[str] = "sigmoid(βx) g"

    def __post_init__(self) -> None:
        if not isinstance(self.beta_smooth, Real) or not self.beta_smooth > 0:
            raise InputError(f"ReLUBetaSmooth(beta_smooth={self.beta_smooth!r}): expected a positive number")

    def gradient(self, x: Tensor, g: Tensor) -> Tensor:
        return g * (self.beta_smooth * x).sigmoid()
