"""Relevance of frequencies: matrices in NumPy, a layer that is really there, and models of known frequencies."""

import numpy as np
import pytest
import torch
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.attributors.inspection import DFT, STFT, Inspection
from whyset.attribution.composites import (
    AttnLRP,
    EpsilonAlpha2Beta1,
    EpsilonPlus,
    EpsilonPlusFlat,
    GuidedBackprop,
)
from whyset.errors import InputError

TRANSFORMS = [DFT(), STFT(8), STFT(9, 3), STFT(6, 6, "rectangular"), STFT(10, 4, "hamming"), STFT(64)]
COMPOSITES = [EpsilonPlus(), EpsilonAlpha2Beta1(), AttnLRP()]
everywhere = pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)


def make(length):
    torch.manual_seed(0)
    layers = [nn.Conv1d(2, 4, 3, padding=1), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.MaxPool1d(2), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(4 * (length // 2), 3)).double().eval()
    return model, torch.randn(3, 2, length, dtype=torch.float64)


def windows_in_numpy(transform, length):
    """The window of each frame at each position, (frames, T)."""
    n = np.arange(transform.n_fft)
    shape = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "rectangular": (1, 0)}[transform.window]
    window = shape[0] - shape[1] * np.cos(2 * np.pi * n / transform.n_fft)
    hop = transform.hop_length or max(1, transform.n_fft // 4)
    centers = range(0, length + hop - 1, hop) if length > 1 else [0]
    found = np.zeros((len(centers), length))
    for m, center in enumerate(centers):
        for t in range(length):
            inside = t - center + transform.n_fft // 2
            found[m, t] = window[inside] if 0 <= inside < transform.n_fft else 0
    return found


def synthesis_matrix(transform, length):
    """The inverse transform as a matrix (T, frames, frequencies, 2) of cosine and sine parts, and the forward one."""
    if isinstance(transform, DFT):
        windows, size, begins = np.ones((1, length)), length, [0]
    else:
        windows, size = windows_in_numpy(transform, length), transform.n_fft
        begins = [m * transform.hop - size // 2 for m in range(len(windows))]
    inverse = np.zeros((length, len(windows), size // 2 + 1, 2))
    forward = np.zeros_like(inverse)
    for t in range(length):
        for m, begin in enumerate(begins):
            if not 0 <= t - begin < size:
                continue
            for k in range(size // 2 + 1):
                angle = 2 * np.pi * k * (t - begin) / size
                twice = 1 if k == 0 or 2 * k == size else 2
                wave = np.array([np.cos(angle), -np.sin(angle)])
                forward[t, m, k] = windows[m, t] * wave
                inverse[t, m, k] = twice / size * wave / windows[:, t].sum()
    return forward, inverse


@pytest.mark.parametrize("length", [1, 2, 7, 12, 30])
@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_a_contribution_gets_its_relevance_by_the_matrix_of_the_inverse_transform(transform, length):
    torch.manual_seed(0)
    x, c = torch.randn(2, length, dtype=torch.float64)
    forward, inverse = synthesis_matrix(transform, length)
    spectrum = np.einsum("tmkp,t->mkp", forward, x)
    np.testing.assert_allclose(np.einsum("tmkp,mkp->t", inverse, spectrum), x, rtol=1e-9, atol=1e-12)  # it is inverse
    expected = (spectrum * np.einsum("tmkp,t->mkp", inverse, c)).sum(-1)
    found = transform.distribute(x, c)
    expected = expected[0] if isinstance(transform, DFT) else expected.T
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@everywhere
@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_the_sum_over_frequencies_is_the_relevance_of_each_channel(composite, transform):
    model, x = make(21)
    output, found = Inspection(model, composite, transform=transform)(x, 1)
    expected_output, relevance = Gradient(model, composite)(x, 1)
    torch.testing.assert_close(output, expected_output, rtol=0, atol=0)
    torch.testing.assert_close(found.flatten(2).sum(2), relevance.sum(2), rtol=1e-9, atol=1e-12)


class Spectral(nn.Module):
    """The virtual layer made real: a model of the spectrum (n, channels, frequencies, 2)."""

    def __init__(self, model, length):
        super().__init__()
        self.model, self.length = model, length

    def forward(self, parts):
        return self.model(torch.fft.irfft(torch.view_as_complex(parts), n=self.length))


@everywhere
@pytest.mark.parametrize("length", [20, 21])
def test_a_real_inverse_transform_in_front_of_the_model_has_the_same_relevance(composite, length):
    model, x = make(length)
    parts = torch.view_as_real(torch.fft.rfft(x)).contiguous()
    _, expected = Gradient(Spectral(model, length), composite)(parts, 2)
    torch.testing.assert_close(Inspection(model, composite)(x, 2)[1], expected.sum(-1), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("transform", [DFT(), STFT(16, 4), STFT(16, 16, "rectangular")], ids=repr)
def test_a_model_that_reads_one_frequency_has_all_relevance_there(transform):
    """It computes the cosine part of frequency 3 of 16; the input has all frequencies."""
    model = nn.Linear(48, 1, bias=False).double()
    model.weight.data[0] = torch.cos(2 * torch.pi * 3 * torch.arange(48).double() / 16)
    x = torch.randn(5, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    output, found = Inspection(model, AttnLRP(), transform=transform)(x, 0)
    own = 9 if isinstance(transform, DFT) else 3
    if transform == STFT(16, 4):  # sums of these windows are constant inside, but not at the border
        found = found[..., 4:9]
        assert found.abs().sum((0, 2)).argmax() == own
        rest = torch.cat([found[:, :own], found[:, own + 1 :]], 1)
        torch.testing.assert_close(rest, torch.zeros_like(rest), rtol=0, atol=1e-10)
        return
    per_frequency = found if isinstance(transform, DFT) else found[..., 1:-1].sum(-1)
    rest = torch.cat([per_frequency[:, :own], per_frequency[:, own + 1 :]], 1)
    torch.testing.assert_close(rest, torch.zeros_like(rest), rtol=0, atol=1e-10)
    if isinstance(transform, DFT):
        torch.testing.assert_close(per_frequency[:, own], output[:, 0])


class Normalized(nn.Module):
    """Models whose first operations are those of inputs: a normalizer of each sample, a squashing function, a view."""

    def __init__(self, start):
        super().__init__()
        torch.manual_seed(0)
        self.start, self.head = start, nn.Linear(24, 3)

    def forward(self, x):
        return self.head(torch.relu(self.start(x)).flatten(1))


STARTS = {
    "standardized": lambda x: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True),
    "unit length": lambda x: nn.functional.normalize(x, dim=-1),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "layer norm": lambda x: nn.functional.layer_norm(x, x.shape[-1:]),
    "in place": lambda x: x.mul_(2.0).add_(0.5),
    "transposed": lambda x: x.mT.contiguous(),
}


@pytest.mark.parametrize("start", STARTS)
def test_input_times_coefficient_is_the_relevance_of_positions_for_every_start_of_a_model(start):
    """The virtual layer is no constant, offset or scale that would change the treatment of what comes after it."""
    model, x = Normalized(STARTS[start]).double().eval(), torch.randn(3, 2, 12, dtype=torch.float64)
    before = x.clone()
    found = Inspection(model, EpsilonPlus(), transform=STFT(2, 1, "rectangular"))(x, 1)[1]
    expected = Gradient(model, EpsilonPlus())(x, 1)[1]
    assert torch.equal(x, before)
    torch.testing.assert_close(found.sum((2, 3)), expected.sum(2), rtol=1e-9, atol=1e-12)


def test_a_silent_position_has_relevance_of_frequencies_that_cancel_there():
    """At x_t = 0 the contributions of the frequencies cancel; relevance by position would lose each of them."""
    model = nn.Linear(4, 1, bias=False).double()
    model.weight.data[:] = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    x = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).double()  # frequencies 0 and 2, which cancel at position 1
    found = Inspection(model, AttnLRP())(x, 0)[1]
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.0, -0.5]]).double())


def test_batches_targets_and_types():
    model, x = make(20)
    attribute = Inspection(model, transform=STFT(8))
    together = attribute(x, targets=[0, 2])[1]
    assert together.shape == (2, 3, 2, 5, 11)
    torch.testing.assert_close(together[1, :1], attribute(x[:1], 2)[1], rtol=1e-9, atol=1e-12)
    single = Inspection(model.float(), transform=STFT(8))(x.float(), 2)[1]
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), together[1], rtol=1e-2, atol=1e-4)
    assert not torch.is_grad_enabled() or not single.requires_grad


MISTAKES = {
    "a gradient": (lambda: Inspection(make(8)[0], "gradient"), "neither a gradient nor Flat"),
    "a changed gradient": (lambda: Inspection(make(8)[0], GuidedBackprop()), "neither a gradient nor Flat"),
    "Flat": (lambda: Inspection(make(8)[0], EpsilonPlusFlat()), "neither a gradient nor Flat"),
    "a name of a transform": (lambda: Inspection(make(8)[0], transform="dft"), "expected DFT()"),
    "a window": (lambda: STFT(8, window="box"), "expected one of 'hann'"),
    "no frame": (lambda: STFT(1), "expected a whole number of at least 2"),
    "hops that leave gaps": (lambda: STFT(8, 12), "do not cover every position"),
    "windows that are zero at their ends": (lambda: STFT(8, 8), "do not cover every position: expected at most 4"),
    "ids": (lambda: Inspection(make(8)[0])(torch.zeros(2, 8, dtype=torch.int64)), "floating point"),
    "no positions": (lambda: Inspection(make(8)[0])(torch.zeros(4).double()), r"expected inputs \(n, ..., positions\)"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_an_error_that_names_the_remedy(case):
    act, message = MISTAKES[case]
    with pytest.raises(InputError, match=message):
        act()
