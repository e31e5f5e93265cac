"""Recurrent networks are explained as their cell equations are; the oracle runs these for sequences of one length."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from whyset.attribution import Gradient
from whyset.attribution.composites import (
    CPLRP,
    AttnLRP,
    EpsilonPlus,
    EpsilonPlusFlat,
    ExcitationBackprop,
    GuidedBackprop,
)

COMPOSITES = {
    "attn_lrp": AttnLRP(on_unknown="raise"),
    "cp_lrp": CPLRP(on_unknown="raise"),
    "epsilon_plus": EpsilonPlus(on_unknown="raise"),
    "epsilon_plus_flat": EpsilonPlusFlat(on_unknown="raise"),
    "excitation": ExcitationBackprop(on_unknown="raise"),
}
INPUTS, HIDDEN, STEPS, BATCH = 3, 4, 3, 3


def lstm_step(x, state, w_ih, w_hh, b_ih, b_hh, w_hr):
    h, c = state
    i, f, g, o = (F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    h = torch.sigmoid(o) * torch.tanh(c)
    return (h if w_hr is None else F.linear(h, w_hr), c)


def gru_step(x, state, w_ih, w_hh, b_ih, b_hh, _):
    (h,) = state
    xr, xz, xn = F.linear(x, w_ih, b_ih).chunk(3, 1)
    hr, hz, hn = F.linear(h, w_hh, b_hh).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    n = torch.tanh(xn + r * hn)
    return ((1 - z) * n + z * h,)


def rnn_step(function):
    def step(x, state, w_ih, w_hh, b_ih, b_hh, _):
        return (function(F.linear(x, w_ih, b_ih) + F.linear(state[0], w_hh, b_hh)),)

    return step


STEP = {"LSTM": lstm_step, "GRU": gru_step, "RNN_TANH": rnn_step(torch.tanh), "RNN_RELU": rnn_step(torch.relu)}


def run_by_hand(network, x, initial):
    """Return the output and the final states of x (steps, sequences, features)."""
    step, finals = STEP[network.mode], []
    for layer in range(network.num_layers):
        outputs = []
        for direction in range(2 if network.bidirectional else 1):
            suffix = f"_l{layer}" + ("_reverse" if direction else "")
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
            parameters = [getattr(network, name + suffix, None) for name in names]
            state = tuple(part[len(finals)] for part in initial)
            hidden = {}
            for t in reversed(range(len(x))) if direction else range(len(x)):
                state = step(x[t], state, *parameters)
                hidden[t] = state[0]
            outputs.append(torch.stack([hidden[t] for t in range(len(x))]))
            finals.append(state)
        x = torch.cat(outputs, -1)
    return x, [torch.stack(parts) for parts in zip(*finals, strict=True)]


class Recurrent(nn.Module):
    """A recurrent network and a head that reads all of its outputs and final states.

    `states`: "missing", "constant", or "dependent" on the input. `packing`: how sequences of different lengths are
    packed; without it, all have the same length.
    """

    def __init__(self, network, states="missing", packing=None):
        super().__init__()
        self.network, self.states, self.packing = network, states, packing
        self.lengths = {"sorted": (3, 2, 1), "unsorted": (1, 3, 2), "list": (1, 3, 3)}.get(packing, (STEPS,) * BATCH)
        self.written = False
        cells = network.num_layers * (2 if network.bidirectional else 1)
        sizes = [network.proj_size or network.hidden_size] + [network.hidden_size] * (network.mode == "LSTM")
        self.shapes = [(cells, size) for size in sizes]
        self.start = nn.ModuleList(nn.Linear(INPUTS, cells * size) for size in sizes)
        width = STEPS * (2 if network.bidirectional else 1) * sizes[0] + cells * sum(sizes)
        self.head = nn.Linear(width, 2)

    def initial(self, x):
        """The initial states (cells, sequences, features), h first."""
        first = x[:, 0] if self.states == "dependent" else torch.ones_like(x[:, 0])
        states = [
            layer(first).view(len(x), *shape).transpose(0, 1)
            for layer, shape in zip(self.start, self.shapes, strict=True)
        ]
        return [torch.zeros_like(state) for state in states] if self.states == "missing" else states

    def forward(self, x):
        output, finals = self.run_written(x) if self.written else self.run_fused(x)
        return self.head(torch.cat([output.flatten(1), *(part.transpose(0, 1).flatten(1) for part in finals)], 1))

    def run_fused(self, x):
        initial = self.initial(x)
        hx = None if self.states == "missing" else tuple(initial) if len(initial) > 1 else initial[0]
        if self.packing is None:
            output, finals = self.network(x if self.network.batch_first else x.transpose(0, 1), hx)
            output = output if self.network.batch_first else output.transpose(0, 1)
        else:
            output, finals = self.network(self.pack(x), hx)
            output, _ = pad_packed_sequence(output, batch_first=True, total_length=STEPS)
        return output, finals if isinstance(finals, tuple) else (finals,)

    def pack(self, x):
        if self.packing == "list":
            sequences = [one[:n] for one, n in zip(x, self.lengths, strict=True)]
            return pack_sequence(sequences, enforce_sorted=False)
        return pack_padded_sequence(x, self.lengths, batch_first=True, enforce_sorted=self.packing == "sorted")

    def run_written(self, x):
        initial = self.initial(x)
        if self.packing is None:
            output, finals = run_by_hand(self.network, x.transpose(0, 1), initial)
            return output.transpose(0, 1), finals
        outputs, finals = [], []
        for i, length in enumerate(self.lengths):
            one = slice(i, i + 1)
            output, final = run_by_hand(
                self.network, x[one, :length].transpose(0, 1), [part[:, one] for part in initial]
            )
            outputs.append(F.pad(output.transpose(0, 1), (0, 0, 0, STEPS - length)))
            finals.append(final)
        return torch.cat(outputs), [torch.cat(parts, 1) for parts in zip(*finals, strict=True)]


def build(kind, states="missing", packing=None, **options):
    torch.manual_seed(0)
    given = {"nonlinearity": kind.removeprefix("RNN_").lower()} if kind.startswith("RNN") else {}
    network = getattr(nn, kind.split("_", maxsplit=1)[0])(INPUTS, HIDDEN, **given, **options)
    return Recurrent(network, states, packing).double().eval(), torch.randn(BATCH, STEPS, INPUTS).double()


VARIANTS = {
    "plain": {},
    "batch first": {"batch_first": True},
    "stacked": {"num_layers": 2, "batch_first": True},
    "bidirectional": {"bidirectional": True},
    "stacked, both directions, dropout in eval mode": {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
    "without bias": {"bias": False, "num_layers": 2},
    "constant states": {"states": "constant", "num_layers": 2},
    "dependent states": {"states": "dependent", "bidirectional": True},
    "packed": {"packing": "sorted", "bidirectional": True},
    "packed, unsorted": {"packing": "unsorted", "num_layers": 2, "states": "dependent", "bidirectional": True},
    "packed from a list": {"packing": "list"},
}
PROJECTED = {
    "projected": {"proj_size": 2, "num_layers": 2, "bidirectional": True},
    "projected, packed, without bias": {"proj_size": 2, "bias": False, "packing": "unsorted", "states": "constant"},
}


def assert_close(got, expected):
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize(
    ("kind", "variant"),
    [(kind, variant) for kind in STEP for variant in VARIANTS] + [("LSTM", variant) for variant in PROJECTED],
)
def test_networks_are_explained_as_their_equations(kind, variant, composite):
    model, x = build(kind, **(VARIANTS | PROJECTED)[variant])
    plain = model(x)
    attribute = Gradient(model, COMPOSITES[composite])
    with attribute.ledger() as ledger:
        output, relevance = attribute(x, 1)
    model.written = True
    expected_output, expected = attribute(x, 1)
    assert torch.equal(output, plain)
    assert_close(output, expected_output)
    assert_close(relevance, expected)
    assert relevance.any()
    ledger.assert_accounted()


class Stepwise(nn.Module):
    """A cell in a loop over the steps, as the module or by its equations."""

    def __init__(self, cell, mode, bias):
        super().__init__()
        given = {"nonlinearity": mode.removeprefix("RNN_").lower()} if mode.startswith("RNN") else {}
        self.cell, self.mode, self.written = cell(INPUTS, HIDDEN, bias=bias, **given), mode, False
        self.head = nn.Linear(HIDDEN, 2)

    def forward(self, x):
        state = None
        for t in range(x.shape[1]):
            state = self.write_step(x[:, t], state) if self.written else self.cell(x[:, t], state)
        return self.head(state if isinstance(state, torch.Tensor) else state[0])

    def write_step(self, x, state):
        state = [x.new_zeros(len(x), HIDDEN)] * (1 + (self.mode == "LSTM")) if state is None else state
        state = (state,) if isinstance(state, torch.Tensor) else state
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        state = STEP[self.mode](x, state, *(getattr(self.cell, name) for name in names), None)
        return state if len(state) > 1 else state[0]


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("mode", STEP)
def test_cells_are_explained_as_their_equations(mode, bias, composite):
    torch.manual_seed(0)
    cell = {"LSTM": nn.LSTMCell, "GRU": nn.GRUCell}.get(mode, nn.RNNCell)
    model, x = Stepwise(cell, mode, bias).double().eval(), torch.randn(BATCH, STEPS, INPUTS).double()
    plain = model(x)
    attribute = Gradient(model, COMPOSITES[composite])
    with attribute.ledger() as ledger:
        output, relevance = attribute(x, 1)
    model.written = True
    assert torch.equal(output, plain)
    assert_close(relevance, attribute(x, 1)[1])
    ledger.assert_accounted()


@pytest.mark.parametrize("kind", STEP)
@pytest.mark.parametrize("variant", ["plain", "stacked, both directions, dropout in eval mode", "packed, unsorted"])
def test_with_constant_gates_and_without_candidate_biases_relevance_is_conserved(kind, variant):
    options = VARIANTS[variant] | {"states": "missing"}
    model, x = build(kind, **options)
    with torch.no_grad():
        model.head.bias.zero_()
        for name, parameter in model.network.named_parameters():
            if "bias" in name:
                candidate = {"LSTM": slice(2 * HIDDEN, 3 * HIDDEN), "GRU": slice(2 * HIDDEN, None)}
                parameter[candidate.get(kind, slice(None))] = 0
    output, relevance = Gradient(model, CPLRP())(x, 1)
    torch.testing.assert_close(relevance.sum((1, 2)), output[:, 1], rtol=1e-10, atol=1e-12)


def test_constant_gates_give_everything_to_the_candidate():
    """In closed form: with gates i, f, o and slopes tanh(x)/x held constant, the state is linear in the input."""
    torch.manual_seed(0)
    cell, x = nn.LSTMCell(2, 3).double(), torch.randn(1, 2).double()
    with torch.no_grad():
        i, _, g, o = (F.linear(x, cell.weight_ih, cell.bias_ih) + cell.bias_hh).chunk(4, 1)
        c = torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        expected = ((h / g)[0, :, None] * cell.weight_ih[6:9] * x).sum(0, keepdim=True)

    class First(nn.Module):
        def forward(self, x):
            return cell(x)[0]

    _, relevance = Gradient(First(), CPLRP())(x, lambda output: output)
    assert_close(relevance, expected)


@pytest.mark.parametrize(
    ("gate", "partner"),
    [
        (torch.sigmoid, torch.tanh),
        (F.hardsigmoid, F.relu),
        (lambda a: torch.softmax(a, 1), F.silu),
        (F.silu, lambda b: b),
        (torch.tanh, lambda b: b),
        (lambda a: 1 - torch.sigmoid(a), torch.tanh),
    ],
)
def test_a_gate_is_constant_whatever_its_partner(gate, partner):
    class Gated(nn.Module):
        def forward(self, x):
            a, b = x.chunk(2, 1)
            return gate(a) * partner(b)

    x = torch.randn(3, 4).double()
    output, relevance = Gradient(Gated(), CPLRP())(x, lambda output: output)
    torch.testing.assert_close(relevance, torch.cat([torch.zeros_like(output), output], 1))


@pytest.mark.parametrize("composite", ["attn_lrp", "cp_lrp", "excitation"])
@pytest.mark.parametrize("packing", [None, "unsorted"])
@pytest.mark.parametrize("kind", STEP)
def test_a_sequence_does_not_depend_on_its_companions(kind, packing, composite):
    model, x = build(kind, packing=packing, bidirectional=True)
    attribute = Gradient(model, COMPOSITES[composite])
    _, together = attribute(x, 1)
    for i, length in enumerate(model.lengths):
        model.lengths = (length,)
        assert_close(attribute(x[i : i + 1], 1)[1], together[i : i + 1])


def test_an_input_without_batch_dimension_is_explained():
    torch.manual_seed(0)
    network = nn.GRU(INPUTS, 2, bidirectional=True).double()

    class Unbatched(nn.Module):
        def forward(self, x):
            return network(x)[0]

    class Batched(nn.Module):
        def forward(self, x):
            return network(x[:, None])[0][:, 0]

    x = torch.randn(STEPS, INPUTS).double()
    single, batched = (Gradient(model, AttnLRP())(x, lambda output: output)[1] for model in (Unbatched(), Batched()))
    assert_close(single, batched)


def test_gradients_are_those_of_torch():
    model, x = build("LSTM", num_layers=2, bidirectional=True)
    x.requires_grad_()
    (expected,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    assert_close(Gradient(model)(x, 1)[1], expected)


def test_guided_backpropagation_reaches_the_relus_inside():
    model, x = build("RNN_RELU", num_layers=2)
    attribute = Gradient(model, GuidedBackprop())
    _, guided = attribute(x, 1)
    model.written = True
    assert_close(guided, attribute(x, 1)[1])


@pytest.mark.parametrize("composite", ["attn_lrp", "epsilon_plus_flat"])
@pytest.mark.parametrize("kind", STEP)
def test_relevance_has_its_true_derivative(kind, composite):
    model, x = build(kind, packing="unsorted")
    direction = torch.randn_like(x)
    attribute = Gradient(model, COMPOSITES[composite], create_graph=True)

    def value(at):
        return (attribute(at, 1)[1] ** 2).sum()

    at = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(value(at), at)
    step = 1e-5
    ends = [value((x + sign * step * direction).requires_grad_()) for sign in (1, -1)]
    expected = ((ends[0] - ends[1]) / (2 * step)).detach()
    torch.testing.assert_close((slope * direction).sum(), expected, rtol=1e-5, atol=1e-8)


def test_dropout_between_layers_in_training_mode_is_that_of_the_output():
    model, x = build("LSTM", num_layers=3, dropout=0.5, bidirectional=True)
    model.train()
    torch.manual_seed(7)
    plain = model(x)
    torch.manual_seed(7)
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        output, _ = attribute(x, 1)
    assert_close(output, plain)
    ledger.assert_accounted()


def test_the_rules_of_a_network_can_be_chosen_by_its_path():
    model, x = build("LSTM")
    plan = EpsilonPlusFlat().plan(model, x)
    linear = [step for step in plan.steps if step.operation == "linear" and step.module == "network"]
    assert len(linear) == 2 * STEPS - 1  # the input and the state of each step; the first state is a constant
    assert "first" in linear[0].reason
    assert not [step for step in plan.steps if step.kind == "unknown"]
