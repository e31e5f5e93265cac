"""What implementations of LRP are known to get wrong, where no other test of this folder has it."""

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat
from whyset.errors import InputError, UnseenOperationError, WhysetError


def small(bias=True):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6, bias=bias), nn.ReLU(), nn.Linear(6, 3, bias=bias)).double().eval()


def inputs(count=2, width=4):
    torch.manual_seed(1)
    return torch.randn(count, width).double()


def test_weight_norm_parametrization_is_its_plain_layer():
    torch.manual_seed(0)
    normed = nn.Sequential(parametrizations.weight_norm(nn.Conv1d(2, 3, 3)), nn.ReLU(), nn.Conv1d(3, 2, 2)).double()
    plain = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Conv1d(3, 2, 2)).double()
    plain[0].weight.data, plain[0].bias.data = normed[0].weight.detach().clone(), normed[0].bias.detach().clone()
    plain[2].load_state_dict(normed[2].state_dict())
    x = torch.randn(2, 2, 6).double()
    for composite in (EpsilonPlusFlat(), EpsilonAlpha2Beta1()):
        expected = Gradient(plain, composite)(x, lambda output: output)[1]
        torch.testing.assert_close(
            Gradient(normed, composite)(x, lambda output: output)[1], expected, rtol=1e-9, atol=1e-12
        )


@dataclass
class Answer:
    logits: Tensor
    hidden: tuple[Tensor, ...]


class Named(dict):
    """A dictionary with attributes, as libraries return it."""

    @property
    def logits(self):
        return self["logits"]


@pytest.mark.parametrize(
    "wrap", [lambda out: Answer(out, (out * 2,)), lambda out: Named(logits=out)], ids=["dataclass", "dict"]
)
def test_outputs_keep_their_type(wrap):
    model = small()

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return wrap(self.model(x))

    x = inputs().requires_grad_()
    wrapped = Wrapped()
    with EpsilonPlus().context(wrapped):
        answer = wrapped(x)
        assert type(answer) is type(wrap(x))
        answer.logits[:, 1].backward(answer.logits[:, 1].detach())
    torch.testing.assert_close(x.grad, Gradient(model, EpsilonPlus())(x.detach(), 1)[1], rtol=1e-9, atol=1e-12)


