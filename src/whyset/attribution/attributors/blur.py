"""Gaussian blur over the positions of an input."""

import torch
from torch import Tensor

_TRUNCATION = 4.0


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur an input (n, channels, ...) over the dimensions after its channels; values outside of it are 0.

    The kernel ends at 4 sigma, as in `scipy.ndimage.gaussian_filter`. It is applied by the fast Fourier transform, so
    that a large sigma costs no more than a small one.

    Parameters
    ----------
    x : Tensor
        The input, in single or double precision.
    sigma : float
        The standard deviation of the Gaussian, in elements; 0 returns the input.

    Returns
    -------
    Tensor
        The blurred input.
    """
    radius = int(_TRUNCATION * sigma + 0.5)
    if radius == 0:
        return x
    places = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = (-(places / sigma).square() / 2).exp()
    kernel /= kernel.sum()
    for dim in range(2, x.dim()):
        x = _convolve(x, kernel, dim)
    return x


def _convolve(x: Tensor, kernel: Tensor, dim: int) -> Tensor:
    side, middle = x.shape[dim], len(kernel) // 2
    reach = min(middle, side - 1)
    kernel = kernel[middle - reach : middle + reach + 1]
    length = side + 2 * reach
    factor = torch.fft.rfft(kernel, length).view(-1, *[1] * (x.dim() - 1 - dim))
    blurred: Tensor = torch.fft.irfft(torch.fft.rfft(x, length, dim) * factor, length, dim)
    return blurred.narrow(dim, reach, side)
