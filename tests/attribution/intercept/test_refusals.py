"""Models that hide their operations are refused with the true cause and the remedy, and the remedy works."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonPlus
from whyset.errors import InputError, UnseenOperationError, WhysetError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Around(nn.Module):
    """A model with a function in its middle."""

    def __init__(self, function):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
        self.function = function

    def forward(self, x):
        return self.last(self.function(self.first(x)))


class WithMethod(Around):
    """A model with a compiled method."""

    def __init__(self):
        super().__init__(self.act)

    @torch.compile(backend="eager")
    def act(self, x):
        return torch.relu(x)


class Unused(nn.Module):
    """A model with a compiled method that does not run, and a method that is excluded from compilation."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    @torch.compile(backend="eager")
    def other(self, x):
        return x

    @torch.compiler.disable
    def act(self, x):
        return torch.relu(x)

    def forward(self, x):
        return self.last(self.act(self.first(x)))


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g


def make_input():
    torch.manual_seed(1)
    return torch.randn(2, 3)


def explain(model):
    return Gradient(model.eval(), EpsilonPlus())(make_input(), 1)


def compile_in_place():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model[2].compile(backend="eager")
    return model


def test_a_module_compiled_in_place_is_refused_and_its_copy_is_explained():
    model = compile_in_place()
    with pytest.raises(InputError, match=r"2 \(Linear\) was compiled in place.*copy.deepcopy"):
        explain(model)
    with pytest.raises(InputError, match="compiled"), EpsilonPlus().context(model):
        pass
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(explain(copy.deepcopy(model)), explain(plain), rtol=0, atol=0)


@pytest.mark.parametrize("options", [{}, {"fullgraph": True}])
def test_a_compiled_function_is_refused_where_it_runs_and_its_original_is_explained(options):
    def act(x):
        return torch.relu(x) * 2

    compiled = torch.compile(act, backend="eager", **options)
    with pytest.raises(InputError, match=r"model \(Around\), .*act: this function is compiled by torch.compile"):
        explain(Around(compiled))
    with pytest.raises(InputError, match=r"compiled by torch\.compile"):
        explain(Around(lambda x: x + compiled(x)))  # as a part of a sum, its relevance would be lost in silence
    expected = explain(Around(act))
    torch.testing.assert_close(explain(Around(compiled._torchdynamo_orig_callable)), expected, rtol=0, atol=0)


def test_compiled_methods_are_refused_only_if_they_run():
    with pytest.raises(InputError, match=r"WithMethod.act: this function is compiled"):
        explain(WithMethod())
    expected = explain(Around(torch.relu))
    torch.testing.assert_close(explain(Unused()), expected, rtol=0, atol=0)


def test_a_compiled_forward_is_refused_before_it_runs():
    model = nn.Linear(3, 2)
    model.forward = torch.compile(model.forward, backend="eager")
    with pytest.raises(InputError, match=r"the model \(Linear\): its forward is compiled"):
        explain(model)


def test_compiled_functions_work_again_after_a_refusal():
    compiled = torch.compile(torch.relu, backend="eager")
    with pytest.raises(InputError):
        explain(Around(compiled))
    x = make_input()
    assert torch.equal(compiled(x), torch.relu(x))
    assert torch._guards.TracingContext.try_get() is None


def test_scripted_and_traced_modules_are_refused_by_name():
    for hidden in (torch.jit.trace(nn.Linear(4, 4), torch.ones(1, 4)), torch.jit.script(nn.Linear(4, 4))):
        model = nn.Sequential(nn.Linear(3, 4), hidden)
        with pytest.raises(UnseenOperationError, match=r"1 \(.*\) is scripted or traced by torch.jit.*state_dict"):
            explain(model)


def test_quantized_layers_are_refused_by_name():
    float_model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model = torch.ao.quantization.quantize_dynamic(float_model, {nn.Linear})
    for composite in (EpsilonPlus(), None):
        with pytest.raises(InputError, match=r"0 \(Linear\) is a quantized layer.*before\s+quantization"):
            Gradient(model, composite)(make_input(), 1)


def test_exported_programs_are_refused_and_their_module_is_explained():
    model = Around(torch.relu).eval()
    exported = torch.export.export(model, (make_input(),))
    with pytest.raises(InputError, match=r"pass exported.module\(\)"):
        Gradient(exported, EpsilonPlus())(make_input(), 1)
    output, relevance = Gradient(exported.module(), EpsilonPlus())(make_input(), 1)
    torch.testing.assert_close(output, model(make_input()).detach())
    assert relevance.any()


