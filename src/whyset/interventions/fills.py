"""Fills: the values that replace evidence when it is removed; `FILLS` is the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from whyset.attribution.attributors.blur import gaussian_blur
from whyset.attribution.named_part import NamedPart
from whyset.errors import InputError
from whyset.interventions.checks import require_padding_at_end, to_double
from whyset.interventions.named_parts import parse_named, resolve_named
from whyset.optional import import_optional


@dataclass(frozen=True)
class Fill(NamedPart):
    """Base of the fills; a subclass defines `compute`, and one line in `FILLS` names it."""

    def __post_init__(self) -> None:
        """Convert numbers to those of Python, in which they are stored; InputError: one is not finite."""
        self.convert_numbers()

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        """Return values (n, ...) for the places of a mask.

        Parameters
        ----------
        x : Tensor
            Samples (n, ...).
        mask : Tensor of bool
            True within the region; it broadcasts to `x`.
        host : Tensor or None
            A host for each sample.

        Returns
        -------
        Tensor
            Values, shaped and typed like `x`; only those within the mask are used.
        """
        raise NotImplementedError

    def apply(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        """Return the samples with the values of the fill within the mask, shaped like `x`."""
        return torch.where(mask, self.compute(x, mask, host), x)


@dataclass(frozen=True)
class HostFill(Fill):
    """The values of the host at the same place."""

    name: ClassVar[str] = "host"

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        if host is None:
            raise InputError(
                "fill 'host': expected host=, a sample for each sample, got None: pass it, or another fill"
            )
        return host


@dataclass(frozen=True)
class ConstantFill(Fill):
    """The same value everywhere: 0 is the mean of the data set if inputs are standardized; of texts, a token's id.

    Parameters
    ----------
    value : float, default 0.0
        The value, as input of the model: after the normalization. A layer's channels are removed by 0.
    """

    name: ClassVar[str] = "constant"

    value: float = 0.0

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        if not x.is_floating_point() and not float(self.value).is_integer():
            raise InputError(f"ConstantFill(value={self.value}): expected the id of a token, a whole number")
        return torch.full_like(x, self.value)


@dataclass(frozen=True)
class MeanFill(Fill):
    """The mean of each channel of the sample outside of the region; of the whole channel where nothing is outside."""

    name: ClassVar[str] = "mean"

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        if x.dim() < 3:
            raise InputError(
                f"fill 'mean': expected values (n, channels, ...), got {tuple(x.shape)}: without positions there is no "
                "mean; use 'constant' or 'host'"
            )
        positions = tuple(range(2, x.dim()))
        inside = mask.expand_as(x)
        outside = to_double(~inside | inside.all(dim=positions, keepdim=True))
        total = (to_double(x) * outside).sum(positions, keepdim=True)
        return (total / outside.sum(positions, keepdim=True)).to(x.dtype).expand_as(x)


@dataclass(frozen=True)
class BlurFill(Fill):
    """The sample blurred by a Gaussian (Fong 2017), divided by the blurred constant 1, so that edges stay bright.

    The region takes part in its own blur: a strong color of a region larger than `sigma` remains visible. Inpainting
    does not have this property.

    Parameters
    ----------
    sigma : float, default 10.0
        The standard deviation of the Gaussian, in positions.

    Raises
    ------
    InputError
        `sigma` is not positive.
    """

    name: ClassVar[str] = "blur"

    sigma: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma > 0:
            raise InputError(f"BlurFill(sigma={self.sigma!r}): expected a positive number of positions")

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        if x.dim() < 3:
            raise InputError(
                f"fill 'blur': expected values (n, channels, ...), got {tuple(x.shape)}: use 'constant' or 'host'"
            )
        if len(x) == 0:
            return x
        wide = to_double(x)
        return (gaussian_blur(wide, self.sigma) / gaussian_blur(torch.ones_like(wide[:1, :1]), self.sigma)).to(x)


@dataclass(frozen=True)
class InpaintingFill(Fill):
    """The smooth continuation of the values around the region: the biharmonic equation (Damelin 2018), by scikit-image.

    Values are clipped to the range of each channel outside of the region. It is computed on the processor, one sample
    after the other.

    Raises
    ------
    MissingExtraError
        scikit-image is not installed.
    """

    name: ClassVar[str] = "inpainting"

    def compute(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        restoration = import_optional(
            "skimage.restoration", "inpainting", 'pip install "whyset[segments]"', "scikit-image"
        )
        regions, values = mask[:, 0].cpu().numpy(), to_double(x.detach()).cpu().numpy()
        filled = [_inpaint(restoration, *pair) for pair in zip(values, regions, strict=True)]
        return torch.from_numpy(np.stack(filled) if filled else values).to(x)


def _inpaint(restoration: Any, sample: np.ndarray[Any, Any], region: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Inpaint one sample (C, *positions) within a region (*positions)."""
    if not region.any():
        return sample
    if region.all():
        raise InputError("fill 'inpainting': expected a region with values around it, got one that covers the sample")
    known = sample[:, ~region]
    low, high = (bound.reshape(-1, *[1] * region.ndim) for bound in (known.min(1), known.max(1)))
    found = restoration.inpaint_biharmonic(sample, region, channel_axis=0)
    return np.clip(found, low, high)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class DeletionFill(Fill):
    """Nothing: the following tokens of a text move to the left, and padding follows the shorter text.

    Texts are padded at the end. Attention masks must then be computed again from the padding.

    Parameters
    ----------
    padding : int, default 0
        The id of padding.
    """

    name: ClassVar[str] = "deletion"

    padding: int = 0

    def apply(self, x: Tensor, mask: Tensor, host: Tensor | None) -> Tensor:
        """Return the texts (n, tokens) without the tokens of the mask, which are consecutive."""
        require_padding_at_end(x, self.padding, "DeletionFill")
        positions, removed = torch.arange(x.shape[1], device=x.device), mask.sum(1, keepdim=True)
        source = torch.where(positions < mask.byte().argmax(1)[:, None], positions, positions + removed)
        shifted = x.gather(1, source.clamp(max=x.shape[1] - 1))
        return shifted.masked_fill(source >= x.shape[1], self.padding)


FILLS: Mapping[str, type[Fill]] = MappingProxyType(
    {fill.name: fill for fill in (HostFill, ConstantFill, MeanFill, BlurFill, InpaintingFill, DeletionFill)}
)
"""The fills by name."""


def as_fill(given: Fill | str) -> Fill:
    """Resolve a fill from an instance or a name of `FILLS`; InputError: the name is unknown.

    >>> as_fill("blur")
    BlurFill(sigma=10.0)
    """
    return resolve_named(given, Fill, FILLS, "fill")


def parse_fill(text: str) -> Fill:
    """Read a fill from a name and options, separated by colons.

    >>> parse_fill("blur:sigma=4")
    BlurFill(sigma=4.0)
    """
    return parse_named(text, FILLS, "fill")