class Tokens(nn.Module):
    """A bag of words with positions."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.positions, self.last = nn.Embedding(11, 6), nn.Embedding(5, 6), nn.Linear(6, 3, bias=False)

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1])
        return self.last((self.words(tokens) + self.positions(places)).mean(1))


def test_integer_inputs_are_explained_at_their_embedding():
    model, tokens = Tokens().double(), torch.tensor([[1, 5, 5, 0], [7, 2, 10, 3]])
    output, relevance = Gradient(model, AttnLRP())(tokens, 2)
    assert relevance.shape == (2, 4, 6)
    expected = model.words(tokens) * model.last.weight[2] / 4
    torch.testing.assert_close(relevance, expected)
    torch.testing.assert_close(output, model(tokens))
    assert Gradient(model)(tokens, 2)[1].shape == (2, 4, 6)


def test_integer_inputs_without_an_embedding_are_refused():
    class Counts(nn.Module):
        def forward(self, tokens):
            return F.one_hot(tokens, 5).double().sum(1)

    with pytest.raises(InputError, match="no embedding"):
        Gradient(Counts(), AttnLRP())(torch.tensor([[1, 2]]), 0)


def test_an_optimizer_made_before_keeps_working():
    model, x = small(), inputs()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Gradient(model, EpsilonPlus()) as attribute:
        attribute(x, 1)
    assert all(parameter.grad is None for parameter in model.parameters())
    before = model[0].weight.clone()
    model(x).sum().backward()
    optimizer.step()
    assert not torch.equal(model[0].weight, before)


def test_autocast_forward_and_backward_outside_of_it():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)
    ).eval()
    x = torch.rand(2, 3, 8, 8)
    for composite in (EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(0.0, 1.0)):
        with torch.autocast("cpu", torch.bfloat16):
            output, relevance = Gradient(model, composite)(x, 1)
        expected = Gradient(model, composite)(x, 1)[1]
        assert output.dtype == torch.bfloat16
        assert relevance.dtype == torch.float32
        assert relevance.isfinite().all()
        assert (relevance - expected).norm() < 0.1 * expected.norm()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "composite",
    [EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(0.0, 1.0), AttnLRP()],
    ids=lambda c: type(c).__name__,
)
def test_half_precision_stays_finite_at_tiny_outputs_and_without_positive_contributions(composite, dtype):
    torch.manual_seed(0)
    model = (
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 2), nn.GELU(), nn.Flatten(), nn.Linear(16, 2))
        .eval()
        .to(dtype)
    )
    with torch.no_grad():
        model[2].weight[0] = -model[2].weight[0].abs()  # P = 0 behind a ReLU
        model[2].bias.zero_()
        model[5].weight.mul_(1e-5)
        model[5].bias.mul_(1e-5)
    x = torch.rand(2, 2, 5, 5, dtype=dtype)
    x[0] = 0
    relevance = Gradient(model, composite)(x, 1)[1]
    assert relevance.isfinite().all()


def test_data_parallel_is_refused_by_name():
    with pytest.raises(InputError, match=r"DataParallel.*\.module"):
        Gradient(nn.DataParallel(small()), EpsilonPlus())(inputs(), 0)


def test_compiled_submodules_are_refused_by_name():
    model = small()
    compiled = nn.Sequential(torch.compile(model[0], backend="eager"), *list(model)[1:])
    with pytest.raises(InputError, match=r"0 \(OptimizedModule\) is compiled.*_orig_mod"):
        Gradient(compiled, EpsilonPlus())(inputs(), 1)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoints_are_refused_by_name(reentrant):
    model = small()

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.rest = model[0], model[1:]

        def forward(self, x):
            return checkpoint(self.rest, self.first(x), use_reentrant=reentrant)

    with pytest.raises(UnseenOperationError, match=r"(?i)checkpoint"):
        Gradient(Checkpointed(), EpsilonPlus())(inputs(), 1)


def test_function_transforms_are_right_or_refused_by_name():
    model = small()
    attribute = Gradient(model, EpsilonPlus())
    with pytest.raises(WhysetError, match=r"torch\.func|vmap|transform"):
        torch.func.grad(lambda x: attribute(x, 1)[1].sum())(inputs())


def test_hooks_of_others_run_once_and_may_change_the_output():
    model, calls = small(), []
    handles = [
        model[1].register_forward_hook(lambda module, args, output: calls.append(1) or output * 2),
        model[0].register_full_backward_hook(lambda *_: None),
    ]
    output, relevance = Gradient(model, EpsilonPlus(zero_params="bias", epsilon=0.0))(inputs(), 1)
    assert calls == [1]
    torch.testing.assert_close(output, model(inputs()))
    assert relevance.isfinite().all()
    for handle in handles:
        handle.remove()


class Divided(nn.Module):
    """A linear function, divided by another one that a small number keeps away from 0."""

    def __init__(self, divide):
        super().__init__()
        self.top, self.bottom, self.divide = nn.Linear(4, 3), nn.Linear(4, 3), divide

    def forward(self, x):
        return self.divide(self.top(x), self.bottom(x).square()).sum(1, keepdim=True)


@pytest.mark.parametrize("guard", [1e-15, 1e-8, 1e-4])
@pytest.mark.parametrize(
    "divide",
    [
        lambda a, b, guard: a / (b + guard),
        lambda a, b, guard: a / b.clamp_min(guard),
        lambda a, b, guard: a * (b + guard).reciprocal(),
        lambda a, b, guard: a * (1 / (b + guard)),
        lambda a, b, guard: a * (b + guard).rsqrt(),
        lambda a, b, guard: a * (b + guard) ** -1.5,
        lambda a, b, guard: 1 / (b + guard) + 0 * a,
    ],
)
def test_a_small_number_that_guards_a_division_changes_nothing(divide, guard):
    torch.manual_seed(0)
    model, x = Divided(lambda a, b: divide(a, b, 0.0)).double(), torch.randn(2, 4).double()
    expected = Gradient(model, AttnLRP())(x, 0)[1]
    model.divide = lambda a, b: divide(a, b, guard)
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        relevance = attribute(x, 0)[1]
    ledger.assert_accounted(1e-10)
    smallest = float(model.bottom(x).detach().square().min())
    torch.testing.assert_close(relevance, expected, rtol=0, atol=3 * guard / smallest * float(expected.abs().max()))


def test_a_batch_norm_of_one_sample_passes_the_gradient_of_a_transposed_tensor():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

        def forward(self, x):
            tokens = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
            return (self.head(tokens) * tokens[..., :2]).sum(1)

    torch.manual_seed(0)
    model, x = Tokens(), torch.randn(2, 3, 5, 4).double()
    nn.init.normal_(model.norm.weight)
    nn.init.normal_(model.norm.running_mean)
    model.double().eval()
    both = Gradient(model, AttnLRP())(x, 0)[1]
    alone = [Gradient(model, AttnLRP())(x[i : i + 1], 0)[1] for i in range(2)]
    torch.testing.assert_close(torch.cat(alone), both, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "composite",
    [AttnLRP(), EpsilonPlus(), EpsilonPlusFlat(), EpsilonAlpha2Beta1(), EpsilonGammaBox(-3.0, 3.0)],
    ids=lambda composite: type(composite).__name__,
)
def test_a_vector_is_explained_as_a_batch_of_one_sample(composite):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double().eval()
    x, first = torch.randn(6, dtype=torch.float64), torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    _, relevance = Gradient(model, composite)(x, lambda output: first * output)
    _, expected = Gradient(model, composite)(x[None], 0)
    torch.testing.assert_close(relevance, expected[0])


class GroupSoftmax(nn.Module):
    """A softmax over the elements with the same index, between linear layers."""

    def __init__(self, scatter):
        super().__init__()
        torch.manual_seed(0)
        self.scatter, self.first, self.last = scatter, nn.Linear(4, 6), nn.Linear(6, 3)
        self.register_buffer("index", torch.tensor([0, 0, 1, 1, 2, 1]))

    def forward(self, x):
        h = self.first(x)
        if not self.scatter:
            other = self.index[:, None] != self.index
            return self.last(h[:, None].expand(-1, 6, -1).masked_fill(other, -torch.inf).softmax(2).diagonal(0, 1, 2))
        e = h.exp()
        return self.last(e / h.new_zeros(len(h), 3).index_add(1, self.index, e)[:, self.index].add(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("composite", [AttnLRP(), EpsilonPlusFlat()], ids=lambda composite: type(composite).__name__)
def test_offsets_of_scattered_values_have_the_precision_of_the_call(composite, dtype):
    x = inputs().to(dtype)
    maps = [Gradient(GroupSoftmax(way).to(dtype).eval(), composite)(x, 1)[1].float() for way in (False, True)]
    tolerance = 20 * torch.finfo(dtype).eps
    torch.testing.assert_close(maps[1], maps[0], rtol=tolerance, atol=tolerance * maps[0].abs().max().item())
