"""Bags of embeddings: the output of `F.embedding_bag`, and relevance for each token of a bag."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from whyset.attribution import Gradient
from whyset.attribution.composites import AttnLRP
from whyset.attribution.intercept.embedding import embedding_bag

IDS = torch.tensor([[1, 4, 0, 7], [3, 3, 0, 0], [0, 0, 0, 0]])


def make_table():
    torch.manual_seed(0)
    return torch.randn(9, 5, dtype=torch.float64)


@pytest.mark.parametrize("padding_idx", [None, 0, -9])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_of_rows_are_those_of_torch(mode, padding_idx):
    table = make_table()
    arguments = {"mode": mode, "padding_idx": padding_idx}
    torch.testing.assert_close(embedding_bag(IDS, table, **arguments), F.embedding_bag(IDS, table, **arguments))


@pytest.mark.parametrize("include_last_offset", [False, True])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_by_offsets_are_those_of_torch(mode, include_last_offset):
    table, ids, offsets = make_table(), IDS.reshape(-1), torch.tensor([0, 3, 3, 12 if include_last_offset else 7])
    arguments = {"offsets": offsets, "mode": mode, "include_last_offset": include_last_offset}
    torch.testing.assert_close(embedding_bag(ids, table, **arguments), F.embedding_bag(ids, table, **arguments))


def test_weighted_bags_are_those_of_torch():
    table, weights = make_table(), torch.randn(3, 4, dtype=torch.float64)
    arguments = {"mode": "sum", "per_sample_weights": weights}
    torch.testing.assert_close(embedding_bag(IDS, table, **arguments), F.embedding_bag(IDS, table, **arguments))


class Bags(nn.Module):
    def __init__(self, mode):
        super().__init__()
        torch.manual_seed(0)
        self.bag, self.head = nn.EmbeddingBag(9, 5, mode=mode), nn.Linear(5, 2)
        self.double().eval()

    def forward(self, ids, weights=None):
        return self.head(torch.relu(self.bag(ids, per_sample_weights=weights)))


class AfterRows(nn.Module):
    def __init__(self, model, reduce):
        super().__init__()
        self.model, self.reduce = model, reduce

    def forward(self, rows):
        return self.model.head(torch.relu(self.reduce(rows)))


REDUCTIONS = {"sum": lambda rows: rows.sum(1), "mean": lambda rows: rows.mean(1), "max": lambda rows: rows.amax(1)}


@pytest.mark.parametrize("mode", REDUCTIONS)
def test_a_bag_is_explained_at_the_rows_of_its_tokens(mode):
    model, ids = Bags(mode), torch.tensor([[1, 4, 8, 7], [3, 5, 2, 6]])
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        found = attribute(ids, 1)
    ledger.assert_accounted()
    expected = Gradient(AfterRows(model, REDUCTIONS[mode]), AttnLRP())(model.bag.weight[ids].detach(), 1)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)
    assert found[1].shape == (2, 4, 5)


def test_weights_of_tokens_that_are_an_input_share_the_relevance():
    model, ids, weights = Bags("sum"), torch.tensor([[1, 4], [3, 5]]), torch.rand(2, 2, dtype=torch.float64) + 0.5
    attribute = Gradient(model, AttnLRP())
    with attribute.ledger() as ledger:
        output, (of_ids, of_weights) = attribute((ids, weights), 1)
    ledger.assert_accounted()
    torch.testing.assert_close(output, model(ids, weights).detach())
    torch.testing.assert_close(of_ids.sum(-1), of_weights, rtol=1e-10, atol=1e-14)
    assert of_weights.any()


def test_offsets_that_are_an_input_have_no_relevance():
    class ByOffsets(Bags):
        def forward(self, ids, offsets):
            return self.head(torch.relu(self.bag(ids, offsets)))

    model, ids = ByOffsets("mean"), torch.tensor([1, 4, 8, 7, 3])
    output, (relevance, nothing) = Gradient(model, AttnLRP())((ids, torch.tensor([0, 2])), 1)
    assert nothing is None
    assert relevance.shape == (5, 5)
    torch.testing.assert_close(output, model(ids, torch.tensor([0, 2])).detach())
