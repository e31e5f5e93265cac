"""Fourier transforms over the positions of samples: bands of frequencies, radial spectra, amplitudes and phases."""

import torch
from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import to_single

ROUNDING = 1e-6
"""Coefficients below this share of the largest one of a channel are 0, except for the rounding of single precision."""


def get_positions(x: Tensor) -> tuple[int, ...]:
    """Return the dimensions of the positions of samples (n, C, *positions)."""
    return tuple(range(2, x.dim()))


def filter_band(x: Tensor, low: float, high: float | None, *, sharp: bool) -> Tensor:
    """Return the part of samples (n, C, *positions) in a band of frequencies, in single precision at least.

    The weight of frequency f is `g(f / high) − g(f / low)`. With `sharp`, g(t) is 1 for t < 1 and 0 from there on;
    otherwise `g(t) = 2^(−t²)`, a Gaussian that is 1/2 at the edge of the band and causes no ringing. Weights of
    adjoining bands sum to 1. Samples are continued by mirroring.

    Parameters
    ----------
    x : Tensor
        Samples.
    low : float
        The lower edge of the band, in cycles per position; with 0, the mean is part of the band.
    high : float or None
        The upper edge; None is all frequencies from `low` on.
    sharp : bool
        Whether the edges of the band are sharp.

    Returns
    -------
    Tensor
        The part of the samples.
    """
    if len(x) == 0:
        return to_single(x)
    mirrored, dims = mirror(to_single(x)), get_positions(x)
    frequencies = radial_frequencies(mirrored)
    if low > float(frequencies.max()):
        raise InputError(
            f"band from {low:g} cycles per position: the highest frequency of samples {tuple(x.shape[2:])} is "
            f"{float(frequencies.max()):.3g}, so nothing is in it: give frequencies in cycles per position, or rate=, "
            "the number of positions in a unit of time"
        )
    weights = _low_pass(frequencies, high, sharp) - (_low_pass(frequencies, low, sharp) if low > 0 else 0)
    found: Tensor = torch.fft.irfftn(torch.fft.rfftn(mirrored, dim=dims) * weights, s=mirrored.shape[2:], dim=dims)
    return crop(found, x)


def _low_pass(frequencies: Tensor, edge: float | None, sharp: bool) -> Tensor:
    if edge is None:
        return torch.ones_like(frequencies)
    return (frequencies < edge).to(frequencies.dtype) if sharp else torch.exp2(-(frequencies / edge).square())


def radial_frequencies(x: Tensor) -> Tensor:
    """Return the frequency of each coefficient of `rfftn` over the positions, in cycles per position."""
    *others, last = x.shape[2:]
    axes = [torch.fft.fftfreq(size, dtype=x.dtype, device=x.device) for size in others]
    axes.append(torch.fft.rfftfreq(last, dtype=x.dtype, device=x.device))
    return torch.stack([grid.square() for grid in torch.meshgrid(*axes, indexing="ij")]).sum(0).sqrt()


def mirror(x: Tensor) -> Tensor:
    """Double each side by the mirrored samples, so that opposite edges do not meet in the periodic continuation."""
    for dim in get_positions(x):
        x = torch.cat([x, x.flip(dim)], dim)
    return x


def crop(mirrored: Tensor, like: Tensor) -> Tensor:
    """Undo `mirror`: return the part of mirrored samples that has the positions of `like`."""
    for dim in get_positions(like):
        mirrored = mirrored.narrow(dim, 0, like.shape[dim])
    return mirrored


def transform(x: Tensor) -> Tensor:
    """Return the coefficients `rfftn` of samples (n, C, *positions), in single precision at least."""
    if len(x) == 0:
        return to_single(x)[..., : x.shape[-1] // 2 + 1].to(torch.promote_types(to_single(x).dtype, torch.complex64))
    found: Tensor = torch.fft.rfftn(to_single(x), dim=get_positions(x))
    return found


def index_zero(coefficients: Tensor) -> tuple[slice | int, ...]:
    """Return the index of frequency 0, (n, C)."""
    return (slice(None), slice(None), *[0] * (coefficients.dim() - 2))


def get_directions(coefficients: Tensor) -> Tensor:
    """Return `F / |F|`, complex numbers of absolute value 1; where F is 0 except for rounding, 1."""
    size = coefficients.abs()
    if len(size) == 0:
        return coefficients
    least = ROUNDING * size.amax(get_positions(size), keepdim=True)
    return torch.where(size > least, coefficients / size, 1)


def compose(amplitudes: Tensor, directions: Tensor, mean: Tensor, like: Tensor) -> Tensor:
    """Return samples with these amplitudes |F| and directions F / |F|, and with these means (n, C).

    The mean is not taken from the coefficient of frequency 0: that of a normalized input can be negative, and its sign
    is not a phase.

    Parameters
    ----------
    amplitudes, directions : Tensor
        Those of the coefficients (n, C, ...).
    mean : Tensor
        The mean of each channel (n, C).
    like : Tensor
        Samples (n, C, *positions) of the same shape.

    Returns
    -------
    Tensor
        The samples, in single precision at least.
    """
    if len(like) == 0:
        return to_single(like)
    dims = get_positions(like)
    found: Tensor = torch.fft.irfftn(amplitudes * directions, s=like.shape[2:], dim=dims)
    return found + (mean - found.flatten(2).mean(2)).view(*mean.shape, *[1] * len(dims))
