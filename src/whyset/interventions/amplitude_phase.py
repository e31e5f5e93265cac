"""The amplitudes or the phases of all Fourier coefficients."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from whyset.errors import InputError
from whyset.interventions.checks import to_single
from whyset.interventions.fourier import compose, get_directions, index_zero, transform
from whyset.interventions.statistics import StatisticIntervention


@dataclass(frozen=True)
class Amplitude(StatisticIntervention):
    """The amplitudes of all Fourier coefficients, and the mean: `F⁻¹(|F(x)| · F(host) / |F(host)|)` (Yang 2020).

    Amplitudes describe textures and colors, phases where edges are (Oppenheim 1981). Yang and Soatto exchange only
    those of low frequencies, here all are exchanged. The mean belongs to the amplitudes, with its sign.

    Examples
    --------
    >>> import torch
    >>> x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    >>> torch.allclose(Amplitude().insert(x, Amplitude().select(x), x), x)
    True
    """

    name: ClassVar[str] = "amplitude"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume", "series")
    null_text: ClassVar[str] = "the amplitudes of a sample of another class"

    def measure(self, x: Tensor) -> Tensor:
        """Return the amplitudes (n, C, ...); in place of that of frequency 0, the mean."""
        amplitudes = transform(x).abs()
        amplitudes[index_zero(amplitudes)] = to_single(x).flatten(2).mean(2)
        return amplitudes

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with these amplitudes."""
        _require_kind(values, complex_numbers=False, user="Amplitude")
        return compose(values, get_directions(transform(host)), values[index_zero(values)], host)


@dataclass(frozen=True)
class Phase(StatisticIntervention):
    """The phases of all Fourier coefficients: `F⁻¹(|F(host)| · F(x) / |F(x)|)`, with the mean of the host.

    Phases describe where edges are, and so the shapes (Oppenheim 1981).

    Examples
    --------
    >>> import torch
    >>> x = torch.rand(2, 3, 8, 6, dtype=torch.float64)
    >>> torch.allclose(Phase().insert(x, Phase().select(x), x), x)
    True
    """

    name: ClassVar[str] = "phase"
    modalities: ClassVar[tuple[str, ...]] = ("image", "volume", "series")
    null_text: ClassVar[str] = "the phases of a sample of another class"

    def measure(self, x: Tensor) -> Tensor:
        """Return the directions `F / |F|` of the coefficients (n, C, ...), complex numbers of absolute value 1."""
        return get_directions(transform(x))

    def combine(self, values: Tensor, host: Tensor) -> Tensor:
        """Return the hosts with these phases."""
        _require_kind(values, complex_numbers=True, user="Phase")
        return compose(transform(host).abs(), values, to_single(host).flatten(2).mean(2), host)


def _require_kind(values: Tensor, *, complex_numbers: bool, user: str) -> None:
    if values.is_complex() != complex_numbers:
        expected = "complex phases" if complex_numbers else "real amplitudes"
        raise InputError(
            f"{user}: expected evidence of {expected}, got {values.dtype}: pass what {user}.select returns"
        )
