"""One function, one map: programs that compute the same function get the same relevance within a composite."""

import gc
import runpy
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import (
    CPLRP,
    AttnLRP,
    EpsilonAlpha2Beta1,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    ExcitationBackprop,
    LayerMapComposite,
)
from whyset.attribution.rules import Flat

_MODULE = runpy.run_path(str(Path(__file__).parents[1] / "support" / "families.py"))
FAMILIES, GAIN, WIDTH, W = (_MODULE[name] for name in ("FAMILIES", "GAIN", "WIDTH", "W"))

COMPOSITES = {
    "attn_lrp": AttnLRP(),
    "cp_lrp": CPLRP(),
    "plus": EpsilonPlus(),
    "plus flat": EpsilonPlusFlat(),
    "alpha beta": EpsilonAlpha2Beta1(),
    "gamma box": EpsilonGammaBox(low=-3.0, high=3.0),
    "excitation": ExcitationBackprop(),
}
STATING = {"plus flat", "gamma box"}


def _linear_maps(count):
    generator = torch.Generator().manual_seed(3)
    for _ in range(count):
        weight = torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64) / 2.4
        yield weight, torch.randn(WIDTH, generator=generator, dtype=torch.float64) / 4


MAPS = tuple(_linear_maps(3))


def linear(index, h):
    return F.linear(h, *MAPS[index])


def residual(f, x):
    h = linear(0, x)
    return linear(1, h + f(h))


def shared(f, x):
    """The function is used twice, also on its own output."""
    once = f(linear(0, x))
    return linear(1, once + f(linear(2, once)))


def broadcast(f, x):
    h = linear(0, x)[:, None] + linear(2, x)[:, None].expand(-1, 2, -1)
    return linear(1, f(h)).sum(1)


def product(f, x):
    return linear(1, f(linear(0, x)) * linear(2, x))


def inside(f, x):
    """The function of a function."""
    return linear(1, torch.tanh(1 + 2 * f(linear(0, x))))


CONTEXTS = {
    "first layer": lambda f, x: linear(1, f(x)),
    "behind a linear map": lambda f, x: linear(1, f(linear(0, x))),
    "behind a ReLU": lambda f, x: linear(1, f(linear(0, x).relu())),
    "residual": residual,
    "shared": shared,
    "broadcast": broadcast,
    "in a product": product,
    "in a function": inside,
}

# What stays different, and why: docs/one-function-one-map.md has the table.
EXCEPTIONS = {
    ("relu", name, "first layer", composite) for name in ("where", "maximum", "half") for composite in STATING
} | {
    ("rms norm", "product", context, composite)
    for context in CONTEXTS
    for composite in COMPOSITES
    if composite not in ("attn_lrp", "cp_lrp")
}


class Program(nn.Module):
    def __init__(self, context, function):
        super().__init__()
        self.context, self.function = context, function

    def forward(self, x):
        return self.context(self.function, x)


