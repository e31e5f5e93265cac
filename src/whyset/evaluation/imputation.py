"""Imputation: the values that replace the flipped parts of an input; `IMPUTERS` is the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from whyset.arguments import TypedFields
from whyset.errors import InputError


@dataclass(frozen=True)
class Imputer(TypedFields):
    """Base of the imputers; a subclass defines `impute`, and one line in `IMPUTERS` gives it a name.

    An imputed value must not depend on the explanation, or methods are compared on different inputs.
    """

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        """Return the values that replace those of x.

        Parameters
        ----------
        x : Tensor
            The inputs (n, channels, ...) or (n, features), in the model's units.
        generators : sequence of numpy.random.Generator
            The source of random numbers of each sample.

        Returns
        -------
        Tensor
            The values, shaped and typed like `x`.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class ConstantImputer(Imputer):
    """The same value everywhere: 0 is the mean of the data set if inputs are standardized.

    Parameters
    ----------
    value : float or tuple of float, default 0.0
        The value, in the model's units after preprocessing; a tuple has one for each channel.

    Examples
    --------
    >>> ConstantImputer((-1.0, 1.0)).impute(torch.ones(1, 2, 3), [])
    tensor([[[-1., -1., -1.],
             [ 1.,  1.,  1.]]])
    """

    value: float | tuple[float, ...] = 0.0

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        if len(values) not in (1, x.shape[1]):
            raise InputError(
                f"ConstantImputer(value={self.value!r}): expected one value, or {x.shape[1]} for the channels of an "
                f"input of shape {tuple(x.shape)}, got {len(values)}"
            )
        filled = torch.tensor(values, dtype=x.dtype, device=x.device).view(1, -1, *[1] * (x.dim() - 2))
        return filled.expand_as(x).clone()


@dataclass(frozen=True)
class BlurImputer(Imputer):
    """The input blurred by a Gaussian over the dimensions after the channels, mirrored at the edge.

    Details vanish, colors and brightness stay, so that flipped inputs are closer to the data than with a constant.

    Parameters
    ----------
    sigma : float, default 10.0
        Standard deviation of the Gaussian in elements, more than 0.

    Raises
    ------
    InputError
        `sigma` is not positive.
    """

    sigma: float = 10.0

    def __post_init__(self) -> None:
        if not self.sigma > 0:
            raise InputError(f"BlurImputer(sigma={self.sigma!r}): expected a positive number of elements")

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        if x.dim() < 3:
            raise InputError(
                f"BlurImputer: expected inputs (n, channels, ...), got {tuple(x.shape)}: the order of features has no "
                "meaning that a blur could use, so choose ConstantImputer or UniformImputer"
            )
        axes = tuple(range(2, x.dim()))
        blurred = ndimage.gaussian_filter(x.detach().double().cpu().numpy(), self.sigma, axes=axes)
        return torch.from_numpy(blurred).to(x)


@dataclass(frozen=True)
class UniformImputer(Imputer):
    """Independent random numbers, uniform from `low` to `high` (Samek 2017).

    Parameters
    ----------
    low : float, default 0.0
        Smallest value, in the model's units after preprocessing.
    high : float, default 1.0
        Largest value, likewise.

    Raises
    ------
    InputError
        `low` is not less than `high`.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"UniformImputer(low={self.low!r}, high={self.high!r}): expected low < high")

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        drawn = [generator.uniform(self.low, self.high, tuple(x.shape[1:])) for generator in generators]
        return torch.from_numpy(np.stack(drawn)).to(x)


IMPUTERS: MappingProxyType[str, type[Imputer]] = MappingProxyType(
    {"constant": ConstantImputer, "blur": BlurImputer, "uniform": UniformImputer}
)
"""Imputers by name."""


def as_imputer(given: Imputer | str) -> Imputer:
    """Return an imputer from an instance or a name of `IMPUTERS`."""
    if isinstance(given, str) and given in IMPUTERS:
        return IMPUTERS[given]()
    if not isinstance(given, Imputer):
        raise InputError(f"imputer is {given!r}: expected an imputer, or one of {', '.join(map(repr, IMPUTERS))}")
    return given
