"""Blur integrated gradients: the gradient along a path that blurs the input."""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.blur import gaussian_blur
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_positions, require_tensor
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


class BlurIG:
    """Explain by `−∫ ∇f(L(σ)) ⊙ ∂L(σ)/∂σ dσ`, where L(σ) is x blurred with a Gaussian (Xu 2020).

    The path needs no baseline: it starts at x, and removes details from fine to coarse. Attributions sum to `f(x) −
    f(L(max_sigma))` up to the error of the sum over the left ends of `n_iter` steps.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    max_sigma : float, default 50.0
        The standard deviation of the Gaussian at the end of the path, in elements.
    n_iter : int, default 100
        The number of gradients in the sum.
    grad_step : float, default 0.01
        The change of σ that approximates the derivative of the blurred input.
    sqrt : bool, default False
        Whether the steps are those of √σ: `σᵢ = √(i · max_sigma / n_iter)`, as in PAIR saliency. The path then ends at
        √max_sigma.

    Raises
    ------
    InputError
        A parameter is not positive.

    Examples
    --------
    >>> attribute = BlurIG(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), max_sigma=4.0, n_iter=20)
    >>> output, attribution = attribute(torch.rand(3, 1, 6, 8), target=1)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        max_sigma: float = 50.0,
        n_iter: int = 100,
        grad_step: float = 0.01,
        sqrt: bool = False,
    ) -> None:
        if not max_sigma > 0 or not grad_step > 0:
            raise InputError(f"BlurIG(max_sigma={max_sigma!r}, grad_step={grad_step!r}): expected positive numbers")
        self.n_iter = whole_number("BlurIG: n_iter", n_iter, 1)
        self.max_sigma, self.grad_step, self.sqrt = max_sigma, grad_step, sqrt
        self._gradient = Gradient(model)

    def __repr__(self) -> str:
        model = type(self._gradient.model).__name__
        return short_repr(type(self).__name__, {"model": model, "max_sigma": self.max_sigma, "n_iter": self.n_iter})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, channels, ...).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        attribution : Tensor
            The attribution, shaped like `x`.

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor with positions that can be blurred,
            or the output is not one tensor.
        """
        require_tensor(x, "BlurIG", floating=True)
        require_positions(x, "BlurIG")
        x = x.detach()
        with torch.no_grad():
            output = self._gradient.model(x.clone())
        weights = OutputWeights(output_coefficient(output, target))
        sharp, sigmas = x.double(), self._sigmas()
        total = torch.zeros_like(sharp)
        for sigma, following in pairwise(sigmas):
            blurred = gaussian_blur(sharp, sigma)
            change = (gaussian_blur(sharp, sigma + self.grad_step) - blurred) / self.grad_step
            gradient = self._gradient(blurred.to(x.dtype), weights)[1].double()
            total -= (following - sigma) * change * gradient
        return output, total.to(x.dtype)

    def _sigmas(self) -> list[float]:
        even = [step * self.max_sigma / self.n_iter for step in range(self.n_iter + 1)]
        return list(map(math.sqrt, even)) if self.sqrt else even
