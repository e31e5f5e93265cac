"""The ledger closes: every share of relevance that does not arrive has a cause, by formula."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Cause, Gradient, Ledger
from whyset.attribution.composites import (
    CPLRP,
    AttnLRP,
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    GuidedBackprop,
    LayerMapComposite,
    NameMapComposite,
)
from whyset.attribution.intercept.flow import total
from whyset.attribution.rules import AlphaBeta, Epsilon, Flat, Gamma, WSquare, ZBox, ZPlus
from whyset.errors import InputError


def test_a_ledger_of_sums_has_the_same_losses_without_sizes():
    """The losses by cause, what arrives at each operation and at the input, are those of the whole ledger."""
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    attribute = Gradient(Residual().eval(), EpsilonPlus())
    with attribute.ledger() as whole:
        attribute(x, target=1)
    with attribute.ledger(sizes=False) as sums:
        attribute(x, target=1)
    assert (sums.output, sums.scale, sums.arrived, sums.lost()) == (
        whole.output,
        whole.scale,
        whole.arrived,
        whole.lost(),
    )
    for mine, theirs in zip(sums.rows, whole.rows, strict=True):
        assert (mine.relevance_in, mine.relevance_out, mine.causes) == (
            theirs.relevance_in,
            theirs.relevance_out,
            theirs.causes,
        )
        assert (mine.largest_in, mine.largest_out, mine.largest_gradient, mine.rounding) == (0, 0, 0, 0)
    assert (sums.largest, sums.largest_gradient) == (0, 0)
    assert whole.largest > 0


def test_zero_times_infinity_is_no_relevance():
    """A masked score of attention: the sum is that of the other products."""
    a, b = torch.tensor([0.0, 2.0, -0.0]), torch.tensor([torch.inf, 3.0, -torch.inf])
    assert total(a, b) == total(b, a) == 6.0
    assert total(torch.zeros(2), -torch.ones(2)) == 0.0
    assert total(torch.tensor([1.0, 1e-30]), torch.tensor([1.0, 1e-20])) == 1.0 + 1e-30 * 1e-20


class Residual(nn.Module):
    """A small residual network with batch norm, in-place calls and a plain `+=`."""

    def __init__(self, bias=True):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.conv, self.last = (
            nn.Conv2d(3, 6, 3, padding=1, bias=bias),
            nn.Conv2d(6, 6, 3, padding=1, bias=bias),
            nn.Linear(6, 4, bias=bias),
        )
        self.norms = (
            nn.ModuleList([nn.BatchNorm2d(6), nn.BatchNorm2d(6)]) if bias else nn.ModuleList([nn.Identity()] * 2)
        )
        for norm in self.norms if bias else ():
            norm.running_mean.normal_(0, 0.2)
            norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        h = F.relu(self.norms[0](self.stem(x)), inplace=True)
        out = self.norms[1](self.conv(h))
        out += h
        return self.last(F.max_pool2d(out.relu_(), 2).mean((2, 3)))


def accounted(model, composite, x, target=1):
    with Gradient(model.double().eval(), composite) as attribute, attribute.ledger() as ledger:
        attribute(x, target)
    return ledger


def images():
    torch.manual_seed(1)
    return torch.randn(2, 3, 6, 8).double()


COMPOSITES = [EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(-4.0, 4.0), AttnLRP()]


@pytest.mark.parametrize("composite", COMPOSITES, ids=lambda composite: type(composite).__name__)
def test_biased_networks_lose_nothing_without_a_cause(composite):
    ledger = accounted(Residual(), composite, images())
    ledger.assert_accounted(rtol=1e-8)
    assert abs(ledger.lost()[Cause.BIAS]) > 1e-3 * ledger.scale
    assert ledger.arrived + sum(ledger.lost().values()) == pytest.approx(ledger.output, rel=1e-12)
    for row in ledger.rows:
        assert sum(row.causes.values()) == pytest.approx(row.lost, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "composite",
    [EpsilonPlus(epsilon=0.0, stabilizer=0.0), EpsilonPlusFlat(epsilon=0.0, stabilizer=0.0), AttnLRP()],
    ids=lambda composite: type(composite).__name__,
)
def test_without_biases_relu_networks_conserve(composite):
    accounted(Residual(bias=False), composite, images()).assert_conserved(rtol=1e-10)


def test_a_loss_is_told_and_can_be_allowed():
    ledger = accounted(Residual(), EpsilonPlus(), images())
    with pytest.raises(AssertionError, match=r"is lost \(.*bias"):
        ledger.assert_conserved(rtol=1e-4)
    ledger.assert_conserved(rtol=1e-4, allow=["bias"])


def test_the_bias_share_is_its_formula():
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 1).double(), torch.rand(1, 4).double()
    ledger = accounted(layer, LayerMapComposite(layer_map=(("linear", Epsilon(1e-12)),)), x, 0)
    assert ledger.lost()[Cause.BIAS] == pytest.approx(layer.bias.item(), rel=1e-9)
    ledger = accounted(layer, LayerMapComposite(layer_map=(("linear", Epsilon(0.5)),)), x, 0)
    z = layer(x).item()
    assert ledger.lost()[Cause.STABILIZER] == pytest.approx(z - z * z / (z + 0.5 * (1 if z >= 0 else -1)), rel=1e-9)


STATED = LayerMapComposite(layer_map=(("linear", WSquare(0.0)),))


def test_a_rule_that_states_relevance_behind_a_pool_loses_what_rests_on_zeros():
    torch.manual_seed(0)
    front = nn.Sequential(nn.Linear(5, 8, bias=False), nn.ReLU(), nn.MaxPool1d(1))
    model, x = nn.Sequential(front, nn.Linear(8, 2, bias=False)), torch.randn(3, 5).double()
    ledger = accounted(model, STATED, x)
    ledger.assert_accounted(1e-10)
    assert abs(ledger.lost()[Cause.ZERO]) > 1e-3 * ledger.scale
    assert "inputs that are 0 is lost" in str(STATED.plan(model, x))


def test_behind_an_activation_only_a_pre_activation_of_zero_loses():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, bias=False))
    accounted(model, STATED, torch.randn(3, 5).double()).assert_conserved(1e-10)
    with torch.no_grad():
        model[0].weight[3] = 0  # a neuron whose pre-activation is exactly 0
    x = torch.randn(3, 5).double()
    ledger = accounted(model, STATED, x)
    ledger.assert_accounted(1e-10)
    share = model[3].weight[1, 3] ** 2 / model[3].weight[1].square().sum()
    assert ledger.lost()[Cause.ZERO] == pytest.approx((share * model(x)[:, 1]).sum().item(), rel=1e-9)
    (activation,) = (row for row in ledger.rows if row.operation == "relu")
    assert set(activation.causes) == {Cause.ZERO}


def test_z_plus_drops_what_rests_on_no_positive_contribution():
    torch.manual_seed(0)
    layer = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        layer.weight[1] = -layer.weight[1].abs()
    z_plus = LayerMapComposite(layer_map=(("linear", ZPlus(1e-9)),))
    x = torch.rand(2, 4).double()
    ledger = accounted(layer, z_plus, x, 1)
    assert ledger.arrived == 0
    assert ledger.lost()[Cause.ZERO] == pytest.approx(layer(x)[:, 1].sum().item(), rel=1e-9)
    accounted(nn.Sequential(layer, nn.ReLU()), z_plus, x, 1).assert_conserved(1e-12)


def test_neurons_without_negative_contributions_are_the_rules_doing():
    layer = nn.Linear(2, 1, bias=False)
    nn.init.ones_(layer.weight)
    ledger = accounted(
        layer,
        EpsilonAlpha2Beta1(layer_map=(("linear", EpsilonAlpha2Beta1().layers()[0][1]),)),
        torch.ones(1, 2).double(),
        0,
    )
    assert ledger.lost()[Cause.RULE] == pytest.approx(-2.0, rel=1e-6)  # α = 2 came through, β = 1 had nowhere to go
    ledger.assert_accounted(1e-9)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, norm_first=True)
        self.position, self.last = nn.Parameter(torch.randn(1, 5, 8)), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.layer(x + self.position)[:, 0])


@pytest.mark.parametrize(
    "composite", [AttnLRP(), CPLRP(), EpsilonPlus()], ids=lambda composite: type(composite).__name__
)
def test_transformers_are_accounted_for(composite):
    ledger = accounted(Transformer(), composite, torch.randn(2, 5, 8).double())
    ledger.assert_accounted(rtol=1e-8)
    lost = ledger.lost()
    assert abs(lost[Cause.CONSTANT]) > 0  # the position table
    softmax = abs(lost.get(Cause.NONLINEARITY, 0.0)) > 1e-9 * ledger.scale
    assert softmax == (not isinstance(composite, CPLRP))


def test_it_prints_and_exports():
    ledger = accounted(Residual(), EpsilonPlusFlat(), images())
    lines = str(ledger).splitlines()
    assert lines[0].split() == ["#", "module", "operation", "rule", "in", "out", "lost", "to"]
    assert "arrived" in lines[-2]
    assert len(lines) == len(ledger.table()) + 3
    assert {row.module for row in ledger.table()} >= {"norms.0", "norms.1", "last"}


def test_tables_become_data_frames_where_pandas_is():
    pandas = pytest.importorskip("pandas")
    frame = accounted(Residual(), EpsilonPlusFlat(), images()).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["bias"].abs().sum() > 0
    plan = EpsilonPlusFlat().plan(Residual().double().eval(), images())
    assert list(plan.to_pandas()["operation"]) == [step.operation for step in plan.table()]


def test_single_precision_is_accounted_for_to_its_precision():
    attribute = Gradient(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).eval(), EpsilonPlus())
    with attribute.ledger() as ledger:
        attribute(torch.ones(1, 2), 0)
    ledger.assert_accounted()


def test_gradients_have_no_ledger():
    attribute = Gradient(Residual(), GuidedBackprop())
    with pytest.raises(InputError, match="by the rules of a composite"), attribute.ledger():
        pass


def test_explanations_are_the_same_with_and_without_a_ledger():
    model, x = Residual().double().eval(), images()
    for composite in (EpsilonPlusFlat(), EpsilonAlpha2Beta1()):
        plain = Gradient(model, composite)(x, 1)
        attribute = Gradient(model, composite)
        with attribute.ledger():
            watched = attribute(x, 1)
        torch.testing.assert_close(plain, watched, rtol=0, atol=0)


def test_zero_params_move_the_share_from_the_bias():
    composite = EpsilonPlus(zero_params="bias", epsilon=1e-12, stabilizer=1e-12)
    ledger = accounted(Residual(), composite, images())
    assert ledger.lost().get(Cause.BIAS, 0.0) == pytest.approx(0.0, abs=1e-12)
    assert ZPlus(1e-12, "bias") in [rule for _, rule in composite.layers()]


class Written(nn.Module):
    """A model that writes into a tensor after other operations have read it."""

    def __init__(self, use):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.other, self.use = nn.Linear(4, 6), nn.Linear(4, 6), use

    def forward(self, x):
        return self.use(self.one(x), self.other(x))


def part_of_itself(y, z):
    y[:, 2:] = y[:, 2:] + z[:, 2:]
    return y.softmax(-1)


def view_of_a_part(y, z):
    y[:, 2:] = (y[:, 2:].view(-1, 2, 2) + z[:, 2:].view(-1, 2, 2)).view(-1, 4)
    return y


def read_before(y, z):
    early = y[:, 2:].view(-1, 2, 2) * 3
    y[:, 2:] = z[:, 2:]
    return y + early.sum()


def softmax_before(y, z):
    scores = y.clone()
    weights = scores.softmax(-1)
    scores[:, :3] = z[:, :3]
    return weights + scores


def constant_before(y, z):
    constant = torch.ones_like(y)
    shifted = y + constant
    constant.zero_()
    return shifted + z


@pytest.mark.parametrize("use", [part_of_itself, view_of_a_part, read_before, softmax_before, constant_before])
def test_a_tensor_that_is_written_into_later_counts_as_it_was(use):
    model, x = Written(use).double().eval(), torch.randn(2, 4).double()
    attribute = Gradient(model, AttnLRP())
    expected = attribute(x, 0)[1]
    with attribute.ledger() as ledger:
        relevance = attribute(x, 0)[1]
    ledger.assert_accounted(1e-10)
    assert torch.equal(relevance, expected)


class NormInFloat32(nn.Module):
    """A root mean square norm that computes in float32, as language models do, between two linear layers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last, self.gain = nn.Linear(8, 6), nn.Linear(6, 4), nn.Parameter(torch.rand(6))

    def forward(self, x):
        h = self.first(x).float()
        normalized = h * torch.rsqrt(h.square().mean(-1, keepdim=True) + 1e-6)
        return self.last(self.gain * normalized.to(x.dtype))


