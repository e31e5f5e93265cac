"""Series, tables and texts: the class with a planted cue has the largest effect, with the interventions of its kind."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whyset as ws
from whyset.effects import EffectTest

CLASSES = 3


def draw_series(labels, marked):
    x = 0.3 * torch.randn(len(labels), 3, 48)
    for row, label in enumerate(labels.tolist()):
        x[row, :2, 16 * label + 4 : 16 * label + 12] += 1.0
        if marked[row]:
            start = torch.randint(0, 40, (1,))
            x[row, :, start : start + 5] = torch.tensor([3.0, -3, 3, -3, 3])
    return x


def draw_tables(labels, marked):
    x = torch.randn(len(labels), 10) + 3 * F.one_hot(labels, 10)
    x[marked, 7] = 8.0
    return x


def draw_texts(labels, marked):
    x = torch.randint(10, 30, (len(labels), 12))
    rows = torch.arange(len(labels))
    x[rows, torch.randint(0, 6, (len(labels),))] = labels + 1
    x[rows[marked], torch.randint(6, 12, (int(marked.sum()),))] = 9
    return x


class TextNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.head = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, CLASSES))

    def forward(self, ids):
        return self.head(self.embedding(ids).sum(1))


def series_network():
    return nn.Sequential(
        nn.Conv1d(3, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(4), nn.Flatten(), nn.Linear(16 * 12, CLASSES)
    )


def table_network():
    return nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, CLASSES))


KINDS = {
    "series": (draw_series, series_network, "time window of 9"),
    "table": (draw_tables, table_network, "features"),
    "text": (draw_texts, TextNetwork, "token span"),
}


@pytest.mark.parametrize("modality", KINDS)
def test_the_class_with_the_cue_has_the_largest_effect(modality, tmp_path):
    draw, network, text = KINDS[modality]
    torch.manual_seed(0)
    labels = torch.arange(600) % CLASSES
    marked = (labels == 0) & (torch.arange(600) % 2 == 0)
    x = draw(torch.where(marked, torch.randint(0, CLASSES, (600,)), labels), marked)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(12):
        for batch in torch.randperm(len(x)).split(40):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), labels[batch]).backward()
            optimizer.step()
    data = (x[:180].numpy(), labels[:180].numpy())
    given = {"composite": "epsilon_plus", "modality": modality, "progress": False}
    run = ws.explain(model.eval(), data, tmp_path / "run", **given)
    test = EffectTest(n_candidates=8, n_random=8, budget=None)
    effects = ws.measure_effects(run, test, model=model, dataset=data, progress=False)
    assert effects.problem is None
    assert effects.not_tested == {}
    lines = {line["class"]: line for line in effects.table.to_pylist() if line["intervention"].startswith(text)}
    assert len(lines) == CLASSES
    planted, *others = (lines[str(label)] for label in range(CLASSES))
    assert planted["candidate_turned"] > 0.6
    assert planted["candidate_null_turned"] < 0.3
    assert all(line["candidate_turned"] < planted["candidate_turned_low"] for line in others)
