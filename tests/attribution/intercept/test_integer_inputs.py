"""Ids of tokens are explained wherever they are embedded; ids that become values in another way are refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP, EpsilonPlus
from whyset.errors import InputError

VOCABULARY, TOKENS, WIDTH = 60, 7, 8
CLS = torch.full((2, 1), 50)


class Words(nn.Module):
    """Classifies ids by a function that embeds them."""

    def __init__(self, embed):
        super().__init__()
        torch.manual_seed(0)
        self.embed = embed
        self.table, self.head = nn.Embedding(VOCABULARY, WIDTH), nn.Linear(WIDTH, 3)
        self.scale = nn.Parameter(torch.randn(WIDTH))
        self.double().eval()

    def forward(self, ids):
        return self.head(torch.relu(self.embed(self, ids)).mean(1))


def make_ids():
    torch.manual_seed(1)
    return torch.randint(1, 40, (2, TOKENS))


def explain_rows(model, rows, target=1):
    """Explain the part of `Words` after the embedding, for its rows (n, tokens, width)."""
    after = nn.Sequential(nn.ReLU(), Mean(), model.head)
    return Gradient(after, AttnLRP())(rows.detach(), target)


class Mean(nn.Module):
    def forward(self, h):
        return h.mean(1)


def shift_right(ids):
    shifted = ids.new_zeros(ids.shape)
    shifted[:, 1:] = ids[:, :-1].clone()
    shifted[:, 0] = 2
    return shifted


def copy_into_view(ids):
    buffer = ids.new_zeros(2, TOKENS + 1)
    buffer[:, 1:].copy_(ids)
    return buffer


def write_in_place(ids):
    ids.clamp_(min=5)
    ids += 1
    ids[ids > 30] = 3
    return ids


def add_into_out(ids):
    out = torch.empty_like(ids)
    torch.add(ids, 1, out=out)
    return out


CHANGES = {
    "long": lambda ids: ids.int().long(),
    "clamp": lambda ids: ids.clamp(5, 20),
    "add": lambda ids: ids + 1,
    "reflected subtract": lambda ids: 59 - ids,
    "slice": lambda ids: ids[:, 1:-1],
    "roll": lambda ids: ids.roll(1, 1),
    "flip": lambda ids: ids.flip(1),
    "pad": lambda ids: F.pad(ids, (1, 1)),
    "masked_fill": lambda ids: ids.masked_fill(ids > 20, 0),
    "where": lambda ids: torch.where(ids > 20, torch.zeros_like(ids), ids),
    "cat with a constant": lambda ids: torch.cat([CLS, ids, CLS], 1),
    "shift": shift_right,
    "copy into a view": copy_into_view,
    "in place": write_in_place,
    "out=": add_into_out,
    "hash of pairs": lambda ids: (ids[:, 1:] * 31 + ids[:, :-1]) % VOCABULARY,
    "sort": lambda ids: ids.sort(1)[0],
    "map by a table": lambda ids: torch.arange(VOCABULARY).flip(0)[ids],
    "through floats": lambda ids: ids.float().long(),
    "through numpy": lambda ids: torch.from_numpy(ids.numpy()),
    "new_tensor": lambda ids: ids.new_tensor(ids),
    "detach": lambda ids: ids.clone().detach(),
    "times a mask": lambda ids: ids * (ids > 5),
}


@pytest.mark.filterwarnings("ignore:To copy construct")
@pytest.mark.parametrize("name", CHANGES)
def test_changed_ids_are_explained_as_ids_changed_beforehand(name):
    change = CHANGES[name]
    model, ids = Words(lambda model, ids: model.table(change(ids))), make_ids()
    before = ids.clone()
    output, relevance = Gradient(model, AttnLRP())(ids, 1)
    assert torch.equal(ids, before)
    expected = explain_rows(model, model.table(change(ids.clone())))
    torch.testing.assert_close((output, relevance), expected, rtol=1e-10, atol=1e-14)


LOOKUPS = {
    "weight[ids]": lambda model, ids: model.table.weight[ids],
    "F.embedding": lambda model, ids: F.embedding(input=ids, weight=model.table.weight),
    "torch.embedding": lambda model, ids: torch.embedding(model.table.weight, ids),
    "aten.embedding": lambda model, ids: torch.ops.aten.embedding.default(model.table.weight, ids),
    "aten.index": lambda model, ids: torch.ops.aten.index.Tensor(model.table.weight, [ids]),
    "without gradient": lambda model, ids: torch.no_grad()(model.table)(ids),
    "a buffer": lambda model, ids: model.table.weight.detach()[ids],
}


@pytest.mark.parametrize("name", LOOKUPS)
def test_every_spelling_of_a_lookup_is_an_embedding(name):
    model, ids = Words(LOOKUPS[name]), make_ids()
    expected = explain_rows(model, model.table(ids))
    torch.testing.assert_close(Gradient(model, AttnLRP())(ids, 1), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    "embed",
    [
        lambda model, ids: model.table.weight.index_select(0, ids.reshape(-1)).view(*ids.shape, WIDTH),
        lambda model, ids: model.table.weight.gather(0, ids.reshape(-1, 1).expand(-1, WIDTH)).view(*ids.shape, WIDTH),
    ],
    ids=["index_select", "gather"],
)
def test_a_lookup_of_flat_ids_is_explained_in_their_order(embed):
    model, ids = Words(embed), make_ids()
    output, relevance = Gradient(model, AttnLRP())(ids, 1)
    expected = explain_rows(model, model.table(ids))
    torch.testing.assert_close((output, relevance.view(2, TOKENS, WIDTH)), expected, rtol=1e-10, atol=1e-14)


def test_transposed_ids_have_the_relevance_of_their_embedding():
    model, ids = Words(lambda model, ids: model.table(ids.T.contiguous()).transpose(0, 1)), make_ids()
    output, relevance = Gradient(model, AttnLRP())(ids, 1)
    expected = explain_rows(model, model.table(ids))
    torch.testing.assert_close((output, relevance.transpose(0, 1)), expected, rtol=1e-10, atol=1e-14)


CONSTANTS = {
    "types": lambda ids: torch.zeros_like(ids),
    "positions": lambda ids: torch.arange(TOKENS)[None].expand_as(ids),
    "positions counted from a mask": lambda ids: (ids != 3).int().cumsum(1) * (ids != 3).int(),
    "new zeros": lambda ids: ids.new_zeros(ids.shape) + 4,
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_embeddings_of_positions_and_types_are_constants(name):
    make = CONSTANTS[name]
    ids = make_ids()

    class After(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, rows):
            return self.model.head(torch.relu(rows + self.model.table(make(ids))).mean(1))

    model = Words(lambda model, ids: model.table(ids) + model.table(make(ids)))
    expected = Gradient(After(model), AttnLRP())(model.table(ids).detach(), 1)
    torch.testing.assert_close(Gradient(model, AttnLRP())(ids, 1), expected, rtol=1e-10, atol=1e-14)


class EncoderDecoder(nn.Module):
    """Embeds the ids, and the ids shifted to the right, as BART does; or takes both embeddings as inputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.decoder = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(VOCABULARY, WIDTH)
        self.cross, self.head = nn.MultiheadAttention(WIDTH, 2, batch_first=True), nn.Linear(WIDTH, 3)
        self.double().eval()

    def forward(self, ids):
        return self.run(self.encoder(ids), self.decoder(shift_right(ids)))

    def run(self, encoded, decoded):
        return self.head((decoded + self.cross(decoded, encoded, encoded)[0]).mean(1))


