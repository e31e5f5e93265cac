"""The table "Where results differ" of docs/coming-from-zennit.md: both values of each row, against closed forms.

A network is a linear layer without bias, z = Wx, in front of the operation y = f(z). With an ε of 1e-12 the layer gives
its input the relevance x ⊙ Wᵀ(R_z / z) in both packages, so a row is the relevance R_z that each package passes on.
"""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import zennit.canonizers
import zennit.composites
import zennit.core
import zennit.rules
from torch import Tensor, nn

from whyset.attribution import Gradient, rules
from whyset.attribution.attributors.logit_model import LogitModel
from whyset.attribution.composites import DeconvNet, EpsilonPlus, EpsilonPlusFlat, LayerMapComposite, NameMapComposite
from whyset.errors import InputError

TINY = {"epsilon": 1e-12, "stabilizer": 1e-12}


class Behind(nn.Module):
    """A function, or a module, behind a linear layer without bias."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(5, 4, bias=False)
        self.then = function
        self.double().eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.then(self.first(x))


def explain(context, model: nn.Module, x: Tensor, relevance: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    with context:
        y = model(leaf)
        (found,) = torch.autograd.grad(y, leaf, relevance(y.detach()))
    return y.detach(), found


def explain_by_both(model, x, relevance=lambda y: y, name="EpsilonPlus", canonizers=()):
    """Return the relevance of x by Zennit, and by whyset."""
    ours = {"EpsilonPlus": EpsilonPlus, "EpsilonPlusFlat": EpsilonPlusFlat}[name](**TINY)
    _, by_whyset = explain(ours.context(model), model, x, relevance)
    theirs = getattr(zennit.composites, name)(canonizers=list(canonizers), **TINY)
    _, by_zennit = explain(theirs.context(model), model, x, relevance)
    return by_zennit, by_whyset


def explain_rules(layer, x, name, settings=None, *, output=None, **fields):
    """Return the relevance of x by one rule of Zennit, and by the one of whyset with the same arguments."""
    output = torch.ones_like(layer(x)) if output is None else output
    theirs = zennit.composites.NameMapComposite([([""], getattr(zennit.rules, name)(**(settings or fields)))])
    ours = NameMapComposite((("", getattr(rules, name)(**fields)),))
    both = (explain(composite.context(layer), layer, x, lambda y: output)[1] for composite in (theirs, ours))
    return tuple(both)


def gradient_of_relevance(f, z, r):
    """What Zennit does at an operation that it has no rule for: the gradient, multiplied by the relevance."""
    z = z.clone().requires_grad_()
    return torch.autograd.grad(f(z), z, r)[0]


def agree(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


def batch_norm() -> nn.BatchNorm1d:
    module = nn.BatchNorm1d(4, eps=1e-3).double().eval()
    torch.manual_seed(4)
    for tensor in (module.running_mean, module.bias.data):
        tensor.normal_()
    for tensor in (module.running_var, module.weight.data):
        tensor.uniform_(0.5, 2)
    return module


def layer_norm() -> nn.LayerNorm:
    module = nn.LayerNorm(4).double()
    module.weight.data.copy_(torch.tensor([1.0, 2.0, -1.0, 0.5]))
    return module


def written_gelu(z: Tensor) -> Tensor:
    return 0.5 * z * (1 + torch.erf(z / math.sqrt(2)))


SECOND = torch.tensor([[1.0, -2.0, 0.5, 3.0], [0.5, 1.0, 2.0, -1.0]], dtype=torch.float64)


def through_norm(z: Tensor) -> Tensor:
    """The relevance of z at `y = g (z − mean)/σ` with σ constant."""
    weight = layer_norm().weight.detach() / (z.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
    return z * (weight - weight.mean(1, keepdim=True))


# name: (f, R_z by Zennit or None for the gradient of f times R, R_z by whyset), for R_y = y
OPERATIONS = {
    "nn.Sigmoid": (nn.Sigmoid(), lambda z, y: y, lambda z, y: y - 0.5),
    "nn.Softplus": (nn.Softplus(), lambda z, y: y, lambda z, y: y - math.log(2)),
    "nn.LogSigmoid": (nn.LogSigmoid(), lambda z, y: y, lambda z, y: y + math.log(2)),
    "torch.sigmoid": (torch.sigmoid, None, lambda z, y: y - 0.5),
    "exp": (torch.exp, None, lambda z, y: y - 1),
    "torch.tanh": (torch.tanh, None, lambda z, y: y),
    "F.gelu": (F.gelu, None, lambda z, y: y),
    "GELU written out": (written_gelu, None, lambda z, y: y),
    "SiLU written out": (lambda z: z * torch.sigmoid(z), None, lambda z, y: y),
    "nn.Mish": (nn.Mish(), None, lambda z, y: y),
    "residual": (lambda z: z + F.relu(z), None, lambda z, y: y),
    "residual in place": (lambda z: F.relu(z).clone().add_(z), None, lambda z, y: y),
    "product": (lambda z: z * z.flip(1), None, lambda z, y: y),
    "F.linear": (lambda z: F.linear(z, SECOND), None, lambda z, y: z * SECOND.sum(0)),
    "matmul": (lambda z: z @ SECOND.T, None, lambda z, y: z * SECOND.sum(0)),
    "F.avg_pool1d": (
        lambda z: F.avg_pool1d(z.unsqueeze(1), 2).squeeze(1),
        None,
        lambda z, y: z / 2,
    ),
    "mean": (lambda z: z.mean(1, keepdim=True), None, lambda z, y: z / 4),
    "F.normalize": (F.normalize, None, lambda z, y: y),
    "nn.LayerNorm": (layer_norm(), None, lambda z, y: through_norm(z)),
    "nn.BatchNorm1d": (
        batch_norm(),
        lambda z, y: y,
        lambda z, y: z * batch_norm().weight / (batch_norm().running_var + 1e-3).sqrt(),
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_relevance_that_each_package_passes_on(name):
    f, passed_by_zennit, passed_by_whyset = OPERATIONS[name]
    model, x = Behind(f), torch.randn(3, 5, dtype=torch.float64)
    z = model.first(x)
    y = f(z).detach()
    theirs = gradient_of_relevance(f, z, y) if passed_by_zennit is None else passed_by_zennit(z, y).detach()
    by_zennit, by_whyset = explain_by_both(model, x)
    agree(by_zennit, x * (theirs / z @ model.first.weight))
    agree(by_whyset, x * (passed_by_whyset(z, y).detach() / z @ model.first.weight))
    assert (by_zennit - by_whyset).abs().max() > 1e-2


def test_the_input_of_a_last_sigmoid_has_zennits_relevance():
    model, x = Behind(nn.Sigmoid()), torch.randn(3, 5, dtype=torch.float64)
    by_zennit, _ = explain_by_both(model, x)
    _, relevance = Gradient(LogitModel(model), EpsilonPlus(**TINY))(x, lambda logits: logits.sigmoid())
    agree(relevance, by_zennit)


@pytest.mark.parametrize(
    "f",
    [nn.GELU(), nn.Tanh(), nn.SiLU(), nn.ReLU(), F.relu, nn.ELU(), nn.LeakyReLU()],
    ids=lambda f: getattr(f, "__name__", type(f).__name__),
)
def test_activations_through_zero_agree(f):
    x = torch.randn(3, 5, dtype=torch.float64)
    by_zennit, by_whyset = explain_by_both(Behind(f), x)
    agree(by_zennit, by_whyset)


def test_softmax_has_the_gradient_times_relevance_or_times_the_coefficient():
    model, x = Behind(nn.Softmax(1)), torch.randn(3, 5, dtype=torch.float64)
    z, target = model.first(x), torch.eye(4, dtype=torch.float64)[[0, 2, 3]]
    y = z.softmax(1)
    slope = gradient_of_relevance(nn.Softmax(1), z, target)
    by_zennit, by_whyset = explain_by_both(model, x, lambda y: y * target)
    agree(by_zennit, x * (slope * (y * target).sum(1, keepdim=True) / z @ model.first.weight))
    agree(by_whyset, x * (slope @ model.first.weight))


def test_zennit_with_its_canonizer_has_a_factor_for_each_batch_norm():
    model, x = nn.Sequential(Behind(nn.Identity()).first, batch_norm()), torch.randn(3, 5, dtype=torch.float64)
    y, canonizer = model(x).detach(), zennit.canonizers.SequentialMergeBatchNorm()
    theirs, _ = explain(zennit.composites.EpsilonPlus(canonizers=[canonizer]).context(model), model, x, torch.ones_like)
    ours, _ = explain(EpsilonPlus().context(model), model, x, torch.ones_like)
    agree(theirs, y / math.sqrt(1 + 1e-3))
    assert torch.equal(ours, y)


def biased_layer() -> tuple[nn.Linear, Tensor]:
    torch.manual_seed(5)
    layer = nn.Linear(6, 8).double().requires_grad_(False)
    layer.bias.mul_(4)
    return layer, torch.randn(3, 6, dtype=torch.float64)


def gamma_form(layer, x, sign, gamma=0.25, stabilize=lambda z: z + 1e-6 * z.sign()):
    """Gamma without bias: contributions of the given sign of an output count 1 + γ times."""
    parts = x.unsqueeze(1) * layer.weight
    kept = parts + gamma * torch.where(parts.sign() == sign.unsqueeze(2), parts, 0)
    return (kept / stabilize(kept.sum(2)).unsqueeze(2)).sum(1)


def test_gamma_without_bias_follows_the_output_or_what_it_divides_by():
    layer, x = biased_layer()
    z = x @ layer.weight.T
    assert (z.sign() != layer(x).sign()).any()
    by_zennit, by_whyset = explain_rules(layer, x, "Gamma", zero_params="bias")
    agree(by_zennit, gamma_form(layer, x, layer(x).sign()))
    agree(by_whyset, gamma_form(layer, x, z.sign()))
    assert (by_zennit - by_whyset).abs().max() > 1e-2


def test_gamma_without_bias_has_a_bound_only_with_the_sign_of_what_it_divides_by():
    layer = nn.Linear(2, 1).double().requires_grad_(False)
    layer.weight.copy_(torch.tensor([[1.0, -0.8]]))
    layer.bias.fill_(-1.0)  # y is negative, and z + γN = 0.2 − 0.25 · 0.8 = 0
    by_zennit, by_whyset = explain_rules(layer, torch.ones(1, 2, dtype=torch.float64), "Gamma", zero_params="bias")
    assert by_zennit.abs().max() > 1e5
    assert by_whyset.abs().max() < 3


def test_norm_counts_the_bias_or_not():
    layer, x = biased_layer()
    by_zennit, by_whyset = explain_rules(layer, x, "Norm")
    agree(by_zennit, explain_rules(layer, x, "Epsilon")[1])
    agree(by_whyset, explain_rules(layer, x, "Epsilon", zero_params="bias")[1])
    assert (by_zennit - by_whyset).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["ZPlus", "AlphaBeta"])
def test_zero_divided_by_zero_is_nan_or_zero(name):
    layer, x = biased_layer()
    layer.bias.zero_()
    by_zennit, by_whyset = explain_rules(layer, x * 0, name, stabilizer=0.0)
    assert by_zennit.isnan().all()
    assert torch.equal(by_whyset, torch.zeros_like(x))


def test_norm_scale_of_gamma_measures_each_sign_of_the_output_or_all_denominators_together():
    layer, x = biased_layer()
    layer.bias.zero_()
    z, parts = layer(x), x.unsqueeze(1) * layer.weight
    up, down = (z + 0.25 * parts.clamp(**limit).sum(2) for limit in ({"min": 0}, {"max": 0}))

    def expect(measure_up, measure_down):
        scale = torch.where(z > 0, *(m.square().mean(1, keepdim=True).sqrt() for m in (measure_up, measure_down)))
        return gamma_form(layer, x, z.sign(), stabilize=lambda d: d + 0.5 * scale * d.sign())

    theirs = {"stabilizer": zennit.core.Stabilizer(0.5, norm_scale=True)}
    by_zennit, by_whyset = explain_rules(layer, x, "Gamma", theirs, stabilizer=rules.Stabilizer(0.5, norm_scale=True))
    agree(by_zennit, expect(up, down))
    agree(by_whyset, expect(*[torch.where(z > 0, up, down)] * 2))
    assert (by_zennit - by_whyset).abs().max() > 1e-3


def test_a_layer_used_twice_has_its_last_input_or_both():
    model, x = Twice(), torch.randn(3, 4, dtype=torch.float64)
    weight = model.layer.weight
    z = x @ weight.T
    a = z.tanh()
    c = torch.ones_like(z) @ weight  # the relevance of a is a ⊙ c
    by_zennit, by_whyset = explain_by_both(model, x)
    agree(by_whyset, x * (a * c / z @ weight))
    agree(by_zennit, a * (a * c / model(x) @ weight))


def test_weights_of_zero_leave_no_relevance_or_are_refused():
    layer, x = biased_layer()
    by_zennit = zennit.composites.NameMapComposite([([""], zennit.rules.Epsilon(zero_params="weight"))])
    assert explain(by_zennit.context(layer), layer, x, torch.ones_like)[1].abs().max() == 0
    with pytest.raises(InputError, match="expected 'bias'"):
        rules.Epsilon(zero_params="weight")


def test_rules_of_relu_act_on_the_module_they_are_attached_to_or_on_every_relu():
    model, x = Behind(nn.Tanh()), torch.randn(3, 5, dtype=torch.float64)
    attached = zennit.composites.NameMapComposite([(["then"], zennit.rules.ReLUDeconvNet())])
    _, by_zennit = explain(attached.context(model), model, x, torch.ones_like)
    _, by_whyset = explain(DeconvNet().context(model), model, x, torch.ones_like)
    agree(by_zennit, torch.ones(3, 4, dtype=torch.float64) @ model.first.weight)
    agree(by_whyset, (1 - model(x) ** 2) @ model.first.weight)


def test_entries_for_other_modules_than_linear_ones_have_an_effect_in_zennit_only():
    model, x = Behind(nn.Tanh()), torch.randn(3, 5, dtype=torch.float64)
    y = model(x)
    theirs = [(nn.Tanh, zennit.rules.Epsilon(0.5)), (nn.Linear, zennit.rules.Epsilon(1e-12))]
    ours = LayerMapComposite([(nn.Tanh, rules.Epsilon(0.5)), (nn.Linear, rules.Epsilon(1e-12))])
    _, by_zennit = explain(zennit.composites.LayerMapComposite(theirs).context(model), model, x, lambda y: y)
    _, by_whyset = explain(ours.context(model), model, x, lambda y: y)
    agree(by_whyset, x * (y / model.first(x) @ model.first.weight))
    stabilized = y / (y + 0.5 * y.sign())
    agree(by_zennit, x * (stabilized * (1 - y**2) @ model.first.weight))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.layer, self.between = nn.Linear(4, 4, bias=False), nn.Tanh()
        self.double().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.between(self.layer(x)))


class HeadFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.head, self.stem = nn.Linear(4, 2, bias=False), nn.Linear(5, 4, bias=False)
        self.between = nn.Tanh()
        self.double().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.between(self.stem(x)))


def test_the_first_layer_is_the_one_registered_or_executed_first():
    model, x = HeadFirst(), torch.randn(3, 5, dtype=torch.float64)
    by_zennit, by_whyset = explain_by_both(model, x, name="EpsilonPlusFlat")
    agree(by_whyset, by_whyset.mean(1, keepdim=True).expand(3, 5))  # Flat
    assert by_zennit.std(1).min() > 1e-3
    by_name = NameMapComposite((("head", rules.Flat(1e-12)), ("stem", rules.Epsilon(1e-12))))
    agree(explain(by_name.context(model), model, x, lambda y: y)[1], by_zennit)


def test_attention_is_an_error_or_explained():
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(x, x, x)[0]

    model, x = Attention().double().eval(), torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    with pytest.raises((RuntimeError, ValueError, TypeError)), zennit.composites.EpsilonPlus().context(model):
        model(x).backward(torch.ones(2, 3, 4, dtype=torch.float64))
    _, relevance = Gradient(model, EpsilonPlus())(x.detach(), lambda y: y)
    assert relevance.isfinite().all()
