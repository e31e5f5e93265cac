"""SmoothGrad: the mean explanation of noisy copies of the input, or another statistic of them."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Literal, Self, get_args

import torch
from torch import Tensor, nn

from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.composites import Composite
from whyset.attribution.targets import OutputWeights, Target, output_coefficient
from whyset.errors import InputError
from whyset.printable import short_repr

Statistic = Literal["mean", "square", "variance"]


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
    statistic : {"mean", "square", "variance"}, default "mean"
        What is computed of the explanations A of the copies: their mean, the mean of their squares `E[A²]` (SquareGrad,
        Hooker 2019), or their variance `E[A²] - E[A]²` (VarGrad, Adebayo 2018).

    Raises
    ------
    InputError
        `noise_level` is negative, `n_iter` is less than 1, or the composite or the statistic is unknown.

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
        statistic: Statistic = "mean",
    ) -> None:
        if not noise_level >= 0 or n_iter < 1:
            raise InputError(f"SmoothGrad(noise_level={noise_level!r}, n_iter={n_iter!r}): expected at least 0 and 1")
        if statistic not in get_args(Statistic):
            raise InputError(
                f"SmoothGrad(statistic={statistic!r}): expected one of {', '.join(map(repr, get_args(Statistic)))}"
            )
        self.noise_level, self.n_iter, self.seed, self.statistic = noise_level, n_iter, seed, statistic
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
                "statistic": self.statistic,
            },
        )

    def __call__(
        self, x: Tensor, target: Target = None, *, seeds: Sequence[int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the statistic of the explanations of the input.

        Parameters
        ----------
        x : Tensor
            The input (n, ...).
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
        seeds : sequence of int, optional
            A seed for each sample in place of `seed`; then the noise of a sample depends neither on the others nor on
            the device.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        explanation : Tensor
            The statistic of the relevance (without a composite, of the gradient), shaped like `x`.

        Raises
        ------
        InputError
            The target does not fit the output, x is not one floating point tensor, the output is not one tensor, or the
            number of seeds is not that of the samples.
        """
        require_tensor(x, "SmoothGrad", floating=True)
        with torch.no_grad():
            output = self._gradient.model(x.clone())
        coefficient = output_coefficient(output, target, conserving=self._gradient.conserving)
        spread = self.noise_level * (x.flatten(1).amax(1) - x.flatten(1).amin(1)).view(-1, *[1] * (x.dim() - 1))
        noises, accumulated = self._draw(x, seeds), _Accumulated(torch.zeros_like(x), self.statistic)
        for _ in range(self.n_iter):
            accumulated.add(self._gradient(x + spread * next(noises), OutputWeights(coefficient))[1])
        return output, accumulated.result()

    def _draw(self, x: Tensor, seeds: Sequence[int] | None) -> Iterator[Tensor]:
        """Yield standard normal noise for each copy, from one generator or from one for each sample.

        Noise with a seed for each sample is drawn on the CPU: it is the same on every device.
        """
        if seeds is not None and len(seeds) != len(x):
            raise InputError(f"seeds: expected one for each of {len(x)} samples, got {len(seeds)}")
        parts = [x] if seeds is None else x.split(1)
        given = [self.seed] if seeds is None else seeds
        device = x.device if seeds is None else torch.device("cpu")
        generators = [torch.Generator(device=device).manual_seed(seed) for seed in given]
        while True:
            drawn = [
                torch.randn(part.shape, generator=generator, dtype=x.dtype, device=device)
                for part, generator in zip(parts, generators, strict=True)
            ]
            yield torch.cat(drawn).to(x.device)


class _Accumulated:
    """A statistic of explanations that are added one by one."""

    def __init__(self, zeros: Tensor, statistic: Statistic) -> None:
        self.total, self.squares, self.count = zeros, zeros.clone(), 0
        self.statistic = statistic

    def add(self, found: Tensor) -> None:
        self.count += 1
        if self.statistic == "variance":  # Welford 1962: the squared mean is not subtracted from the mean square
            change = found - self.total
            self.total = self.total + change / self.count
            self.squares = self.squares + change * (found - self.total)
        else:
            self.total += found if self.statistic == "mean" else found.square()

    def result(self) -> Tensor:
        return (self.squares if self.statistic == "variance" else self.total) / self.count
