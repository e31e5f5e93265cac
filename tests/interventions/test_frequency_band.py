"""Bands of frequencies: waves of known frequency, sums of bands, and a Gaussian blur as oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from whyset.errors import InputError
from whyset.interventions import FrequencyBand, SeriesBand


def cosine(size, halves):
    """A cosine of `halves` half waves that continues itself when it is mirrored: frequency halves / (2 size)."""
    return torch.cos(torch.pi * halves * (torch.arange(size, dtype=torch.float64) + 0.5) / size)


@given(seed=st.integers(0, 10**6), edge=st.floats(0.01, 0.7), sharp=st.booleans())
def test_the_bands_below_and_above_an_edge_sum_to_the_sample(seed, edge, sharp):
    x = torch.rand(2, 3, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    low, high = FrequencyBand(high=edge, sharp=sharp).filter(x), FrequencyBand(low=edge, sharp=sharp).filter(x)
    torch.testing.assert_close(low + high, x)
    torch.testing.assert_close(low.mean((2, 3)), x.mean((2, 3)))


@pytest.mark.parametrize("halves", [0, 3, 7, 11])
def test_a_sharp_band_holds_the_waves_whose_frequency_is_in_it(halves):
    x = cosine(20, halves).expand(1, 2, -1)
    for low, high in ((0.0, 0.05), (0.05, 0.15), (0.15, 0.25), (0.25, None)):
        inside = low <= halves / 40 < (high or 1)
        torch.testing.assert_close(SeriesBand(low, high).filter(x), x if inside else torch.zeros_like(x))


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (4, 0), (3, 4)])
def test_a_wave_at_the_edge_of_a_smooth_band_has_half_of_its_amplitude_in_any_direction(rows, columns):
    x = (cosine(10, rows)[:, None] * cosine(10, columns)).expand(1, 1, 10, 10)
    edge = math.hypot(rows, columns) / 20
    torch.testing.assert_close(FrequencyBand(high=edge).filter(x), x / 2)


def test_a_smooth_low_band_is_a_gaussian_blur():
    """With the standard deviation `(ln 2 / 2)^½ / (π · edge)`; SciPy samples the kernel and cuts it off at 8 σ."""
    x, edge = torch.rand(1, 2, 20, 24, dtype=torch.float64), 0.1
    sigma = math.sqrt(math.log(2) / 2) / (math.pi * edge)
    blurred = gaussian_filter(x.numpy(), sigma, mode="reflect", truncate=8.0, axes=(2, 3))
    np.testing.assert_allclose(FrequencyBand(high=edge).filter(x), blurred, rtol=0, atol=1e-6)


def test_an_insertion_exchanges_the_band_only():
    first, second, third = cosine(20, 1), cosine(20, 7), cosine(20, 15)
    x, host = (first + second).expand(1, 1, -1), (2 * first + 3 * third).expand(1, 1, -1)
    band = SeriesBand(0.1, 0.3)
    torch.testing.assert_close(
        band.combine(band.select(x).values, host), (2 * first + second + 3 * third).expand(1, 1, -1)
    )


def test_removal_by_the_mean_leaves_the_other_frequencies_and_the_mean():
    first, second = cosine(20, 1), cosine(20, 9)
    x = (5 + first + second / 4).expand(1, 1, -1)
    for band, expected in ((SeriesBand(0.1), 5 + first), (SeriesBand(high=0.1), 5 + second / 4)):
        result = band.remove(x, band.select(x), "mean")
        torch.testing.assert_close(result, expected.expand_as(x))


def test_the_rate_is_the_unit_of_frequencies():
    x = torch.rand(1, 2, 50, dtype=torch.float64)
    torch.testing.assert_close(SeriesBand(5, 20, rate=100).filter(x), SeriesBand(0.05, 0.2).filter(x))


def test_results_are_in_the_range_of_sample_and_host():
    step = (torch.arange(40.0) > 20).expand(1, 1, -1)
    x, host = step.double(), 1 - step.double()
    band = SeriesBand(low=0.1)
    unclipped = band.combine(band.select(x).values, host)
    assert float(unclipped.max()) > 1
    result = band.insert(x, band.select(x), host)
    torch.testing.assert_close(result, unclipped.clamp(0, 1))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: FrequencyBand(low=-0.1),
        lambda: FrequencyBand(low=0.3, high=0.2),
        lambda: FrequencyBand(high=0.0),
        lambda: FrequencyBand(low=float("nan")),
        lambda: SeriesBand(rate=0.0),
    ],
)
def test_frequencies_that_are_no_band_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


@pytest.mark.parametrize("part", [SeriesBand(low=45.0, high=55.0), FrequencyBand(low=10.0)])
def test_a_band_beyond_the_highest_frequency_is_refused(part: SeriesBand | FrequencyBand) -> None:
    x = torch.rand(1, 1, 8) if isinstance(part, SeriesBand) else torch.rand(1, 1, 8, 8)
    with pytest.raises(InputError, match=r"the highest frequency of samples .* is 0\.[57].*give frequencies"):
        part.select(x)