class Attention(nn.Module):
    """Attention by its formula, behind a GELU."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(8, 12), nn.Linear(4, 4)

    def forward(self, x):
        q, k, v = F.gelu(self.first(x)).chunk(3, -1)
        return self.last(torch.softmax(q @ k.mT / 2, -1) @ v).mean(1)


PRECISIONS = {
    "convolutions": (Residual, (2, 3, 6, 8)),
    "norm in float32": (NormInFloat32, (2, 8)),
    "attention": (Attention, (2, 5, 8)),
}


@pytest.mark.parametrize("composite", [AttnLRP(), EpsilonPlusFlat()], ids=["AttnLRP", "EpsilonPlusFlat"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", PRECISIONS)
def test_the_dtypes_explain_what_has_no_other_cause(name, dtype, composite):
    kind, shape = PRECISIONS[name]
    torch.manual_seed(2)
    attribute = Gradient(kind().to(dtype).eval(), composite)
    with attribute.ledger() as ledger:
        attribute(torch.randn(shape).to(dtype), 1)
    ledger.assert_accounted()
    coarsest = torch.float32 if name == "norm in float32" and dtype == torch.float64 else dtype
    assert ledger.rounding > 0.1 * torch.finfo(coarsest).eps * abs(ledger.output)


def test_a_norm_in_float32_alone_is_not_held_to_double_precision():
    ledger = accounted(NormInFloat32(), AttnLRP(), torch.randn(2, 8, generator=torch.manual_seed(2)).double())
    in_float32 = [row for row in ledger.rows if row.rounding > 1e-9 * ledger.scale]
    assert {row.operation for row in in_float32} <= {"to", "float", "mul", "linear"}
    with pytest.raises(AssertionError, match="unknown"):
        ledger.assert_accounted(1e-12)


@dataclass(frozen=True)
class Leak(Epsilon):
    """Epsilon that loses a small share of the relevance, for a reason that the ledger does not know."""

    def coefficient(self, layer, x, y, c):
        return super().coefficient(layer, x, y, c) * (1 - 1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_small_leak_is_no_rounding(dtype):
    attribute = Gradient(Residual().to(dtype).eval(), LayerMapComposite([(nn.Linear, Leak())]))
    with attribute.ledger() as ledger:
        attribute(images().to(dtype), 1)
    with pytest.raises(AssertionError, match="unknown"):
        ledger.assert_accounted()


def test_relevance_beyond_the_gradient_is_named_with_the_operation():
    """With x₀ far larger than the others, ∂(x₀/|x|)/∂x₀ is almost 0: gradient times input is 1 − x₀²/|x|² times y₀."""
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.RMSNorm(3, eps=0, elementwise_affine=False)).double()
    model[0].weight.data = torch.eye(3).double()
    x = torch.tensor([[5.0, 1.0, 1.0]]).double()
    with Gradient(model.eval(), AttnLRP()) as attribute, attribute.ledger() as ledger:
        attribute(x, 0)
    y0 = 5 / (27 / 3) ** 0.5
    assert ledger.largest == pytest.approx(y0)
    assert ledger.largest_gradient == pytest.approx(y0 * (1 - 25 / 27))
    assert ledger.amplification == pytest.approx(13.5)
    assert ledger.find_amplification().operation == "rms_norm"
    assert "13.5 times that of input times gradient; beyond 3 times from #1 rms_norm 1 on" in str(ledger)


def test_relevance_of_a_rectified_network_is_gradient_times_input():
    with Gradient(Residual(bias=False).double().eval(), AttnLRP()) as attribute, attribute.ledger() as ledger:
        attribute(images(), 1)
    assert ledger.amplification == pytest.approx(1)
    assert ledger.find_amplification() is None
    assert "times that of input" not in str(ledger)


K = torch.tensor([[2.0, -1.0, 0.5, 3.0, 1.0, -2.0]], dtype=torch.float64)
GAIN = torch.tensor([1.5, 1.0, 2.0, 0.5, 1.0, 3.0], dtype=torch.float64)
FIRST = torch.tensor([True, True, False, False, False, False])


def column(y):
    y[:, :2] = K[:, :2]
    return y


def number(y):
    y[:, :2] = 2.0
    return y


def filled_view(y):
    y[:, :2].fill_(2.0)
    return y


def copied_view(y):
    y[:, :2].copy_(K[:, :2])
    return y


def into_a_constant(y):
    out = K.repeat(len(y), 1)
    out[:, 2:] = y[:, 2:]
    return out


def into_a_view_of_a_constant(y):
    out = K.repeat(len(y), 1)
    out.view(-1, 2, 3)[:, 0, 2] = y[:, 2]
    out[:, 3:] = y[:, 3:]
    return out


def part_by_part(y):
    out = K.repeat(len(y), 1)
    out[:, 2:4] = y[:, 2:4]
    out[:, 4:].copy_(y[:, 4:])
    return out


def real_part(y):
    z = torch.complex(y, y)
    z.real[:, :2] = K[:, :2]
    return z.real


def conjugate(y):
    z = torch.complex(y, y)
    z.conj()[:, :2] = torch.complex(K, K)[:, :2]
    return z.real


def imaginary_part(y):
    z = torch.complex(y, y)
    z.imag[:, :2].copy_(K[:, :2])
    return z.imag


def read_in_between(y):
    early = y * 1
    y[:, :2] = K[:, :2]
    return y + early - early


@pytest.mark.parametrize(
    "write",
    [
        column,
        number,
        filled_view,
        copied_view,
        into_a_constant,
        into_a_view_of_a_constant,
        part_by_part,
        real_part,
        imaginary_part,
        conjugate,
        read_in_between,
    ],
)
def test_constants_that_a_model_writes_keep_their_relevance(write):
    """As those of `torch.where`, which computes the same out of place."""
    constants = torch.full_like(K, 2.0) if write in (number, filled_view) else K
    x = torch.randn(2, 4).double()
    lost = []
    for use in (lambda y, z: write(y.clone() + z) * GAIN, lambda y, z: torch.where(FIRST, constants, y + z) * GAIN):
        attribute = Gradient(Written(use).double().eval(), AttnLRP())
        with attribute.ledger() as ledger:
            _, relevance = attribute(x, 0)
        ledger.assert_accounted(1e-10)
        lost.append((relevance, ledger.lost()[Cause.CONSTANT]))
    (written, kept), (expected, kept_by_where) = lost
    torch.testing.assert_close(written, expected)
    assert kept == pytest.approx(kept_by_where, rel=1e-10)


class ReadAtPlaces(nn.Module):
    """A spatial transformer: places that depend on the image, or an image that does not."""

    def __init__(self, places, image):
        super().__init__()
        self.offsets = nn.Conv2d(1, 2, 3, padding=1)
        self.features = nn.Conv2d(1, 4, 3, padding=1)
        self.places, self.image = places, image

    def forward(self, x):
        grid = F.affine_grid(torch.eye(2, 3).to(x).expand(len(x), 2, 3), x.shape, align_corners=False)
        offsets = self.offsets(x).tanh().movedim(1, -1) / 5
        values = self.features(x).relu()
        grid = grid + (offsets if self.places else offsets.detach())
        return F.grid_sample(values if self.image else values.detach(), grid, align_corners=False).mean((2, 3))


@pytest.mark.parametrize(("places", "image"), [(True, True), (True, False), (False, True)])
def test_reading_at_places_that_depend_on_the_input_is_accounted_for(places, image):
    torch.manual_seed(0)
    ledger = accounted(ReadAtPlaces(places, image), EpsilonPlus(), torch.randn(2, 1, 5, 6).double())
    ledger.assert_accounted()
    (row,) = (row for row in ledger.rows if row.operation.startswith("grid_sampler"))
    assert (abs(row.causes.get(Cause.NONLINEARITY, 0.0)) > 1e-3) == places


def test_a_batch_without_samples_has_an_empty_ledger():
    with Gradient(Residual().double().eval(), AttnLRP()) as attribute, attribute.ledger() as ledger:
        _, relevance = attribute(images()[:0], 1)
    assert relevance.shape == (0, 3, 6, 8)
    assert (ledger.output, ledger.arrived, ledger.largest, ledger.amplification) == (0, 0, 0, 0)
    ledger.assert_accounted()


def test_arguments_of_a_ledger_are_checked():
    ledger = Ledger()
    with pytest.raises(InputError, match="factor is -1"):
        ledger.find_amplification(-1)
    with pytest.raises(InputError, match="rtol is nan"):
        ledger.assert_conserved(rtol=float("nan"))
    with pytest.raises(InputError, match="'biases' is no cause of a loss; expected one of bias, stabilizer"):
        ledger.assert_conserved(allow=["biases"])


def _expected_causes(rule, x, w, b, r, epsilon):
    """Relevance of x and what the bias, the stabilizer and empty branches keep, in NumPy."""
    contributions = w * x
    positive, negative = (part(contributions, 0) for part in (np.maximum, np.minimum))
    up, down = np.maximum(b, 0), np.minimum(b, 0)
    y = contributions.sum(1) + b
    own = np.where(y[:, None] > 0, positive, negative), np.where(y > 0, up, down)
    branches = {
        "epsilon": [(r, contributions, b)],
        "z plus": [(r, positive, up)],
        "alpha beta": [(2 * r, positive, up), (-r, negative, down)],
        "gamma": [(r, contributions + 0.7 * own[0], b + 0.7 * own[1])],
        "z box": [(r, contributions + 2.5 * np.maximum(w, 0) - 2.5 * np.minimum(w, 0), 0 * b)],
        "flat": [(r, np.ones_like(w), 0 * b)],
        "w square": [(r, w**2, b**2)],
    }[rule]
    relevance, causes = 0.0, dict.fromkeys(("bias", "stabilizer", "empty"), 0.0)
    for share, parts, bias in branches:
        z = parts.sum(1) + bias
        s = share / (z + np.where(z < 0, -epsilon, epsilon))
        relevance = relevance + (parts * s[:, None]).sum(0)
        causes["bias"] += (s * bias).sum()
        causes["stabilizer"] += (share - s * z)[z != 0].sum()
        causes["empty"] += (share - s * z)[z == 0].sum()
    return relevance, causes


_EPSILON = 0.3
_BY_HAND = {
    "epsilon": Epsilon(_EPSILON),
    "z plus": ZPlus(_EPSILON),
    "alpha beta": AlphaBeta(2.0, 1.0, _EPSILON),
    "gamma": Gamma(0.7, _EPSILON),
    "z box": ZBox(-2.5, 2.5, _EPSILON),
    "flat": Flat(_EPSILON),
    "w square": WSquare(_EPSILON),
}


@pytest.mark.parametrize("second", ["epsilon", "z plus", "alpha beta", "gamma", "flat", "w square"])
@pytest.mark.parametrize("first", _BY_HAND)
def test_every_amount_of_two_layers_is_that_by_hand(first, second):
    """With biases, inputs of both signs, a large stabilizer, and hidden units without positive contributions."""
    for seed in range(4):
        random = np.random.default_rng(seed)
        w, v = random.normal(size=(5, 4)), random.normal(size=(3, 5))
        b, d, x = random.normal(size=5), random.normal(size=3), random.normal(size=4)
        model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).double()
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), (w, b, v, d), strict=True):
                parameter.copy_(torch.from_numpy(value))
        composite = NameMapComposite((("0", _BY_HAND[first]), ("2", _BY_HAND[second])))
        with (attribute := Gradient(model, composite)).ledger() as ledger:
            output, relevance = attribute(torch.from_numpy(x)[None], 1)
        hidden, after = _expected_causes(
            second, np.maximum(w @ x + b, 0), v, d, output[0].numpy() * [0, 1, 0], _EPSILON
        )
        expected, before = _expected_causes(first, x, w, b, hidden, _EPSILON)
        np.testing.assert_allclose(relevance[0], expected, atol=1e-12)
        rows = {row.module: row.causes for row in ledger.rows if row.operation == "linear"}
        for module, causes in (("0", before), ("2", after)):
            found = rows.get(module, {})
            empty = found.get(Cause.ZERO, 0.0) + found.get(Cause.RULE, 0.0)
            amounts = found.get(Cause.BIAS, 0.0), found.get(Cause.STABILIZER, 0.0), empty
            np.testing.assert_allclose(amounts, list(causes.values()), atol=1e-12)
        ledger.assert_accounted()