class Run(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, encoded, decoded):
        return self.model.run(encoded, decoded)


def test_ids_that_are_embedded_twice_have_the_relevance_of_each_embedding():
    model, ids = EncoderDecoder(), make_ids()
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        output, relevance = attribute(ids, 1)
    rows = model.encoder(ids).detach(), model.decoder(shift_right(ids)).detach()
    expected_output, expected = Gradient(Run(model), AttnLRP())(rows, 1)
    assert list(relevance) == ["encoder", "decoder"]
    torch.testing.assert_close((output, *relevance.values()), (expected_output, *expected), rtol=1e-10, atol=1e-14)
    ledger.assert_accounted()
    assert ledger.arrived == pytest.approx(float(sum(part.sum() for part in expected)), rel=1e-10)


def test_targets_are_the_first_dimension_of_each_embedding():
    model, ids = EncoderDecoder(), make_ids()
    relevance = Gradient(model, AttnLRP())(ids, targets=[0, 2])[1]
    for place in ("encoder", "decoder"):
        single = [Gradient(model, AttnLRP())(ids, target)[1][place] for target in (0, 2)]
        torch.testing.assert_close(relevance[place], torch.stack(single), rtol=1e-10, atol=1e-14)


def test_one_module_that_embeds_repeatedly_is_numbered():
    model = Words(lambda model, ids: torch.stack([model.table(ids[:, step]) for step in range(TOKENS)], 1))
    output, relevance = Gradient(model, AttnLRP())(make_ids(), 1)
    assert list(relevance) == ["table", *(f"table #{step}" for step in range(2, TOKENS + 1))]
    expected = explain_rows(model, model.table(make_ids()))
    torch.testing.assert_close((output, torch.stack(list(relevance.values()), 1)), expected, rtol=1e-10, atol=1e-14)


