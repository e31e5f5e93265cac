"""Coefficients of operations without a rule of their own, against closed forms."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient, OutputWeights
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.intercept.handlers import HANDLERS
from whyset.attribution.intercept.handlers.compound import STEPS
from whyset.attribution.intercept.handlers.norm import EDGES
from whyset.attribution.intercept.handlers.recurrent import CELLS
from whyset.attribution.intercept.operations import (
    OPERATIONS,
    Operation,
    OperationKind,
    build_table,
    canonical_name,
    find_operation,
    is_in_place,
)
from whyset.attribution.ledger import Cause


class Calls(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def relevance(function, x, coefficient=None):
    """The output, and the relevance of x when that of the output is `output ⊙ coefficient`, or the output itself."""
    target = (lambda output: output) if coefficient is None else OutputWeights(coefficient)
    return Gradient(Calls(function), EpsilonPlus(on_unknown="raise"))(x, target)


NAMES = "gelu silu elu selu celu mish hardswish softsign relu relu6 leaky_relu hardtanh tanhshrink"
ACTIVATIONS = {
    **{name: getattr(F, name) for name in NAMES.split()},
    "tanh": torch.tanh,
    "erf": torch.erf,
    "square": torch.square,
    "pow": lambda x: x**3,
    "method": lambda x: x.tanh(),
    "self gated": lambda x: x * x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_relevance_passes_through_functions_that_are_zero_at_zero(name):
    x = torch.randn(3, 7, dtype=torch.float64)
    x[0, 0] = 0
    output, r = relevance(ACTIVATIONS[name], x)
    torch.testing.assert_close(r, output, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("name", ["gelu", "silu", "tanh", "elu", "mish", "erf"])
def test_tiny_inputs_stay_finite_in_every_float_type(name, dtype):
    tiny = torch.finfo(dtype).smallest_normal
    x = torch.tensor([[0.0, tiny, -tiny, tiny / 8, 1e-5, -1e-5, 3.0, -30.0]], dtype=dtype)
    _, r = relevance(ACTIVATIONS[name], x)
    assert r.isfinite().all()


@pytest.mark.parametrize("function", [torch.sigmoid, F.softplus, torch.exp, torch.cos])
def test_the_value_at_zero_of_a_function_keeps_its_share(function):
    """c · (f(x) − f(0))/x is bounded at 0, where c · f(x)/x is not: gates of squeeze-and-excitation reached 1e12."""
    x = torch.randn(2, 5, dtype=torch.float64)
    output, r = relevance(function, x)
    torch.testing.assert_close(r, output - function(torch.zeros((), dtype=torch.float64)), rtol=1e-12, atol=1e-15)


def halves(x):
    return x[:, :3], x[:, 3:]


def test_two_factors_get_half_each():
    x = torch.randn(2, 6, dtype=torch.float64)
    output, r = relevance(lambda x: torch.mul(*halves(x)), x)
    torch.testing.assert_close(r, torch.cat([output, output], 1) / 2, rtol=1e-12, atol=0)


def test_matrix_products_and_einsum_get_half_each():
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    for function in (
        lambda x: x @ x.mT,
        lambda x: torch.einsum("bij,bkj->bik", x, x),
        lambda x: torch.baddbmm(torch.zeros(2, 4, 4).double(), x, x.mT),
    ):
        output, r = relevance(function, x)
        torch.testing.assert_close(r.sum((1, 2)), output.sum((1, 2)), rtol=1e-11, atol=0)


def test_a_factor_that_does_not_depend_on_the_input_takes_nothing():
    x, gate = torch.randn(2, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    output, r = relevance(lambda x: x * gate, x)
    torch.testing.assert_close(r, output)


def test_fused_attention_is_attention_written_out():
    x = torch.randn(2, 5, 8, dtype=torch.float64)

    def written(x):
        return torch.softmax(x @ x.mT / 8**0.5, -1) @ x

    output, fused = relevance(lambda x: F.scaled_dot_product_attention(x, x, x), x)
    expected_output, expected = relevance(written, x)
    torch.testing.assert_close(output, expected_output)
    torch.testing.assert_close(fused, expected, rtol=1e-10, atol=1e-12)


def detached(norm):
    return lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()


def test_norms_hold_their_deviation_constant():
    x = torch.randn(3, 4, 6, dtype=torch.float64)
    gain, shift = torch.randn(6).double(), torch.randn(6).double()
    deviation = (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    c = torch.randn(3, 4, 6, dtype=torch.float64)
    scaled = c * gain / deviation
    expected = x * (scaled - scaled.mean(-1, keepdim=True))
    _, r = relevance(lambda x: F.layer_norm(x, (6,), gain, shift), x, c)
    torch.testing.assert_close(r, expected, rtol=1e-10, atol=1e-12)
    _, r = relevance(lambda x: F.group_norm(x, 1), x.transpose(1, 2).reshape(3, 6, 4), torch.ones(3, 6, 4).double())
    torch.testing.assert_close(r, torch.zeros(3, 6, 4).double())  # all outputs of a group sum to a constant


def test_normalizing_by_hand_conserves():
    x = torch.randn(3, 6, dtype=torch.float64)
    for function in (
        F.normalize,
        lambda x: x / x.norm(dim=1, keepdim=True),
        lambda x: x * torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6),
        lambda x: F.rms_norm(x, (6,)),
    ):
        output, r = relevance(function, x)
        torch.testing.assert_close(r, output, rtol=1e-10, atol=1e-12)


def test_residual_sums_do_not_double():
    def eight_blocks(x):
        for _ in range(8):
            x = x + torch.relu(x)
        return x

    x = torch.rand(2, 3, dtype=torch.float64)
    output, r = relevance(eight_blocks, x)
    torch.testing.assert_close(r, output)


def test_multi_head_attention_is_seen_inside():
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, batch_first=True).double().eval()
    plan = EpsilonPlus().plan(Calls(lambda x: layer(x, x, x, need_weights=False)[0]), torch.randn(1, 4, 8).double())
    kinds = [step.kind for step in plan.steps]
    assert kinds.count("linear") == 2  # packed projection in, projection out
    assert "attention" in kinds
    assert "unknown" not in kinds


def test_names():
    assert canonical_name("__iadd__") == canonical_name("add_") == canonical_name("__radd__") == "add"
    assert canonical_name("__itruediv__") == "div"
    assert is_in_place("relu_")
    assert is_in_place("__setitem__")
    assert not any(is_in_place(name) for name in ("relu", "__add__", "requires_grad_", "__get__"))
    assert all(name == name.strip() for name in OPERATIONS)


K = torch.arange(1.0, 7, dtype=torch.float64).reshape(2, 3)
AT = torch.tensor([0, 2])
WITH_CONSTANTS = {
    "column_stack": lambda x: torch.column_stack([x, K]),
    "dstack": lambda x: torch.dstack([x, K]),
    "block_diag": lambda x: torch.block_diag(x, K),
    "index_copy": lambda x: x.index_copy(1, AT, K[:, :2]),
    "index_fill": lambda x: x.index_fill(1, AT, 2.0),
    "select_scatter": lambda x: x.select_scatter(K[:, 0], 1, 0),
    "slice_scatter": lambda x: x.slice_scatter(K[:, :2], 1, 0, 2),
    "diagonal_scatter": lambda x: x.diagonal_scatter(K[0, :2]),
    "bilinear": lambda x: F.bilinear(x, x, torch.ones(4, 3, 3).double(), torch.arange(4.0).double()),
}


@pytest.mark.parametrize("name", WITH_CONSTANTS)
def test_constants_of_a_call_have_a_cause_in_the_ledger(name):
    x = torch.rand(2, 3, dtype=torch.float64)
    attribute = Gradient(Calls(WITH_CONSTANTS[name]), EpsilonPlus(on_unknown="raise"))
    with attribute.ledger() as ledger:
        output, r = attribute(x, lambda output: output)
    kept = WITH_CONSTANTS[name](torch.zeros_like(x)).sum()
    torch.testing.assert_close(output.sum() - r.sum(), kept)
    ledger.assert_accounted(rtol=1e-10)
    cause = Cause.BIAS if name == "bilinear" else Cause.CONSTANT
    assert ledger.lost()[cause] == pytest.approx(float(kept))


def test_the_form_of_log_softmax_in_exported_graphs_is_log_softmax():
    x = torch.randn(2, 5, dtype=torch.float64)
    expected = relevance(lambda x: F.log_softmax(x, 1), x)
    torch.testing.assert_close(relevance(lambda x: torch.ops.aten._log_softmax.default(x, 1, False), x), expected)


def test_a_mean_without_missing_values_is_a_mean():
    x = torch.randn(2, 5, dtype=torch.float64)
    for function in (lambda x: x.nanmean(1), lambda x: x / x.square().nanmean(1, keepdim=True).sqrt()):
        output, r = relevance(function, x)
        torch.testing.assert_close(r.sum(1), output.reshape(2, -1).sum(1), rtol=1e-10, atol=1e-12)


def test_a_bilinear_map_with_a_weight_that_depends_on_the_input_gives_a_third_to_each():
    x = torch.randn(3, 3, dtype=torch.float64)
    output, r = relevance(lambda x: F.bilinear(x, x, x.expand(2, 3, 3)), x)
    torch.testing.assert_close(r.sum(), output.sum())


@pytest.mark.parametrize("dim", [-1, 0])
def test_a_dot_product_of_vectors_gives_half_to_each(dim):
    x = torch.randn(2, 6, dtype=torch.float64)
    written = relevance(lambda x: (x[:, :3] * x[:, 3:]).sum(dim), x)
    torch.testing.assert_close(relevance(lambda x: torch.linalg.vecdot(*halves(x), dim=dim), x), written)
    torch.testing.assert_close(written[1].sum(), written[0].sum())


@pytest.mark.parametrize("dim", [-1, 1])
def test_a_dot_product_with_a_constant_vector_is_a_linear_map(dim):
    x, w = torch.randn(2, 5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    torch.testing.assert_close(
        relevance(lambda x: torch.linalg.vecdot(x, w, dim=dim), x), relevance(lambda x: x @ w, x)
    )


@pytest.mark.filterwarnings("ignore:at..frobenius_norm")
def test_the_frobenius_norm_is_a_norm():
    x = torch.randn(2, 5, dtype=torch.float64)
    expected = relevance(lambda x: x / x.norm(dim=1, keepdim=True), x)
    torch.testing.assert_close(relevance(lambda x: x / torch.frobenius_norm(x, dim=1, keepdim=True), x), expected)


def test_a_name_with_two_rows_is_refused():
    rows = (Operation("relu", OperationKind.RELU), Operation("tanh", OperationKind.ACTIVATION))
    assert list(build_table({"functions": rows})) == ["relu", "tanh"]
    with pytest.raises(ValueError, match="'relu' has a row already"):
        build_table({"functions": rows, "others": (Operation("relu", OperationKind.TRANSPARENT),)})


def names_of(kind):
    return {name for name, operation in OPERATIONS.items() if operation.kind is kind}


def test_each_row_has_what_runs_it():
    assert set(HANDLERS) == set(OperationKind) - {OperationKind.PLAIN}
    assert set(STEPS) == names_of(OperationKind.COMPOUND)
    assert set(EDGES) == names_of(OperationKind.NORM)
    assert {name.removesuffix("_cell") for name in names_of(OperationKind.RECURRENT)} == set(CELLS)


def test_a_function_without_a_row_has_no_kind():
    assert find_operation("renorm") == Operation("renorm")
    assert find_operation("renorm").kind is None
