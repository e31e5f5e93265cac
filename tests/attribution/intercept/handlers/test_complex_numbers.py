"""Complex numbers are explained as the same functions written with real numbers; the DFT as its two real matrices."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import CPLRP, AttnLRP, EpsilonPlus, EpsilonPlusFlat, GuidedBackprop
from whyset.errors import InputError, UnknownOperationError

LRP_0 = [AttnLRP(on_unknown="raise"), CPLRP(on_unknown="raise")]
COMPOSITES = [*LRP_0, EpsilonPlus(on_unknown="raise"), EpsilonPlusFlat(on_unknown="raise")]
every_composite = pytest.mark.parametrize("composite", COMPOSITES, ids=lambda c: type(c).__name__)


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def explain(function, x, composite):
    """The output and the relevance of x; its ledger closes."""
    attribute = Gradient(function if isinstance(function, nn.Module) else Calls(function), composite)
    with attribute.ledger() as ledger:
        output, relevance = attribute(x, lambda output: output)
    ledger.assert_accounted()
    return output, relevance


def assert_same(first, second, x, composite):
    output, relevance = explain(first, x, composite)
    expected_output, expected = explain(second, x, composite)
    torch.testing.assert_close(output, expected_output, rtol=1e-10, atol=1e-12)
    scale = float(expected.abs().max())
    torch.testing.assert_close(relevance, expected, rtol=1e-10, atol=1e-10 * scale)
    assert scale > 0


def dft(re, im, dim=-1, sign=-1):
    """The discrete Fourier transform of `re + i im` as products with two real matrices."""
    n = re.shape[dim]
    angle = sign * 2 * math.pi * torch.arange(n).outer(torch.arange(n)).double() / n
    re, im = re.movedim(dim, -1), im.movedim(dim, -1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return (re @ cos - im @ sin).movedim(-1, dim), (re @ sin + im @ cos).movedim(-1, dim)


def inverse(re, im, dim=-1):
    re, im = dft(re, im, dim, sign=1)
    return re / re.shape[dim], im / im.shape[dim]


def hermitian(re, im, n):
    """The whole spectrum of a real signal of length n from its first half, along the last axis."""
    rest = slice(1, (n + 1) // 2)
    keep = torch.ones(re.shape[-1]).double()
    keep[0] = 0
    keep[n // 2 :] = keep[n // 2 :] if n % 2 else 0
    im = im * keep  # the imaginary parts of the mean and of the highest frequency have no effect
    return torch.cat([re, re[..., rest].flip(-1)], -1), torch.cat([im, -im[..., rest].flip(-1)], -1)


def stacked(re, im):
    return torch.stack([re, im], -1)


def as_real(function):
    return lambda x: torch.view_as_real(function(torch.complex(x[..., 0], x[..., 1])))


def by_parts(function):
    return lambda x: stacked(*function(x[..., 0], x[..., 1]))


def two(function):
    """A transform of the last two axes."""
    return lambda re, im: function(*function(re, im), dim=-2)


N = 7
TRANSFORMS = {
    "fft": (as_real(torch.fft.fft), by_parts(dft)),
    "ifft": (as_real(torch.fft.ifft), by_parts(inverse)),
    "fft2": (as_real(torch.fft.fft2), by_parts(two(dft))),
    "ifft2": (as_real(torch.fft.ifft2), by_parts(two(inverse))),
    "fftn": (as_real(lambda z: torch.fft.fftn(z, dim=(-2, -1))), by_parts(two(dft))),
    "ifftn": (as_real(lambda z: torch.fft.ifftn(z, dim=(-2, -1))), by_parts(two(inverse))),
    "rfft": (
        lambda x: torch.view_as_real(torch.fft.rfft(x[..., 0])),
        lambda x: stacked(*dft(x[..., 0], torch.zeros_like(x[..., 0])))[..., : N // 2 + 1, :],
    ),
    "irfft, odd": (
        lambda x: torch.fft.irfft(torch.complex(x[..., 0], x[..., 1]), 2 * N - 1),
        lambda x: inverse(*hermitian(x[..., 0], x[..., 1], 2 * N - 1))[0],
    ),
    "irfft, even": (
        lambda x: torch.fft.irfft(torch.complex(x[..., 0], x[..., 1])),
        lambda x: inverse(*hermitian(x[..., 0], x[..., 1], 2 * N - 2))[0],
    ),
    "conj": (as_real(lambda z: z.conj().resolve_conj()), by_parts(lambda re, im: (re, -im))),
    "a constant factor": (
        as_real(lambda z: z * (2 - 3j)),
        by_parts(lambda re, im: (2 * re + 3 * im, 2 * im - 3 * re)),
    ),
    "a real number made complex": (
        lambda x: torch.view_as_real(x[..., 0].to(torch.complex128) * 1j),
        lambda x: stacked(0 * x[..., 0], x[..., 0]),
    ),
    "a magnitude with a constant angle": (
        lambda x: torch.view_as_real(torch.polar(x[..., 0].abs(), torch.full_like(x[..., 0], 0.7))),
        lambda x: stacked(x[..., 0].abs() * math.cos(0.7), x[..., 0].abs() * math.sin(0.7)),
    ),
    "a shift": (
        as_real(lambda z: torch.fft.fftshift(torch.fft.fft(z), -1)),
        by_parts(lambda re, im: [part.roll(N // 2, -1) for part in dft(re, im)]),
    ),
}


@pytest.mark.parametrize("composite", LRP_0, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_is_explained_as_its_real_matrices(name, composite):
    torch.manual_seed(0)
    assert_same(*TRANSFORMS[name], torch.randn(2, 5, N, 2).double(), composite)


@every_composite
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_linear_map_has_input_times_gradient_and_conserves(name, composite):
    torch.manual_seed(0)
    function, _ = TRANSFORMS[name]
    x = torch.randn(2, 5, N, 2).double().requires_grad_()
    output = function(x)
    (gradient,) = torch.autograd.grad(output, x, torch.ones_like(output))
    _, relevance = explain(function, x.detach(), composite)
    torch.testing.assert_close(relevance, (x * gradient).detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(relevance.sum(), output.detach().sum(), rtol=1e-10, atol=1e-12)


class FourierLayer(nn.Module):
    """A layer of a Fourier neural operator: linear in some frequencies, between linear layers of channels."""

    def __init__(self, written, channels=4, modes=3):
        super().__init__()
        self.written, self.modes = written, modes
        self.lift, self.head = nn.Linear(2, channels), nn.Linear(channels, 1)
        self.weight = nn.Parameter(torch.randn(channels, channels, modes, dtype=torch.complex64))
        self.skip = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        z = self.lift(x).transpose(1, 2)
        z = F.gelu((self.filter_by_matrices if self.written else self.filter)(z) + self.skip(z))
        return self.head(z.mean(2))

    def filter(self, z):
        spectrum = torch.fft.rfft(z)
        kept = torch.zeros_like(spectrum)
        kept[..., : self.modes] = torch.einsum("bix,iox->box", spectrum[..., : self.modes], self.weight)
        return torch.fft.irfft(kept, n=z.shape[-1])

    def filter_by_matrices(self, z):
        re, im = (part[..., : self.modes] for part in dft(z, torch.zeros_like(z)))
        a, b = self.weight.real, self.weight.imag

        def multiply(values, weight):
            return torch.einsum("bix,iox->box", values, weight)

        re, im = multiply(re, a) - multiply(im, b), multiply(re, b) + multiply(im, a)
        n = z.shape[-1]
        empty = n // 2 + 1 - self.modes
        return inverse(*hermitian(F.pad(re, (0, empty)), F.pad(im, (0, empty)), n))[0]


@pytest.mark.parametrize("composite", LRP_0, ids=lambda c: type(c).__name__)
def test_a_fourier_layer_is_explained_as_its_real_matrices(composite):
    torch.manual_seed(0)
    model = FourierLayer(False).double()
    model.weight = nn.Parameter(torch.randn(4, 4, 3, dtype=torch.complex128))
    written = FourierLayer(True).double()
    written.weight, written.lift, written.head, written.skip = model.weight, model.lift, model.head, model.skip
    assert_same(model, written, torch.randn(2, 9, 2).double(), composite)


@every_composite
def test_a_fourier_layer_is_accounted_for(composite):
    torch.manual_seed(0)
    model = FourierLayer(False).double()
    model.weight = nn.Parameter(torch.randn(4, 4, 3, dtype=torch.complex128))
    assert explain(model, torch.randn(2, 9, 2).double(), composite)[1].any()


class Rotary(nn.Module):
    """Attention with rotary positions, by complex numbers or by cosine and sine."""

    def __init__(self, by_complex):
        super().__init__()
        self.by_complex = by_complex
        self.query, self.key, self.value = (nn.Linear(6, 6) for _ in range(3))

    def forward(self, x):
        angle = torch.arange(x.shape[1]).outer(torch.tensor([1.0, 0.3, 0.1])).double()
        rotate = self.rotate_complex if self.by_complex else self.rotate
        q, k = rotate(self.query(x), angle), rotate(self.key(x), angle)
        return (torch.softmax(q @ k.mT, -1) @ self.value(x)).sum(1)

    def rotate_complex(self, x, angle):
        z = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(z * torch.polar(torch.ones_like(angle), angle)).flatten(-2)

    def rotate(self, x, angle):
        even, odd = x[..., ::2], x[..., 1::2]
        cos, sin = angle.cos(), angle.sin()
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


@every_composite
def test_rotary_positions_by_complex_numbers_are_those_by_real_numbers(composite):
    torch.manual_seed(0)
    model = Rotary(True).double()
    written = Rotary(False).double()
    written.load_state_dict(model.state_dict())
    assert_same(model, written, torch.randn(2, 4, 6).double(), composite)


def halves(x):
    a, b, c, d = x.chunk(4, 1)
    return torch.complex(a, b), torch.complex(c, d)


def of_complex(function):
    return lambda x: torch.view_as_real(function(*halves(x)))


def of_real(function):
    return lambda x: stacked(*function(*x.chunk(4, 1)))


def normalize(parts):
    return parts / torch.linalg.vector_norm(parts, dim=-1, keepdim=True)


SECOND = torch.randn(3, 2, generator=torch.Generator().manual_seed(1)).double()
FUNCTIONS = {
    "product": (
        of_complex(lambda z, w: z * w),
        of_real(lambda a, b, c, d: (a * c - b * d, a * d + b * c)),
    ),
    "product with a conjugate": (
        of_complex(lambda z, w: z * w.conj()),
        of_real(lambda a, b, c, d: (a * c + b * d, b * c - a * d)),
    ),
    "matrix product": (
        of_complex(lambda z, w: z @ w.mT),
        of_real(lambda a, b, c, d: (a @ c.mT - b @ d.mT, a @ d.mT + b @ c.mT)),
    ),
    "real times complex": (
        lambda x: torch.view_as_real(x.chunk(4, 1)[0] * halves(x)[1]),
        of_real(lambda a, b, c, d: (a * c, a * d)),
    ),
    "magnitude": (lambda x: halves(x)[0].abs(), lambda x: torch.sqrt(x.chunk(4, 1)[0] ** 2 + x.chunk(4, 1)[1] ** 2)),
    "square of the magnitude": (
        lambda x: (halves(x)[0] * halves(x)[0].conj()).real,
        lambda x: x.chunk(4, 1)[0] ** 2 + x.chunk(4, 1)[1] ** 2,
    ),
    "power of the magnitude": (
        lambda x: halves(x)[0].abs() ** 2,
        lambda x: x.chunk(4, 1)[0] ** 2 + x.chunk(4, 1)[1] ** 2,
    ),
    "phase": (
        lambda x: torch.view_as_real(halves(x)[0] / halves(x)[0].abs()),
        lambda x: normalize(stacked(*x.chunk(4, 1)[:2])),
    ),
    "sum with a constant": (
        of_complex(lambda z, w: z + w + torch.complex(SECOND, SECOND)),
        of_real(lambda a, b, c, d: (a + c + SECOND, b + d + SECOND)),
    ),
}


@every_composite
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_complex_numbers_is_explained_as_that_of_their_parts(name, composite):
    torch.manual_seed(0)
    assert_same(*FUNCTIONS[name], torch.randn(3, 8).double(), composite)


@every_composite
@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"sum with a constant"}))
def test_a_homogeneous_function_conserves(name, composite):
    torch.manual_seed(0)
    output, relevance = explain(FUNCTIONS[name][0], torch.randn(3, 8).double(), composite)
    torch.testing.assert_close(relevance.sum(), output.sum(), rtol=1e-10, atol=1e-12)


def test_a_magnitude_of_zero_has_no_relevance():
    _, relevance = explain(lambda x: torch.complex(x, x).abs(), torch.tensor([[0.0, 1.0]]).double(), AttnLRP())
    assert relevance[0, 0] == 0
    assert relevance.isfinite().all()


@every_composite
def test_a_spectrogram_that_is_inverted_returns_each_value_its_relevance(composite):
    window = torch.hann_window(8).double()

    def back_and_forth(x):
        spectrogram = torch.stft(x, 8, hop_length=2, window=window, return_complex=True)
        return torch.istft(spectrogram, 8, hop_length=2, window=window, length=x.shape[-1])

    x = torch.randn(2, 32).double()
    _, relevance = explain(back_and_forth, x, composite)
    torch.testing.assert_close(relevance, x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("composite", LRP_0, ids=lambda c: type(c).__name__)
def test_a_spectrogram_is_explained_as_frames_times_real_matrices(composite):
    window = torch.hann_window(8).double()

    def spectrogram(x):
        return torch.stft(x, 8, 4, window=window, center=False, return_complex=True).abs()

    def written(x):
        frames = x.unfold(-1, 8, 4) * window
        re, im = (part[..., :5].mT for part in dft(frames, torch.zeros_like(frames)))
        return torch.sqrt(re**2 + im**2)

    assert_same(spectrogram, written, torch.randn(2, 32).double(), composite)


class ComplexLayer(nn.Module):
    """A linear layer with complex weights, or its real matrices."""

    def __init__(self, layer, written):
        super().__init__()
        self.layer, self.written = layer, written

    def forward(self, x):
        if not self.written:
            return torch.view_as_real(self.layer(torch.complex(*x.unbind(-1)))).flatten(1)
        (re, im), (a, b) = x.unbind(-1), (self.layer.weight.real, self.layer.weight.imag)
        bias = torch.view_as_real(self.layer.bias)
        return (stacked(F.linear(re, a) - F.linear(im, b), F.linear(re, b) + F.linear(im, a)) + bias).flatten(1)


@pytest.mark.parametrize("composite", LRP_0, ids=lambda c: type(c).__name__)
def test_a_layer_with_complex_weights_is_explained_as_its_real_matrices(composite):
    torch.manual_seed(0)
    layer = nn.Linear(3, 4, dtype=torch.complex128)
    assert_same(ComplexLayer(layer, False), ComplexLayer(layer, True), torch.randn(2, 3, 2).double(), composite)


def test_a_constant_imaginary_part_keeps_its_share():
    x, constant = torch.randn(2, 4).double(), torch.randn(4).double()
    attribute = Gradient(Calls(lambda x: (torch.complex(x, constant.expand_as(x)) * (1 + 2j)).real), AttnLRP())
    with attribute.ledger() as ledger:
        attribute(x, lambda output: output)
    assert ledger.lost()["constant"] == pytest.approx(-4 * float(constant.sum()), rel=1e-10)
    ledger.assert_accounted()


def test_the_bias_of_a_complex_convolution_is_booked_as_bias():
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3, padding=1, dtype=torch.complex128)
    x = torch.randn(2, 2, 5, 4).double()
    attribute = Gradient(Calls(lambda x: layer(torch.fft.fft(x)).real), EpsilonPlus())
    with attribute.ledger() as ledger:
        attribute(x, lambda output: output)
    expected = 2 * 5 * 4 * layer.bias.real.sum().item()
    assert ledger.lost()["bias"] == pytest.approx(expected, rel=1e-10)
    ledger.assert_accounted()


def scale(x):
    z = torch.fft.rfft(x)
    z *= 2 - 1j
    return torch.fft.irfft(z, n=8)


def remove_frequencies(x):
    z = torch.fft.rfft(x)
    z[..., 3:] = 0
    return torch.fft.irfft(z, n=8)


def scale_real_part(x):
    z = torch.fft.rfft(x)
    z.real.mul_(2)
    return torch.fft.irfft(z, n=8)


def scale_conjugate(x):
    z = torch.fft.rfft(x)
    z.conj().mul_(1 + 2j)
    return torch.fft.irfft(z, n=8)


def rotate_view(x):
    y = x * 1.0
    torch.view_as_complex(y.view(-1, 4, 2)).mul_(1j)
    return y


def scale_base(x):
    y = x * 1.0
    z = torch.view_as_complex(y.view(-1, 4, 2))
    y.mul_(2)
    return torch.view_as_real(z)


WRITES = [scale, remove_frequencies, scale_real_part, scale_conjugate, rotate_view, scale_base]


@every_composite
@pytest.mark.parametrize("function", WRITES)
def test_writes_into_complex_numbers_and_their_views_are_seen(function, composite):
    x = torch.randn(2, 8).double().requires_grad_()
    output = function(x)
    (gradient,) = torch.autograd.grad(output, x, torch.ones_like(output))
    explained, relevance = explain(function, x.detach(), composite)
    assert torch.equal(explained, output)
    torch.testing.assert_close(relevance, (x * gradient).detach(), rtol=1e-10, atol=1e-12)


REFUSED = {
    "angle": lambda z: z.angle(),
    "exp": lambda z: torch.exp(z).real,
    "pow": lambda z: (z**3).real,
    "tanh": lambda z: torch.tanh(z).real,
    "sgn": lambda z: torch.sgn(z).real,
    "softmax": lambda z: torch.softmax(z, 1).real,
    "reciprocal": lambda z: torch.reciprocal(z).real,
    "polar": lambda z: torch.polar(torch.ones_like(z.real), z.real).real,
    "linalg_eigvals": lambda z: torch.linalg.eigvals(z[:, None] * z[:, :, None]).real,
}


@every_composite
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_linear_in_complex_numbers_is_refused_by_name(name, composite):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Calls(REFUSED[name])

        def forward(self, x):
            return self.inner(torch.fft.fft(x))

    with pytest.raises(UnknownOperationError, match=rf"inner \(Calls\), {name}: '{name}' is not linear.*z\.real"):
        Gradient(Odd(), composite)(torch.randn(2, 4).double(), 0)


def test_a_complex_output_is_refused():
    with pytest.raises(InputError, match=r"output of the model is complex.*real or imaginary part"):
        Gradient(Calls(torch.fft.fft), AttnLRP())(torch.randn(2, 4), 0)


def test_a_complex_input_is_refused():
    x = torch.randn(2, 4, dtype=torch.complex64, requires_grad=True)
    with pytest.raises(InputError, match="view_as_real"), AttnLRP().context(model := Calls(torch.abs)):
        model(x)


def test_relevance_of_a_complex_layer_is_real_and_sums_to_the_output():
    torch.manual_seed(0)
    model = nn.Sequential(Calls(torch.fft.fft), Calls(lambda z: z * (1 + 2j)), Calls(torch.real))
    attribute = Gradient(model, AttnLRP())
    with attribute.record("0") as record:
        output, _ = attribute(torch.randn(2, 4).double(), lambda output: output)
    assert record["0"].activation.is_complex()
    torch.testing.assert_close(record["0"].relevance.sum(), output.sum())


def test_relevance_has_its_true_derivative():
    torch.manual_seed(0)
    model = FourierLayer(False).double()
    model.weight = nn.Parameter(torch.randn(4, 4, 3, dtype=torch.complex128))
    attribute = Gradient(model, EpsilonPlusFlat(), create_graph=True)
    x, direction = torch.randn(2, 9, 2).double(), torch.randn(2, 9, 2).double()

    def value(at):
        return (attribute(at, 0)[1] ** 2).sum()

    at, step = x.clone().requires_grad_(), 1e-5
    (slope,) = torch.autograd.grad(value(at), at)
    ends = [value((x + sign * step * direction).requires_grad_()).detach() for sign in (1, -1)]
    torch.testing.assert_close((slope * direction).sum(), (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-8)


def test_a_modified_gradient_passes_as_the_gradient():
    torch.manual_seed(0)
    model, x = FourierLayer(False), torch.randn(2, 9, 2, requires_grad=True)
    (expected,) = torch.autograd.grad(model(x)[:, 0].sum(), x)
    torch.testing.assert_close(Gradient(model, GuidedBackprop())(x, 0)[1], expected)  # it has no ReLU


def test_single_precision_stays_single_precision():
    torch.manual_seed(0)
    output, relevance = Gradient(FourierLayer(False), EpsilonPlus())(torch.randn(2, 9, 2), 0)
    assert output.dtype == relevance.dtype == torch.float32
    assert relevance.isfinite().all()


@every_composite
@pytest.mark.parametrize("function", [torch.baddbmm, torch.addbmm], ids=lambda f: f.__name__)
def test_the_summand_of_a_product_of_complex_matrices_is_not_a_factor(function, composite):
    torch.manual_seed(0)

    def fused(z):
        return function(z if function is torch.baddbmm else z[0], z * 2, z.mT)

    def written(z):
        product = (z * 2) @ z.mT
        return z + product if function is torch.baddbmm else z[0] + product.sum(0)

    x = torch.randn(2, 3, 3, 2).double()
    assert_same(as_real(fused), as_real(written), x, composite)