def test_tables_that_no_module_looks_up_are_named_by_their_parameter():
    model = Words(lambda model, ids: model.table.weight[ids] + model.scale[ids % WIDTH].unsqueeze(-1))
    relevance = Gradient(model, AttnLRP())(make_ids(), 1)[1]
    assert {place: part.shape for place, part in relevance.items()} == {
        "table.weight": (2, TOKENS, WIDTH),
        "scale": (2, TOKENS),
    }


def one_hot(ids):
    return F.one_hot(ids, VOCABULARY).double()


VALUES = {
    "one-hot @ weight": lambda model, ids: one_hot(ids) @ model.table.weight,
    "one-hot in a linear layer": lambda model, ids: F.linear(one_hot(ids), model.table.weight.T),
    "one-hot by comparison": lambda model, ids: (
        (ids[..., None] == torch.arange(VOCABULARY)).double() @ model.table.weight
    ),
    "one-hot by scatter": lambda model, ids: (
        torch.zeros(2, TOKENS, VOCABULARY).double().scatter_(2, ids[..., None], 1.0) @ model.table.weight
    ),
    "one-hot in einsum": lambda model, ids: torch.einsum("btv,vd->btd", one_hot(ids), model.table.weight),
    "bag of words": lambda model, ids: (one_hot(ids).sum(1) @ model.table.weight)[:, None],
    "times a parameter": lambda model, ids: ids.double()[..., None] * model.scale,
    "logarithm": lambda model, ids: torch.log1p(ids.double())[..., None] * model.scale,
}


