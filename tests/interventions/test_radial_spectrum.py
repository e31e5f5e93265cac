"""Radial spectra: the power in each band by SciPy's cosine transform, and known cases."""

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.interventions import RadialSpectrum


def find_bands(shape: tuple[int, ...], width: float) -> np.ndarray:
    """Coefficient k of a cosine transform of N positions has the frequency k / 2N."""
    axes = np.meshgrid(*(np.arange(size) / (2 * size) for size in shape), indexing="ij")
    return np.floor(np.sqrt(sum(axis**2 for axis in axes)) / width).astype(int)


def cosine_transform(x: torch.Tensor) -> np.ndarray:
    return scipy.fft.dctn(x.numpy(), axes=range(2, x.dim()), norm="ortho")


@given(
    seed=st.integers(0, 10**6),
    shape=st.lists(st.integers(2, 7), min_size=1, max_size=3).map(tuple),
    width=st.sampled_from([0.031, 0.07, 0.2, 0.5]),
)
def test_the_result_has_the_power_of_one_and_the_signs_and_mean_of_the_other(seed, shape, width):
    generator = torch.Generator().manual_seed(seed)
    x, host = torch.randn(2, 2, 2, *shape, dtype=torch.float64, generator=generator)
    part = RadialSpectrum(width)
    result = part.combine(part.measure(x), host)
    found, of_x, of_host = (cosine_transform(y) for y in (result, x, host))
    mean = (slice(None), slice(None), *[0] * len(shape))
    np.testing.assert_allclose(found[mean], of_host[mean], atol=1e-9)
    np.testing.assert_allclose(np.sign(found[np.abs(found) > 1e-9]), np.sign(of_host[np.abs(found) > 1e-9]))
    bands = find_bands(shape, width)
    for coefficients in (found, of_x):
        coefficients[mean] = 0
    for band in np.unique(bands):
        expected = (of_x[..., bands == band] ** 2).sum(-1)
        np.testing.assert_allclose((found[..., bands == band] ** 2).sum(-1), expected, atol=1e-9)


def test_a_filter_that_is_constant_in_bands_is_transferred_exactly():
    """A blurred sample makes its own original as blurred as itself."""
    host = torch.rand(1, 1, 9, 12, dtype=torch.float64)
    bands = find_bands((9, 12), 1 / 32)
    coefficients = cosine_transform(host) * np.exp(-0.3 * bands)
    coefficients[..., 0, 0] = cosine_transform(host)[..., 0, 0]
    x = torch.from_numpy(scipy.fft.idctn(coefficients, axes=(2, 3), norm="ortho"))
    part = RadialSpectrum()
    torch.testing.assert_close(part.combine(part.measure(x), host), x)


def test_edges_that_do_not_meet_are_not_sharp():
    """A ramp has no high frequencies: half of the image more and nothing above an eighth of a cycle per position."""
    ramp = torch.linspace(0, 1, 64, dtype=torch.float64).expand(1, 1, 64, 64)
    power = RadialSpectrum().measure(ramp)[0, 0].square()
    assert power[4:].sum() < 1e-4 * power.sum()


def test_what_is_blurred_blurs_the_host_and_not_the_reverse():
    generator = torch.Generator().manual_seed(0)
    sharp = torch.rand(4, 1, 16, 16, generator=generator)
    blurred = torch.nn.functional.avg_pool2d(sharp, 5, 1, 2)
    part = RadialSpectrum()

    def roughness(x):
        return float((x[..., 1:] - x[..., :-1]).square().mean())

    assert roughness(part.insert(blurred, part.select(blurred), sharp.flip(0))) < 0.3 * roughness(sharp)
    assert roughness(part.insert(sharp, part.select(sharp), blurred.flip(0))) > 2 * roughness(blurred)


def test_constant_samples_and_hosts():
    part = RadialSpectrum()
    x, constant = torch.rand(1, 2, 6, 7), torch.full((1, 2, 6, 7), 0.5)
    torch.testing.assert_close(part.insert(x, part.select(x), constant), constant)
    flat = part.insert(constant, part.select(constant), x)
    torch.testing.assert_close(flat, x.mean((2, 3), keepdim=True).expand_as(x))


def test_no_samples():
    part, nothing = RadialSpectrum(), torch.zeros(0, 3, 8, 6)
    assert part.insert(nothing, part.select(nothing), nothing).shape == nothing.shape


@pytest.mark.parametrize("width", [0, -0.1, 0.6])
def test_wrong_widths(width):
    with pytest.raises(InputError, match=r"band_width.*expected cycles per position"):
        RadialSpectrum(width)
