"""SmoothGrad: the mean of explanations of noisy copies of the input."""

from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.composites import Composite
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr


class SmoothGrad:
    """Average explanations over noise: `E[A(x + n)]`, n Gaussian of `noise_level` times the range of x (Smilkov 2017).

    The noise is drawn anew for every call from `seed`, so that a call can be repeated; the output is that of x itself.

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
        """Give the model's output for `x`, and the mean explanation, shaped like it."""
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