@pytest.mark.parametrize("embedded_too", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_ids_that_become_values_without_an_embedding_are_refused(name, embedded_too):
    value = VALUES[name]
    model = Words(lambda model, ids: value(model, ids) + (model.table(ids) if embedded_too else 0))
    for frozen in (False, True):
        model.requires_grad_(not frozen)
        with pytest.raises(InputError, match=r"model \(Words\).*input 0.*F.embedding\(ids, weight\)"):
            Gradient(model, AttnLRP())(make_ids(), 1)


@pytest.mark.parametrize(
    "combine",
    [
        lambda rows, ids: rows + ids.double()[..., None],
        lambda rows, ids: rows * ids[..., None],
        lambda rows, ids: torch.cat([rows[..., 1:], ids[..., None].double()], -1),
        lambda rows, ids: torch.where(rows > 0, rows, ids[..., None].double()),
        lambda rows, ids: rows - ids[..., None] / 2,
        lambda rows, ids: torch.ldexp(rows, ids[..., None]),
        lambda rows, ids: rows.clamp(min=ids[..., None].double()),
        lambda rows, ids: rows + ids.double().softmax(1)[..., None],
    ],
    ids=["add", "integers times floats", "cat", "where", "quotient", "ldexp", "clamp", "softmax"],
)
def test_ids_combined_with_values_are_refused(combine):
    model = Words(lambda model, ids: combine(model.table(ids), ids))
    with pytest.raises(InputError, match="used as values without an embedding"):
        Gradient(model, AttnLRP())(make_ids(), 1)


@pytest.mark.parametrize("cast", [lambda flags: flags, lambda flags: flags.double()], ids=["integers", "floats"])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_category_times_a_vector_is_refused_and_a_mask_is_not(cast, frozen):
    class Categories(Words):
        def forward(self, ids, flags):
            return self.head(torch.relu(self.table(ids) + cast(flags)[..., None] * self.scale).mean(1))

    model = Categories(None).requires_grad_(not frozen)
    flags = torch.tensor([[0, 1, 0, 1, 1, 0, 0], [1, 1, 0, 0, 0, 1, 0]])
    with pytest.raises(InputError, match=r"mul: integers of input 1 are multiplied by weights"):
        Gradient(model, AttnLRP())((make_ids(), flags), 1)
    relevance = Gradient(model, AttnLRP())((make_ids(), flags.bool()), 1)[1]
    assert relevance[0].any()
    assert relevance[1] is None


@pytest.mark.parametrize(
    "use",
    [
        lambda rows, ids: rows * (ids != 3).unsqueeze(-1),
        lambda rows, ids: rows * ids.ne(3).double().unsqueeze(-1),
        lambda rows, ids: rows + (1.0 - (ids != 3).double())[..., None] * -9,
        lambda rows, ids: rows / (ids != 3).sum(1)[:, None, None],
        lambda rows, ids: rows * (1 / (ids != 3).sum(1))[:, None, None],
        lambda rows, ids: rows * (ids.amax(1) + 1).double().reciprocal()[:, None, None],
        lambda rows, ids: rows.masked_fill((ids == 3)[..., None], 0.0),
        lambda rows, ids: rows[torch.arange(2), ids.argmax(1)].unsqueeze(1),
    ],
    ids=["mask", "floating mask", "added mask", "mean", "mean by a factor", "reciprocal", "masked_fill", "position"],
)
def test_masks_counts_and_positions_of_ids_are_constants(use):
    ids = make_ids()
    ids[0, 2:4] = 3

    class After(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, rows):
            return self.model.head(torch.relu(use(rows, ids)).mean(1))

    model = Words(lambda model, ids: use(model.table(ids), ids))
    expected = Gradient(After(model), AttnLRP())(model.table(ids).detach(), 1)
    torch.testing.assert_close(Gradient(model, AttnLRP())(ids, 1), expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("embed", [lambda model, ids: model.table(torch.zeros_like(ids)), lambda model, ids: ids * 0.5])
def test_ids_without_an_embedding_are_refused(embed):
    class Constant(Words):
        def forward(self, ids):
            return self.embed(self, ids).flatten(1).sum(1, keepdim=True)

    with pytest.raises(InputError, match="no embedding of the integer input in Constant"):
        Gradient(Constant(embed), AttnLRP())(make_ids(), 0)


def test_ids_of_two_inputs_in_one_embedding_are_refused():
    class Pair(Words):
        def forward(self, first, second):
            return super().forward(torch.cat([first, second], 1))

    model = Pair(lambda model, ids: model.table(ids))
    with pytest.raises(InputError, match=r"table \(Embedding\).*the inputs 0 and 1 at once"):
        Gradient(model, AttnLRP())((make_ids(), make_ids() + 1), 1)


def test_the_gradient_of_changed_ids_is_that_of_their_embedding():
    model, ids = Words(lambda model, ids: model.table(ids + 1)), make_ids()
    rows = model.table(ids + 1).detach().requires_grad_()
    model.head(torch.relu(rows).mean(1))[:, 1].sum().backward()
    torch.testing.assert_close(Gradient(model)(ids, 1)[1], rows.grad, rtol=1e-10, atol=1e-14)


def test_the_plan_follows_ids_too():
    plan = EpsilonPlus().plan(Words(lambda model, ids: model.table(ids + 1)), make_ids())
    assert [step.operation for step in plan.steps] == ["relu", "mean", "linear"]


class GraphNetwork(nn.Module):
    """A graph convolution normalized by the degrees of the nodes, on features and edges."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
        self.double().eval()

    def forward(self, x, edges):
        source, target = edges
        degree = torch.zeros(len(x), dtype=x.dtype).scatter_add_(0, target, torch.ones(len(target), dtype=x.dtype))
        norm = degree.clamp(min=1).pow(-0.5)
        messages = self.first(x)[source] * (norm[source] * norm[target]).unsqueeze(1)
        summed = x.new_zeros(len(x), 4).index_add_(0, target, messages)
        return self.last(torch.relu(summed * degree.unsqueeze(1)))


class FixedGraph(nn.Module):
    def __init__(self, model, edges):
        super().__init__()
        self.model, self.edges = model, edges

    def forward(self, x):
        return self.model(x, self.edges)


def test_edges_of_a_graph_are_positions():
    model, edges = GraphNetwork(), torch.tensor([[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 0, 2]])
    x = torch.randn(5, 3, dtype=torch.float64)
    output, (relevance, of_edges) = Gradient(model, EpsilonPlus())((x, edges), 1)
    assert of_edges is None
    expected = Gradient(FixedGraph(model, edges), EpsilonPlus())(x, 1)
    torch.testing.assert_close((output, relevance), expected, rtol=1e-10, atol=1e-14)
