"""The benchmark of arriving relevance works on a tiny network: a row for every composite, with the causes of losses."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from whyset.attribution.composites import COMPOSITES
from whyset.runner import FolderSource, Preprocessing

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "gate", raising=False)
    import gate

    return gate


def test_every_composite_has_a_row(gate: ModuleType, tmp_path: Path) -> None:
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    source = FolderSource(tmp_path, Preprocessing(mean=(0.5,), std=(0.25,)))
    rows = list(gate.measure(net, source, gate.composites(source.preprocessing)))
    assert {row.composite for row in rows} >= {*COMPOSITES, "gradient"}
    assert all(row.summary.explanations == 4 for row in rows)
    lines = gate.write_table("a net", rows)
    assert len(lines) == 5 + len(rows)
    assert any("epsilon_plus |" in line and "bias" in line for line in lines)
    assert next(line for line in lines if "| gradient |" in line).split("|")[2].strip() == "-"
