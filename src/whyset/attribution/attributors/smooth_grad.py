"""SmoothGrad: the mean explanation of noisy copies of the input."""

from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.composites import Composite
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


class SmoothGrad:
    """Average explanations over noise: `E[A(x + n)]`, with n Gaussian (Smilkov 2017).

    Each call draws the same noise from `seed`, so it can be repeated. The output is that of x without noise.

    Parameters
    ----------
    model : torch.nn.Module
        The model, in evaluation mode; its output is one tensor.
    composite : Composite, str or None, default None
        The rules: an instance or a name of `COMPOSITES`; None and "gradient" are the plain gradient.
    noise_level : float, default 0.1
        The standard deviation of the noise, in units of the range (largest minus smallest value) of each sample.
    n_iter : int, default 20
        The number of noisy copies.
    seed : int, default 0
        Seed of the noise.

    Raises
    ------
    InputError
        `noise_level` is negative, `n_iter` is less than 1, or the composite is unknown.

    Examples
    --------
    >>> attribute = SmoothGrad(nn.Linear(4, 2), n_iter=5)
    >>> output, gradient = attribute(torch.rand(3, 4), target=1)
    >>> gradient.shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        model: nn.Module,
        composite: Composite | str | None = None,
        *,
        noise_level: float = 0.1,
        n_iter: int = 20,
        seed: int = 0,
    ) -> None:
        if not noise_level >= 0 or n_iter < 1:
            raise InputError(f"SmoothGrad(noise_level={noise_level!r}, n_iter={n_iter!r}): expected at least 0 and 1")
        self.noise_level, self.n_iter, self.seed = noise_level, n_iter, seed
        self._gradient = Gradient(model, composite)

    def __enter__(self) -> Self:
        self._gradient.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gradient.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return short_repr(
            type(self).__name__,
            {
                "model": type(self._gradient.model).__name__,
                "composite": self._gradient.composite,
                "noise_level": self.noise_level,
                "n_iter": self.n_iter,
            },
        )

    def __call__(self, x: Tensor, target: Target = None) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the mean explanation of the input.

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
        explanation : Tensor
            The mean relevance (without a composite, the mean gradient), shaped like `x`.

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor, or the output is not one tensor.
        """
        require_tensor(x, "SmoothGrad", floating=True)
        with torch.no_grad():
            output = self._gradient.model(x.clone())
        coefficient = output_coefficient(output, target, conserving=self._gradient.conserving)
        spread = self.noise_level * (x.flatten(1).amax(1) - x.flatten(1).amin(1)).view(-1, *[1] * (x.dim() - 1))
        generator = torch.Generator(device=x.device).manual_seed(self.seed)
        total = torch.zeros_like(x)
        for _ in range(self.n_iter):
            noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            total += self._gradient(x + spread * noise, OutputWeights(coefficient))[1]
        return output, total / self.n_iter
