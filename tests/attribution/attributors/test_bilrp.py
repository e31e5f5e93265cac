"""BiLRP: closed forms of linear and ReLU networks, one-sided relevance as oracle, and the sum of all parts."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import BiLRP, Gradient, Similarity
from whyset.attribution.composites import AttnLRP, EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus
from whyset.errors import InputError


def linear(bias=False):
    torch.manual_seed(0)
    return nn.Linear(5, 7, bias=bias).double()


def network(bias=False, dtype=torch.float64):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 9, bias=bias), nn.ReLU(), nn.Linear(9, 7, bias=bias)).to(dtype).eval()


def inputs(n=3, size=5):
    torch.manual_seed(1)
    return torch.randn(n, size).double(), torch.randn(n, size).double()


class Text(nn.Module):
    """The mean of embedded tokens under a mask, after a layer that mixes them with their types."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.types = nn.Embedding(20, 6), nn.Embedding(2, 6)
        self.hidden, self.head = nn.Linear(6, 8), nn.Linear(8, 4)
        self.double().eval()

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        rows = self.words(input_ids)
        if token_type_ids is not None:
            rows = rows + self.types(token_type_ids)
        mask = attention_mask.unsqueeze(-1).to(rows.dtype)
        return self.head((self.hidden(rows).relu() * mask).sum(1) / mask.sum(1))


def sum_words_and_types(relevance):
    return relevance["input_ids"].sum(-1) + relevance["token_type_ids"].sum(-1)


def exactly(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_a_linear_embedding_in_closed_form():
    model, (x, other) = linear(), inputs()
    found = BiLRP(model, AttnLRP(), cosine=False)(x, other)
    weight = model.weight.detach()
    exactly(found.relevance, torch.einsum("ni,mi,mj,nj->nij", x, weight, weight, other))
    exactly(found.similarity, (model(x) * model(other)).sum(1).detach())
    for part in (found.only_x, found.only_other, found.neither):
        exactly(part, torch.zeros_like(part))


def test_biases_in_closed_form():
    model, (x, other) = linear(bias=True), inputs()
    found = BiLRP(model, AttnLRP(), cosine=False)(x, other)
    weight, bias = model.weight.detach(), model.bias.detach()
    exactly(found.only_x, x * (bias @ weight))
    exactly(found.only_other, other * (bias @ weight))
    exactly(found.neither, (bias @ bias).expand(3))
    exactly(found.lost, found.similarity - torch.einsum("ni,mi,mj,nj->n", x, weight, weight, other))


def test_a_relu_network_by_products_of_its_jacobians():
    model, (x, other) = network(), inputs()
    found = BiLRP(model, AttnLRP(), cosine=False)(x, other).relevance
    for n in range(3):
        j, k = (torch.autograd.functional.jacobian(model, given[n]) for given in (x, other))
        exactly(found[n], torch.einsum("i,mi,mj,j->ij", x[n], j, k, other[n]))


@pytest.mark.parametrize("cosine", [True, False])
def test_pairs_sum_to_the_similarity_without_biases(cosine):
    model, (x, other) = network(), inputs()
    found = BiLRP(model, AttnLRP(), cosine=cosine)(x, other)
    a, b = model(x).detach(), model(other).detach()
    exactly(found.similarity, F.cosine_similarity(a, b) if cosine else (a * b).sum(1))
    exactly(found.arrived, found.similarity)


@pytest.mark.parametrize("cosine", [True, False])
@pytest.mark.parametrize("composite", [AttnLRP(), EpsilonPlus(), EpsilonAlpha2Beta1(), EpsilonGammaBox(-3.0, 3.0)])
def test_pairs_of_a_position_and_its_rest_are_its_one_sided_relevance(composite, cosine):
    model, (x, other) = network(bias=True), inputs()
    found = BiLRP(model, composite, cosine=cosine)(x, other)
    for rows, only, here, there in (
        (found.relevance.sum(2), found.only_x, x, other),
        (found.relevance.sum(1), found.only_other, other, x),
    ):
        exactly(rows + only, Gradient(model, composite)(here, Similarity(model(there).detach(), cosine))[1])
    parts = found.arrived + found.only_x.sum(1) + found.only_other.sum(1) + found.neither
    exactly(parts, found.similarity)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6, 7, 64])
