"""Amplitudes and phases: those of the result by NumPy, and known cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.interventions import Amplitude, Phase


@given(seed=st.integers(0, 10**6), height=st.integers(2, 7), width=st.integers(2, 7))
def test_the_result_has_the_amplitudes_of_one_and_the_phases_of_the_other(seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    x, host = torch.randn(2, 2, 1, height, width, dtype=torch.float64, generator=generator)
    for intervention, amplitudes, phases in ((Amplitude(), x, host), (Phase(), host, x)):
        result = intervention.combine(intervention.select(x).values, host)
        found, of_amplitudes, of_phases = (np.fft.fft2(y.numpy()) for y in (result, amplitudes, phases))
        zero = found[..., 0, 0].copy()
        for spectrum in (found, of_amplitudes, of_phases):
            spectrum[..., 0, 0] = 0
        expected = np.abs(of_amplitudes) * np.exp(1j * np.angle(of_phases))
        np.testing.assert_allclose(found, expected, atol=1e-9)
        np.testing.assert_allclose(zero, amplitudes.sum((2, 3)), atol=1e-9)  # the mean belongs to the amplitudes


def test_the_amplitudes_of_a_shifted_sample_are_its_own():
    x = torch.rand(1, 2, 7, 8, dtype=torch.float64)
    shifted = x.roll((2, 3), (2, 3))
    torch.testing.assert_close(Amplitude().insert(shifted, Amplitude().select(shifted), x), x)
    torch.testing.assert_close(Phase().combine(Phase().select(shifted).values, x), shifted)


@pytest.mark.parametrize("kind", [Amplitude, Phase])
def test_constant_samples_and_hosts_give_finite_values(kind):
    x, constant = torch.rand(1, 1, 6, 6), torch.full((1, 1, 6, 6), 0.5)
    for sample, host in ((x, constant), (constant, x), (constant, constant)):
        assert kind().insert(sample, kind().select(sample), host).isfinite().all()
