"""SmoothGrad, SquareGrad and VarGrad as a method of a run."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.smooth_grad import SmoothGrad, Statistic
from whyset.attribution.composites import Composite
from whyset.attribution.methods.composite_field import check_composite
from whyset.attribution.methods.method import FLOATING, Method, describe_composite

_NAMES = MappingProxyType({"mean": "SmoothGrad", "square": "SquareGrad", "variance": "VarGrad"})


@dataclass(frozen=True)
class SmoothGradMethod(Method):
    """A statistic of explanations of noisy copies of the input: `whyset.attribution.SmoothGrad`.

    In a run, sample i has the noise of the seed `seed + i`, which does not depend on the batch.

    Parameters
    ----------
    composite : Composite, str or None, default None
        The rules: an instance or a name of `COMPOSITES`; None and "gradient" are the plain gradient.
    noise_level : float, default 0.1
        The standard deviation of the noise, in units of the range of each sample.
    n_iter : int, default 20
        The number of noisy copies.
    statistic : {"mean", "square", "variance"}, default "mean"
        SmoothGrad (Smilkov 2017), SquareGrad (Hooker 2019) or VarGrad (Adebayo 2018).

    Raises
    ------
    InputError
        A parameter is out of its range, or the composite is unknown.

    Examples
    --------
    >>> SmoothGradMethod(n_iter=50, statistic="variance").describe()
    'VarGrad, 50 noisy copies, noise level 0.1'
    """

    name: ClassVar[str] = "smooth_grad"
    takes_seeds: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = FLOATING

    composite: Composite | str | None = None
    noise_level: float = 0.1
    n_iter: int = 20
    statistic: Statistic = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_composite(self.composite)
        self._make(nn.Identity(), None)  # checks the numbers

    def describe(self) -> str:
        """Return the statistic and its parameters."""
        rules = "" if self.composite in (None, "gradient") else f" of {describe_composite(self.composite)}"
        copies = f"{self.n_iter} noisy {'copy' if self.n_iter == 1 else 'copies'}"
        return f"{_NAMES[self.statistic]}{rules}, {copies}, noise level {self.noise_level:g}"

    def bind(self, model: nn.Module) -> SmoothGrad:
        """Make the attributor for a model."""
        return self._make(model, self.composite)

    def _make(self, model: nn.Module, composite: Composite | str | None) -> SmoothGrad:
        return SmoothGrad(model, composite, noise_level=self.noise_level, n_iter=self.n_iter, statistic=self.statistic)