def explain(context, function, composite, *, width=WIDTH):
    x = torch.randn(2, width, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Gradient(Program(context, function).eval(), composite)(x, 1)


class Moved(nn.Module):
    """Elements moved before the first layer, or between a ReLU and a layer that states relevance."""

    def __init__(self, move, inside):
        super().__init__()
        self.move, self.inside = move, inside

    def forward(self, x):
        h = linear(0, x).relu() if self.inside else x
        return linear(1, linear(2, self.move(h)).relu())


@pytest.mark.parametrize("family", ["joined elements", "moved elements"])
def test_moved_elements_have_relevance_where_the_input_is_0(family):
    x = torch.tensor([[0.0, 1.0, 0.0, -2.0, 3.0, 0.0], [1.0, 0.0, 2.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    _, expected = Gradient(Moved(lambda h: h, False).eval(), EpsilonPlusFlat())(x, 1)
    assert expected[x == 0].abs().sum() > 0
    for name, move in FAMILIES[family].items():
        _, relevance = Gradient(Moved(move, False).eval(), EpsilonPlusFlat())(x, 1)
        torch.testing.assert_close(relevance, expected, msg=name)


def test_moved_elements_have_relevance_where_a_relu_is_0():
    x = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    composite = LayerMapComposite(layer_map=(("linear", Flat()),))
    _, expected = Gradient(Moved(lambda h: h, True).eval(), composite)(x, 1)
    for name, move in FAMILIES["moved elements"].items():
        _, relevance = Gradient(Moved(move, True).eval(), composite)(x, 1)
        torch.testing.assert_close(relevance, expected, msg=name)


def difference(relevance, expected):
    return ((relevance - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_programs_of_one_function_have_one_map(family, context, composite):
    names = [name for name in FAMILIES[family] if (family, name, context, composite) not in EXCEPTIONS]
    first = FAMILIES[family][names[0]]
    output, expected = explain(CONTEXTS[context], first, COMPOSITES[composite])
    for name in names[1:]:
        own, relevance = explain(CONTEXTS[context], FAMILIES[family][name], COMPOSITES[composite])
        torch.testing.assert_close(own, output, rtol=1e-9, atol=1e-12, msg=f"{name} is another function")
        assert difference(relevance, expected) < 1e-8, f"{name} has another map than {names[0]}"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("composite", ["attn_lrp", "cp_lrp", "plus", "plus flat"])
def test_ledgers_close(family, composite):
    """Every cause is computed by its formula, so a sum that does not close would be seen."""
    x = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for function in FAMILIES[family].values():
        attribute = Gradient(Program(CONTEXTS["residual"], function).eval(), COMPOSITES[composite])
        _, expected = attribute(x, 1)
        with attribute.ledger() as ledger:
            _, relevance = attribute(x, 1)
        ledger.assert_accounted()
        assert difference(relevance, expected) < 1e-8


def count_tensors():
    gc.collect()
    return sum(issubclass(type(held), torch.Tensor) for held in gc.get_objects())


@pytest.fixture(scope="module")
def only_new_objects():
    """Hide what exists before from the collector: to go through all objects takes more than a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_tensor_is_left_after_an_explanation(family, only_new_objects):
    def run():
        for function in FAMILIES[family].values():
            explain(CONTEXTS["residual"], function, COMPOSITES["plus flat"])

    run()
    before = count_tensors()
    run()
    assert count_tensors() == before


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives_of_relevance_are_true(family):
    """The derivative of relevance along a direction, against central differences; equal for all programs."""
    x = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    direction = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    step = 1e-5
    for name, function in FAMILIES[family].items():
        if name == "cdist":
            continue  # torch has no second derivative of it
        attribute = Gradient(Program(CONTEXTS["behind a linear map"], function).eval(), AttnLRP(), create_graph=True)
        leaf = x.clone().requires_grad_()
        weights = torch.arange(WIDTH, dtype=torch.float64) - 2
        (slope,) = torch.autograd.grad((attribute(leaf, 1)[1] * weights).sum(), leaf)
        above, below = ((attribute(x + s * step * direction, 1)[1] * weights).sum() for s in (1, -1))
        expected = ((above - below) / (2 * step)).item()
        assert (slope * direction).sum().item() == pytest.approx(expected, rel=1e-5, abs=1e-7), name


def _conv(h):
    return F.conv1d(h[..., None], W[..., None])[..., 0]


def _renormalize_largest(h):
    largest = h.softmax(-1) * _is_large(h)
    return largest / largest.sum(-1, keepdim=True)


def _softmax_of_largest(h):
    return h.masked_fill(~_is_large(h), -torch.inf).softmax(-1)


def _is_large(h):
    return h >= h.topk(3, -1).values[..., -1:]


def _average(h):
    return F.avg_pool1d(h[..., None, :], 3, 1, 1)[..., 0, :]


def _convolve(h):
    return F.conv1d(h[..., None, :], torch.full((1, 1, 3), 1 / 3, dtype=torch.float64), padding=1)[..., 0, :]


def _softmax_of_two(h):
    return torch.stack((h, torch.zeros_like(h)), -1).softmax(-1)[..., 0]


def _pair(h):
    return torch.stack((h, h.tanh()), -1)


def _grouped_left(h):
    q, k, v = (_pair(h * factor) for factor in (1.0, 0.5, 0.25))
    return ((q @ k.mT) @ v).sum(-1)


def _grouped_right(h):
    q, k, v = (_pair(h * factor) for factor in (1.0, 0.5, 0.25))
    return (q @ (k.mT @ v)).sum(-1)


# name: two programs of one function, the composite, and the difference of their maps at least
CONVENTIONS = {
    "1x1 convolution, linear": (_conv, lambda h: F.linear(h, W), "plus", 0.1),
    "L1 norm of exponentials, softmax": (
        lambda h: F.normalize(h.exp(), p=1, dim=-1),
        lambda h: h.softmax(-1),
        "attn_lrp",
        0.05,
    ),
    "average pool, convolution": (_average, _convolve, "plus", 0.1),
    "softmax of the largest, renormalized": (_renormalize_largest, _softmax_of_largest, "attn_lrp", 0.05),
    "norm, root of squares": (
        lambda h: (1 + h.tanh()).norm(dim=-1, keepdim=True) * h,
        lambda h: (1 + h.tanh()).square().sum(-1, keepdim=True).sqrt() * h,
        "attn_lrp",
        0.01,
    ),
    "softmax of two, sigmoid": (_softmax_of_two, torch.sigmoid, "attn_lrp", 0.1),
    "(qk)v, q(kv)": (_grouped_left, _grouped_right, "attn_lrp", 0.05),
    "three factors": (
        lambda h: (h * h.tanh().flip(-1)) * h.flip(0),
        lambda h: h * (h.tanh().flip(-1) * h.flip(0)),
        "attn_lrp",
        0.05,
    ),
    "gate of a gated value": (
        lambda h: F.silu(h) * h.flip(-1),
        lambda h: h * (h.sigmoid() * h.flip(-1)),
        "attn_lrp",
        0.01,
    ),
    "minimum of a ReLU, ReLU6": (
        lambda h: torch.minimum((20 * h).relu(), torch.tensor(6.0)),
        lambda h: F.relu6(20 * h),
        "attn_lrp",
        0.1,
    ),
    "number, vector": (lambda h: (h + 1).relu(), lambda h: (h + torch.ones_like(h)).relu(), "attn_lrp", 0.1),
    "factor behind a linear map": (
        lambda h: F.rms_norm(h * GAIN, (WIDTH,)),
        lambda h: F.rms_norm(h.view_as(h) * GAIN, (WIDTH,)),
        "plus",
        1e-9,
    ),
    "number that multiplies a linear map, or its weight": (
        lambda h: -F.linear(h, W),
        lambda h: F.linear(h, -W),
        "excitation",
        0.1,
    ),
    "bias behind a view": (
        lambda h: F.linear(h, W, GAIN),
        lambda h: F.linear(h, W).unflatten(-1, (2, 3)).flatten(-2) + GAIN,
        "excitation",
        1e-3,
    ),
    "sum of exponentials in two steps": (
        lambda h: (e := h.exp()) / e.unflatten(-1, (2, 3)).sum(-1).sum(-1, keepdim=True),
        lambda h: h.softmax(-1),
        "attn_lrp",
        0.05,
    ),
    "sum of exponentials in parts": (
        lambda h: (e := h.exp()) / (e[..., :3].sum(-1, keepdim=True) + e[..., 3:].sum(-1, keepdim=True)),
        lambda h: h.softmax(-1),
        "attn_lrp",
        0.05,
    ),
    "gate of a function, sum with a product": (
        lambda h: h.relu() * (1 + h.flip(-1).tanh()),
        lambda h: (r := h.relu()) + r * h.flip(-1).tanh(),
        "cp_lrp",
        0.05,
    ),
    "bias behind a transposed map": (
        lambda h: F.linear(h, W, GAIN),
        lambda h: (W @ h.mT).mT + GAIN,
        "excitation",
        1e-3,
    ),
}


@pytest.mark.parametrize("name", CONVENTIONS)
def test_conventions_are_real(name):
    """A row of the table of conventions whose two programs agree is to be removed."""
    first, second, composite, least = CONVENTIONS[name]
    context = CONTEXTS["behind a linear map"]
    output, expected = explain(context, first, COMPOSITES[composite])
    own, relevance = explain(context, second, COMPOSITES[composite])
    torch.testing.assert_close(own, output)
    assert difference(relevance, expected) > least


def test_zeros_that_a_model_adds_to_an_image_are_parts_of_it():
    """A row of the table of conventions: Flat gives relevance to padding only where the model adds it by itself."""
    weight = torch.randn(WIDTH, 1, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def program(convolve):
        return lambda f, x: linear(1, convolve(x[:, None]).relu().sum(1))

    convolution = program(lambda x: F.conv1d(x, weight, padding=1))
    pad = program(lambda x: F.conv1d(F.pad(x, (1, 1)), weight))
    _, expected = explain(convolution, None, COMPOSITES["plus flat"])
    _, relevance = explain(pad, None, COMPOSITES["plus flat"])
    assert difference(relevance, expected) > 0.05
    _, expected = explain(convolution, None, COMPOSITES["plus"])
    torch.testing.assert_close(explain(pad, None, COMPOSITES["plus"])[1], expected)


def test_a_gate_of_its_own_mean_is_no_normalizer():
    """`a · sigmoid(mean(a))` is a gate: the mean gets relevance. `a / mean(a)` is a normalization: it gets none."""
    a = torch.randn(1, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64).abs() + 0.5
    gate = Gradient(Program(lambda f, x: f(x), lambda a: a * torch.sigmoid(a.mean(-1, keepdim=True))), AttnLRP())
    _, relevance = gate(a, 1)
    assert (relevance[0, [0, 2, 3]] != 0).all()
    divided = Gradient(Program(lambda f, x: f(x), lambda a: a / a.mean(-1, keepdim=True)), AttnLRP())
    output, relevance = divided(a, 1)
    torch.testing.assert_close(relevance, output * torch.tensor([[0.0, 1.0, 0.0, 0.0]], dtype=torch.float64))


def test_a_partner_that_is_computed_twice_is_reported():
    program = Program(lambda f, x: f(x), lambda x: linear(0, x) / linear(0, x).norm(dim=-1, keepdim=True))
    with pytest.warns(UserWarning, match="does not follow from its partner"):
        Gradient(program, AttnLRP())(torch.randn(2, WIDTH, dtype=torch.float64), 1)


@pytest.mark.parametrize("shift", [1.0, 1e-3, 1e-6, 1e-9, 0.0])
def test_a_gate_near_zero_does_not_explode(shift):
    """A squeeze gate whose logit is `shift`: its coefficient is bounded by the slope of the sigmoid."""
    weight = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    bias = shift - F.linear(x, weight)[0]
    program = Program(lambda f, x: linear(1, f(x)), lambda x: x * torch.sigmoid(F.linear(x, weight, bias)))
    for composite in (AttnLRP(), EpsilonPlus(), EpsilonAlpha2Beta1()):
        output, relevance = Gradient(program, composite)(x, 1)
        assert relevance.abs().max() < 20 * output.abs().max()


def _linear_attention(x, guard):
    q, k, v = (_pair(linear(index, x)) for index in range(3))
    q, k = torch.nn.functional.elu(q) + 1, k.relu()
    return (q @ (k.mT @ v) / (q @ k.sum(-2, keepdim=True).mT + guard)).sum(-1)


GUARDED = {
    "linear attention": _linear_attention,
    "length of another tensor": lambda x, guard: linear(0, x) / (linear(1, x).norm(dim=-1, keepdim=True) + guard),
    "lower bound": lambda x, guard: linear(0, x) / linear(1, x).norm(dim=-1, keepdim=True).clamp_min(guard),
    "inverse": lambda x, guard: 1 / (linear(1, x).square() + 1).add(guard),
}


@pytest.mark.filterwarnings("ignore:.*divides by a statistic")
@pytest.mark.parametrize("guard", [1e-3, 1e-5, 1e-12])
@pytest.mark.parametrize("name", GUARDED)
def test_a_number_that_guards_a_divisor_does_not_explode(name, guard):
    x = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    program = Program(lambda f, x: f(x), lambda x: GUARDED[name](x, guard))
    for composite in (AttnLRP(), EpsilonPlus()):
        attribute = Gradient(program, composite)
        with attribute.ledger() as ledger:
            output, relevance = attribute(x, 1)
        assert relevance.abs().max() < 20 * output.abs().max()
        ledger.assert_accounted()
