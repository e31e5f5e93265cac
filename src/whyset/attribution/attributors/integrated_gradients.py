"""Integrated gradients: the gradient along the line from a baseline to the input."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


class IntegratedGradients:
    """Explain by `(x − b) ⊙ ∫₀¹ ∇f(b + α(x − b)) dα`, from a baseline b to x (Sundararajan 2017).

    The integral is a midpoint sum; attributions sum to `f(x) − f(b)` up to its error.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    baseline_fn : callable, default torch.zeros_like
        Returns the baseline b for x, shaped like x.
    n_iter : int, default 20
        The number of gradients in the sum.

    Raises
    ------
    InputError
        `n_iter` is less than 1.

    Examples
    --------
    >>> attribute = IntegratedGradients(nn.Linear(4, 2))
    >>> output, attribution = attribute(torch.rand(3, 4), target=1)
    """

    def __init__(
        self, model: nn.Module, *, baseline_fn: Callable[[Tensor], Tensor] = torch.zeros_like, n_iter: int = 20
    ) -> None:
        if n_iter < 1:
            raise InputError(f"IntegratedGradients(n_iter={n_iter!r}): expected at least 1")
        self.baseline_fn, self.n_iter = baseline_fn, n_iter
        self._gradient = Gradient(model)

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, {"model": type(self._gradient.model).__name__, "n_iter": self.n_iter})

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the attribution of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
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
            The target does not fit the output, x is not one floating point tensor, or the output is not one tensor.
        """
        require_tensor(x, "IntegratedGradients", floating=True)
        with torch.no_grad():
            output = self._gradient.model(x.clone())
        coefficient, way = output_coefficient(output, target), x - self.baseline_fn(x)
        total = torch.zeros_like(x)
        for step in range(self.n_iter):
            left = 1 - (step + 0.5) / self.n_iter
            total += self._gradient(x - left * way, OutputWeights(coefficient))[1]
        return output, way * total / self.n_iter