def test_the_batch_size_changes_nothing(batch_size):
    model, (x, other) = network(bias=True), inputs()
    expected = BiLRP(model, AttnLRP())(x, other)
    found = BiLRP(model, AttnLRP(), batch_size=batch_size)(x, other)
    for name in ("similarity", "relevance", "only_x", "only_other", "neither"):
        exactly(getattr(found, name), getattr(expected, name))


def test_images_in_pools_are_sums_of_pairs_of_pixels():
    torch.manual_seed(0)
    layers = [nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten(), nn.Linear(18, 5)]
    model = nn.Sequential(*layers).double().eval()
    x, other = torch.randn(2, 2, 4, 6).double(), torch.randn(2, 2, 6, 4).double()
    pixels = BiLRP(model, AttnLRP())(x, other).relevance
    assert pixels.shape == (2, *x.shape[1:], *other.shape[1:])

    def pools(relevance):
        return F.avg_pool2d(relevance.sum(1), 2) * 4

    found = BiLRP(model, AttnLRP(), units=pools)(x, other).relevance
    expected = pixels.sum((1, 4)).reshape(2, 2, 2, 3, 2, 3, 2, 2, 2).sum((2, 4, 6, 8))
    exactly(found, expected)


@pytest.mark.parametrize("types", [False, True])
def test_tokens_of_padded_batches(types):
    model = Text()
    x = {"input_ids": torch.tensor([[3, 4, 5, 6], [7, 8, 0, 0]])}
    other = {"input_ids": torch.tensor([[9, 4, 0], [11, 12, 13]])}
    for batch in (x, other):
        batch["attention_mask"] = (batch["input_ids"] != 0).long()
        if types:
            batch["token_type_ids"] = torch.ones_like(batch["input_ids"])
    attribute = BiLRP(model, AttnLRP(), units=sum_words_and_types if types else None)
    found = attribute(x, other)
    assert found.relevance.shape == (2, 4, 3)
    assert not found.relevance[0, :, 2].any()
    assert not found.relevance[1, 2:].any()
    assert not found.only_x[1, 2:].any()
    for n, (rows, columns) in enumerate([(4, 2), (2, 3)]):
        alone = [
            {key: value[n : n + 1, :length] for key, value in batch.items()}
            for batch, length in ((x, rows), (other, columns))
        ]
        exactly(found.relevance[n : n + 1, :rows, :columns], attribute(*alone).relevance)
    relevance = Gradient(model, AttnLRP())(x, Similarity(model(**other).detach()))[1]
    expected = sum(part.sum(-1) for part in relevance.values() if part is not None)
    exactly(found.relevance.sum(2) + found.only_x, expected)


def test_an_embedding_of_length_zero_is_similar_to_nothing():
    model = nn.Sequential(nn.Linear(5, 3, bias=False), nn.ReLU()).double().eval()
    with torch.no_grad():
        model[0].weight.fill_(1)
    found = BiLRP(model, AttnLRP())(-torch.ones(1, 5).double(), torch.ones(1, 5).double())
    for part in (found.similarity, found.relevance, found.only_x, found.only_other, found.neither):
        assert not part.any()


def test_sums_of_half_precision_are_in_single():
    model, (x, other) = network(dtype=torch.bfloat16), inputs()
    found = BiLRP(model, AttnLRP())(x.bfloat16(), other.bfloat16())
    assert {getattr(found, name).dtype for name in ("similarity", "relevance", "only_x", "neither")} == {torch.float32}
    parts = found.arrived + found.only_x.sum(1) + found.only_other.sum(1) + found.neither
    torch.testing.assert_close(parts, found.similarity)