def test_a_function_as_model_is_refused():
    for composite in (EpsilonPlus(), None):
        with pytest.raises(InputError, match=r"expected a torch.nn.Module as model, got function"):
            Gradient(lambda x: x, composite)(make_input(), 1)


WEIGHTS = torch.randn(5, 4, 4)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.vmap(lambda w: x @ w)(WEIGHTS).sum(0),
        torch.vmap(lambda row: row * 2),
        lambda x: torch.func.grad(lambda z: (z**2).sum())(x),
        lambda x: x + torch.vmap(lambda row: row * 2)(x),
    ],
    ids=["vmap over weights", "vmap over samples", "grad", "in a sum"],
)
def test_transforms_inside_the_model_are_named(function):
    with pytest.raises(InputError, match=r"model \(Around\), \w+: .*transform of torch.func \(vmap"):
        explain(Around(function))


def test_transforms_of_constants_are_no_concern():
    rows = torch.arange(4.0)

    def act(x):
        return torch.relu(x) * torch.vmap(lambda row: row + 1)(rows)

    expected = explain(Around(lambda x: torch.relu(x) * (rows + 1)))
    torch.testing.assert_close(explain(Around(act)), expected, rtol=0, atol=0)


def test_an_embedding_inside_a_transform_is_named():
    class Mapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

        def forward(self, ids):
            return self.head((self.table(ids) + torch.vmap(self.table)(ids)).mean(1))

    with pytest.raises(InputError, match=r"table \(Embedding\), embedding: .*transform"):
        Gradient(Mapped(), EpsilonPlus())(torch.ones(2, 3, dtype=torch.int64), 1)


@pytest.mark.parametrize("composite", [EpsilonPlus(), None], ids=["rules", "gradient"])
def test_operations_without_a_derivative_are_named(composite):
    model = Around(lambda x: torch.igamma(x.abs() + 1, torch.ones_like(x)))
    with pytest.raises(UnseenOperationError, match="derivative for 'igamma: input' is not implemented"):
        Gradient(model, composite)(make_input(), 1)


class FixedCache(nn.Module):
    """Attention in steps, with keys written into a cache of fixed size after a step has used it."""

    def forward(self, x):
        cache, outputs = torch.zeros(len(x), x.shape[1], 4), []
        for step in range(x.shape[1]):
            cache[:, step] = x[:, step]
            outputs.append(F.scaled_dot_product_attention(x[:, step : step + 1], cache, cache))
        return torch.cat(outputs, dim=1).sum((1, 2), keepdim=True)[..., 0]


@pytest.mark.parametrize("composite", [AttnLRP(), EpsilonPlus(), None], ids=["attn_lrp", "epsilon_plus", "gradient"])
def test_writes_that_destroy_what_backward_needs_are_explained(composite):
    with pytest.raises(UnseenOperationError, match=r"writes in place .* cache that grows.*torch reports: .*modified"):
        Gradient(FixedCache(), composite)(torch.rand(2, 3, 4), 0)


@pytest.mark.parametrize(
    ("function", "place"),
    [
        (lambda x: x.detach(), r"model \(Around\), detach"),
        (lambda x: x.long().float(), r"model \(Around\), long"),
        (lambda x: torch.stack([torch.histc(row, 4) for row in x]), r"model \(Around\), histc"),
    ],
    ids=["detach", "long", "histc"],
)
def test_where_the_gradient_is_lost_is_named(function, place):
    with pytest.raises(UnseenOperationError, match=rf"the gradient is lost at {place}\."):
        explain(Around(function))


@pytest.mark.parametrize(
    ("function", "cause", "false_cause"),
    [
        (Doubled.apply, "custom autograd function 'Doubled'", "script"),
        (
            lambda x: torch.utils.checkpoint.checkpoint(torch.relu, x, use_reentrant=True),
            "checkpoint .*Disable checkpointing",
            "script",
        ),
        (torch.jit.trace(lambda x: x * 2, torch.ones(2, 4)), "a scripted function, an extension", "checkpoint"),
    ],
    ids=["custom function", "checkpoint", "traced function"],
)
def test_the_cause_of_a_hidden_operation_is_the_true_one(function, cause, false_cause):
    with pytest.raises(WhysetError, match=rf"last \(Linear\).*could not be seen: .*{cause}") as caught:
        explain(Around(function))
    assert false_cause not in str(caught.value)
