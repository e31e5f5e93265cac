"""Amplitudes and phases: those of the result by NumPy, and known cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
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


@pytest.mark.parametrize("part", [Amplitude(), Phase()])
@pytest.mark.parametrize("kind", ["constant", "enlarged", "mirrored"])
def test_rounding_has_no_phase(part: Amplitude | Phase, kind: str) -> None:
    """Coefficients that are 0 give the same result in both precisions, and for pixels and normalized inputs."""
    generator = torch.Generator().manual_seed(0)
    host = torch.rand(1, 1, 16, 16, generator=generator, dtype=torch.float64)
    small = torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    x = {
        "constant": torch.full_like(host, 0.3),
        "enlarged": small.repeat_interleave(2, 2).repeat_interleave(2, 3),
        "mirrored": torch.cat([torch.cat([small, small.flip(2)], 2), torch.cat([small, small.flip(2)], 2).flip(3)], 3),
    }[kind]
    for source, target in ((x, host), (host, x)):
        exact = part.insert(source, part.select(source), target)
        single = part.insert(source.float(), part.select(source.float()), target.float())
        torch.testing.assert_close(single.double(), exact, rtol=0, atol=1e-4)
        normalized = [(value - 0.45) / 0.25 for value in (source, target)]
        found = part.insert(normalized[0], part.select(normalized[0]), normalized[1])
        torch.testing.assert_close(found * 0.25 + 0.45, exact, rtol=0, atol=1e-4)


def test_phases_are_no_amplitudes() -> None:
    x = torch.rand(1, 1, 4, 4)
    with pytest.raises(InputError, match="expected evidence of real amplitudes"):
        Amplitude().insert(x, Phase().select(x), x)
    with pytest.raises(InputError, match="expected evidence of complex phases"):
        Phase().insert(x, Amplitude().select(x), x)