def test_the_result_shows_how_much_arrived():
    model, (x, other) = network(), inputs()
    found = BiLRP(model, AttnLRP(), cosine=False)(x, other)
    value = f"{found.similarity.sum().item():g}"
    start = f"<relevance of pairs (3, 5, 5): {value} of the similarity {value} arrived"
    assert repr(found) == start + ", over all samples>"
    assert repr(BiLRP(model, AttnLRP())).startswith("BiLRP(model='Sequential', composite=AttnLRP(")


@pytest.mark.parametrize("composite", [None, "gradient"])
def test_a_gradient_is_refused(composite):
    with pytest.raises(InputError, match="needs the rules of a composite"):
        BiLRP(network(), composite)


def test_inputs_that_do_not_fit_are_refused():
    model, (x, other) = network(), inputs()
    with pytest.raises(InputError, match=r"\(3, 7\) and \(2, 7\)"):
        BiLRP(model, AttnLRP())(x, other[:2])
    with pytest.raises(InputError, match=r"\(samples, dimensions\), got \(3, 4, 7\)"):
        BiLRP(model, AttnLRP())(torch.randn(3, 4, 5).double(), torch.randn(3, 4, 5).double())
    with pytest.raises(InputError, match="batch_size is 0"):
        BiLRP(model, AttnLRP(), batch_size=0)
    with pytest.raises(InputError, match="units='tokens'"):
        BiLRP(model, AttnLRP(), units="tokens")
    with pytest.raises(InputError, match=r"tensor \(3, units...\) for relevance of 3 samples, got \(5,\)"):
        BiLRP(model, AttnLRP(), units=lambda relevance: relevance.sum(0))(x, other)


class Both(nn.Module):
    """The sum of two embeddings, of one input or of two."""

    def __init__(self, make):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = make().double(), make().double()

    def forward(self, x, y=None):
        rows = self.one(x) + self.two(x if y is None else y)
        return rows if rows.dim() == 2 else rows.mean(1)


def test_relevance_in_several_places_is_asked_for():
    x, other = inputs()
    model = Both(linear)
    with pytest.raises(InputError, match=r"several places \(0, 1\): choose what forms pairs by units="):
        BiLRP(model, AttnLRP())((x, other), (other, x))
    found = BiLRP(model, AttnLRP(), units=lambda relevance: relevance[1])((x, other), (other, x))
    parts = found.arrived + found.only_x.sum(1) + found.only_other.sum(1) + found.neither
    exactly(parts, found.similarity)
    assert found.lost.abs().min() > 1e-3
    ids = torch.tensor([[1, 2, 3]])
    twice = Both(lambda: nn.Embedding(5, 4))
    with pytest.raises(InputError, match=r"several places \('one', 'two'\)"):
        BiLRP(twice, AttnLRP())(ids, ids)
    with pytest.raises(InputError, match=r"several places \('x', 'y'\)"):
        BiLRP(twice, AttnLRP())({"x": ids, "y": ids}, {"x": ids, "y": ids})
    found = BiLRP(twice, AttnLRP(), units=lambda relevance: sum(one.sum(-1) for one in relevance.values()))(ids, ids)
    exactly(found.arrived, found.similarity)


def test_relevance_in_another_order_than_the_ids_is_asked_for():
    class Transposed(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(9, 4)

        def forward(self, ids):
            return self.table(ids.T).mean(0)

    ids = torch.tensor([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputError, match="in another order: return the relevance of tokens by units="):
        BiLRP(Transposed(), AttnLRP())(ids, ids)


def test_no_pairs_and_no_choice_of_cosine_are_refused():
    model = nn.Linear(4, 3).eval()
    with pytest.raises(InputError, match="at least one pair to compare"):
        BiLRP(model, AttnLRP())(torch.rand(0, 4), torch.rand(0, 4))
    with pytest.raises(InputError, match="expected True or False"):
        BiLRP(model, AttnLRP(), cosine="yes")
