"""Virtual inspection layers: relevance of a series by frequency, or by frequency and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyset.arguments import whole_number
from whyset.attribution.attributors.gradient import Gradient
from whyset.attribution.attributors.inputs import require_tensor
from whyset.attribution.composites import Composite, as_composite
from whyset.attribution.intercept.autograd import at_least_float32
from whyset.attribution.targets import Target
from whyset.errors import InputError
from whyset.printable import short_repr

WindowName = Literal["hann", "hamming", "rectangular"]
WINDOWS = ("hann", "hamming", "rectangular")


@dataclass(frozen=True)
class DFT:
    """The discrete Fourier transform over the last axis, T positions: frequencies `k / T` for k from 0 to T // 2.

    The inverse transform writes the input as a sum of contributions of frequencies, `x_t = Σ_k h_k(t)`; that of k gets
    the relevance `R_k = Σ_t h_k(t) c_t = w_k/T · Re(X_k conj(C_k))`, with the transforms X and C of x and of the
    coefficient c, and w_k = 2 for a frequency that has a conjugate one, else 1 (Vielhaben 2024).
    """

    def distribute(self, x: Tensor, c: Tensor) -> Tensor:
        """Return the relevance of the frequencies, (..., T // 2 + 1)."""
        return _multiply(torch.fft.rfft(x), torch.fft.rfft(c), x.shape[-1])


@dataclass(frozen=True)
class STFT:
    """The short-time Fourier transform over the last axis: frames of `n_fft` positions around every `hop_length`-th.

    Frame m is the input times the window u_m around position `m · hop_length`, with zeros outside of the input. The
    inverse transform adds the frames, each computed from its spectrum, and divides by the windows:
    `x_t = Σ_m Σ_k h_mk(t) / Σ_m u_m(t)`. Frequency k of frame m gets the relevance of its part (Vielhaben 2024).

    Parameters
    ----------
    n_fft : int, default 256
        The length of a frame, at least 2; frequencies are `k / n_fft` for k from 0 to n_fft // 2.
    hop_length : int, optional
        The distance of frames, at most `n_fft`; by default a quarter of `n_fft`, at least 1.
    window : {"hann", "hamming", "rectangular"}, default "hann"
        The window.

    Raises
    ------
    InputError
        A parameter is out of its range, or the windows do not cover all positions.
    """

    n_fft: int = 256
    hop_length: int | None = None
    window: WindowName = "hann"

    def __post_init__(self) -> None:
        whole_number("n_fft", self.n_fft, least=2)
        if self.hop_length is not None:
            whole_number("hop_length", self.hop_length, least=1)
        if self.window not in WINDOWS:
            raise InputError(f"window={self.window!r}: expected one of {', '.join(map(repr, WINDOWS))}")
        if not self._sum_windows(torch.zeros(4 * self.n_fft)).amin() > 0:
            raise InputError(
                f"hop_length={self.hop}: {self.window} windows of {self.n_fft} positions do not cover every position: "
                f"expected at most {self.n_fft // 2}"
            )

    @property
    def hop(self) -> int:
        """The distance of frames."""
        return max(1, self.n_fft // 4) if self.hop_length is None else self.hop_length

    def distribute(self, x: Tensor, c: Tensor) -> Tensor:
        """Return the relevance of frequencies and frames, (..., n_fft // 2 + 1, frames)."""
        spectrum = torch.fft.rfft(self._cut(x) * self._make_window(x))
        coefficients = torch.fft.rfft(self._cut(c / self._sum_windows(x)))
        return _multiply(spectrum, coefficients, self.n_fft).mT

    def _make_window(self, like: Tensor) -> Tensor:
        if self.window == "rectangular":
            return like.new_ones(self.n_fft)
        make = torch.hann_window if self.window == "hann" else torch.hamming_window
        return make(self.n_fft, dtype=like.dtype, device=like.device)

    def _cut(self, x: Tensor) -> Tensor:
        """Return the frames of a tensor (..., frames, n_fft); frame m is centered at position m · hop."""
        frames = 1 + -(-(x.shape[-1] - 1) // self.hop)
        before = self.n_fft // 2
        after = (frames - 1) * self.hop + self.n_fft - before - x.shape[-1]
        return F.pad(x, (before, after)).unfold(-1, self.n_fft, self.hop)

    def _sum_windows(self, x: Tensor) -> Tensor:
        """Return the sum of the windows at each position, (T,)."""
        positions = torch.arange(1, x.shape[-1] + 1, device=x.device, dtype=x.dtype)
        frames = self._cut(positions).long()
        sums = x.new_zeros(x.shape[-1] + 1)  # the first one is that of positions outside of the input
        return sums.index_add(0, frames.flatten(), self._make_window(x).expand(frames.shape).flatten())[1:]


Transform = DFT | STFT


def _multiply(spectrum: Tensor, coefficients: Tensor, length: int) -> Tensor:
    """Return `w_k/N · Re(X_k conj(C_k))` of two half spectra of real signals of N positions."""
    weights = torch.full((spectrum.shape[-1],), 2.0 / length, dtype=spectrum.real.dtype, device=spectrum.device)
    weights[0] = 1 / length
    if length % 2 == 0:
        weights[-1] = 1 / length
    return weights * (spectrum * coefficients.conj()).real


class Inspection:
    """Explain by relevance of frequencies: the input as the inverse Fourier transform of its spectrum (Vielhaben 2024).

    A virtual layer in front of the model, the identity, computes the input from its spectrum. Relevance is propagated
    through this layer exactly, without a stabilizer: its sum over the frequencies is its sum over the positions.

    Parameters
    ----------
    model : torch.nn.Module
        The model of inputs (n, ..., T), in evaluation mode.
    composite : Composite or str, default "epsilon_plus"
        The rules: an instance or a name of `COMPOSITES`. Rules such as Flat, which give relevance to inputs whatever
        their values, are refused: that relevance has no spectrum.
    transform : DFT or STFT, optional
        The transform over the last axis; by default that of the whole series, `DFT()`.

    Raises
    ------
    InputError
        The composite is unknown, gives a gradient, or has a rule that gives relevance whatever the inputs are.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(2, 3, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 28, 2)).eval()
    >>> x = torch.randn(4, 2, 32)
    >>> Inspection(model)(x, target=1)[1].shape
    torch.Size([4, 2, 17])
    >>> Inspection(model, transform=STFT(n_fft=8))(x, target=1)[1].shape
    torch.Size([4, 2, 5, 17])
    """

    def __init__(
        self, model: nn.Module, composite: Composite | str = "epsilon_plus", *, transform: Transform | None = None
    ) -> None:
        if not isinstance(transform, DFT | STFT | None):
            raise InputError(f"transform: expected DFT() or STFT(...), got {transform!r}")
        found = as_composite(composite)
        if found is None or not found.multiply_by_input or found.needs_twin:
            raise InputError(
                f"composite={composite!r}: expected rules whose relevance is the input times a coefficient, such as "
                "epsilon_plus or attn_lrp, and neither a gradient nor Flat, WSquare or ZBox"
            )
        self.model, self.transform = model, DFT() if transform is None else transform
        self._gradient = Gradient(_Shifted(model), found)

    def __repr__(self) -> str:
        parts: dict[str, Any] = {"model": type(self.model).__name__, "composite": self._gradient.composite}
        return short_repr(type(self).__name__, parts | {"transform": self.transform})

    def __call__(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the output of the model and the relevance of frequencies.

        Parameters
        ----------
        x : Tensor
            The input (n, ..., T), floating point.
        target : int, sequence of int, Tensor, callable, Contrast or another such target, optional
            What is explained, as in `Gradient.__call__`; by default the largest output of each sample.
        targets : sequence, optional
            Several targets in place of `target`; they share one forward pass.

        Returns
        -------
        output : Tensor
            The output of the model for `x`.
        relevance : Tensor
            The relevance of frequencies (n, ..., T // 2 + 1), or with an STFT (n, ..., n_fft // 2 + 1, frames); with
            several `targets` (targets, n, ...).

        Raises
        ------
        InputError
            The target does not fit the output, or x is not one floating point tensor with positions.
        """
        output, _, found = self.explain_both(x, target, targets=targets)
        return output, found

    def explain_both(
        self, x: Tensor, target: Target = None, *, targets: Sequence[Target] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the output, the relevance of positions (n, ..., T), and that of frequencies, from one pass.

        The parameters are those of a call, and so are the errors.
        """
        require_tensor(x, type(self).__name__, floating=True)
        if x.dim() < 2 or not x.shape[-1]:
            raise InputError(f"x: expected inputs (n, ..., positions), got a tensor of shape {tuple(x.shape)}")
        ones = torch.ones_like(x)
        output, (relevance, coefficient, _) = self._gradient((x, ones, ones), target, targets=targets)
        x, coefficient = at_least_float32(x.detach()), at_least_float32(coefficient)
        return output, relevance, self.transform.distribute(x, coefficient)


class _Shifted(nn.Module):
    """A model of `x + (one − other)`: for inputs of 1 this is x, and the relevance of `one` is the coefficient at x."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training  # not `train`, which would change the mode of its parts

    def forward(self, x: Tensor, one: Tensor, other: Tensor) -> Any:
        return self.model(x + (one - other))
