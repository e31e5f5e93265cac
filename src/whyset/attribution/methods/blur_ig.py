"""Blur integrated gradients as a method of a run."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from whyset.attribution.attributors.blur_ig import BlurIG
from whyset.attribution.methods.method import POSITIONAL, Method


@dataclass(frozen=True)
class BlurIGMethod(Method):
    """The gradient along a path that blurs the input: `whyset.attribution.BlurIG`.

    Parameters
    ----------
    max_sigma : float, default 50.0
        The standard deviation of the Gaussian at the end of the path, in elements.
    n_iter : int, default 100
        The number of gradients (steps) in the sum.
    grad_step : float, default 0.01
        The change of the standard deviation that approximates the derivative of the blurred input.
    sqrt : bool, default False
        Whether the steps are those of the root of the standard deviation.

    Raises
    ------
    InputError
        A parameter is not positive.

    Examples
    --------
    >>> BlurIGMethod(max_sigma=10).describe()
    'blur IG, 100 steps, max_sigma 10.0'
    """

    name: ClassVar[str] = "blur_ig"
    modalities: ClassVar[tuple[str, ...]] = POSITIONAL

    max_sigma: float = 50.0
    n_iter: int = 100
    grad_step: float = 0.01
    sqrt: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bind(nn.Identity())  # checks the numbers

    def describe(self) -> str:
        """Return the number of steps, and the other parameters if they are not the default."""
        return self.describe_count("blur IG", "n_iter", "step")

    def bind(self, model: nn.Module) -> BlurIG:
        """Make the attributor for a model."""
        return BlurIG(model, max_sigma=self.max_sigma, n_iter=self.n_iter, grad_step=self.grad_step, sqrt=self.sqrt)
