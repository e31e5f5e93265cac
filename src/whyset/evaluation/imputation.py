"""Imputation: the values that replace the flipped parts of an input; `IMPUTERS` is the table."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from whyset.arguments import name_unknown
from whyset.attribution.methods.options import parse_options
from whyset.attribution.named_part import NamedPart, make_default
from whyset.errors import InputError
from whyset.evaluation.neighbor_means import NeighborMeans, Values

Impute = Callable[[Tensor], Tensor]
"""Returns the inputs with the elements imputed in which a mask (n, channels or 1, ...) is True."""


@dataclass(frozen=True)
class Imputer(NamedPart):
    """Base of the imputers: a subclass has a `name` and defines `impute`, and is a line in the table `IMPUTERS`.

    An imputed value depends on the input and at most on which elements are imputed, never on the relevance itself: two
    methods that flip the same elements are compared on the same input. An imputer whose values depend on the elements
    overrides `prepare`.
    """

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        """Return the values that replace those of x, if all are replaced.

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

    def prepare(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Impute:
        """Return the function from a mask (n, channels or 1, ...) to the inputs with the masked elements imputed.

        Random numbers are drawn once, so that all masks of an input are filled from the same ones.
        """
        values = self.impute(x, generators)
        return lambda mask: torch.where(mask, values, x)


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

    name = "constant"
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

    name = "blur"
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

    name = "uniform"
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"UniformImputer(low={self.low!r}, high={self.high!r}): expected low < high")

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        drawn = [generator.uniform(self.low, self.high, tuple(x.shape[1:])) for generator in generators]
        return torch.from_numpy(np.stack(drawn)).to(x)


@dataclass(frozen=True)
class NoisyLinearImputer(Imputer):
    """The weighted mean of the neighbors of each imputed element, with noise (Rong 2022).

    Imputed elements are unknown v_i, with v_i = sum_j w_ij v_j / sum_j w_ij over the neighbors j within the input,
    among them imputed ones: a system of linear equations. In images, the weight of an adjacent neighbor is 1/6, of a
    diagonal one 1/12; in any number of dimensions, each further coordinate that differs halves it. The shape of the
    imputed region is thus hardly visible to the model, which a constant reveals. If everything is imputed, the value is
    the mean of the channel.

    Parameters
    ----------
    noise : float, default 0.01
        Standard deviation of the Gaussian noise that is added to imputed elements, in the model's units; 0 or more.

    Raises
    ------
    InputError
        `noise` is negative, or inputs have no dimensions after the channels.

    Examples
    --------
    >>> impute = NoisyLinearImputer(noise=0.0).prepare(torch.tensor([[[0.0, 9.0, 9.0, 3.0]]]), [None])
    >>> impute(torch.tensor([[[False, True, True, False]]]))
    tensor([[[0., 1., 2., 3.]]])
    """

    name = "noisy_linear"
    noise: float = 0.01

    def __post_init__(self) -> None:
        if self.noise < 0:
            raise InputError(f"NoisyLinearImputer(noise={self.noise!r}): expected 0 or a positive number")

    def impute(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Tensor:
        return self.prepare(x, generators)(torch.ones_like(x[:, :1], dtype=torch.bool))

    def prepare(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Impute:
        if x.dim() < 3:
            raise InputError(
                f"NoisyLinearImputer: expected inputs (n, channels, ...), got {tuple(x.shape)}: features have no "
                "neighbors, so choose ConstantImputer or UniformImputer"
            )
        return NeighborMeans(x, self._draw(x, generators))

    def _draw(self, x: Tensor, generators: Sequence[np.random.Generator]) -> Values:
        shape = x.shape[1:]
        if not self.noise:
            return np.zeros((len(x), *shape))
        return np.stack([self.noise * generator.standard_normal(tuple(shape)) for generator in generators])


IMPUTERS: MappingProxyType[str, type[Imputer]] = MappingProxyType(
    {imputer.name: imputer for imputer in (ConstantImputer, BlurImputer, UniformImputer, NoisyLinearImputer)}
)
"""Imputers by name."""

_TEXT = re.compile(r"(?P<name>\w+)(\((?P<options>.*)\))?")


def as_imputer(given: Imputer | str) -> Imputer:
    """Return an imputer from an instance, a name of `IMPUTERS`, or a name with parameters.

    >>> as_imputer("blur(sigma=4)")
    BlurImputer(sigma=4.0)
    """
    if isinstance(given, Imputer):
        return given
    match = _TEXT.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise InputError(f"imputer is {given!r}: expected an imputer, or one of {', '.join(map(repr, IMPUTERS))}")
    name, options = match["name"], match["options"]
    if name not in IMPUTERS:
        raise name_unknown("imputer", name, IMPUTERS)
    if not options:
        return make_default(IMPUTERS[name], "imputer", name)
    return parse_options(IMPUTERS[name], re.split(r",(?=\w+=)", options), flag=f"imputer {given!r}, option")
