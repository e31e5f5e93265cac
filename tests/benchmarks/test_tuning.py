"""The benchmark of tuning works on a tiny network: it tunes, ranks presets, resumes, and reports."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("tuning", "tuning_networks", "tuning_report", "gate", "needed")


@pytest.fixture
def tuning(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    import tuning

    return tuning


def make_tiny(tuning: Any, title: str) -> Any:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24, 3)).eval()
    return tuning.Tried(title, model, torch.rand(60, 1, 6, 8))


def test_networks_are_tuned_once_and_reported(
    tuning: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    networks = {name: lambda _, name=name: make_tiny(tuning, f"net {name}") for name in ("a", "b")}
    monkeypatch.setattr(tuning, "NETWORKS", networks)
    out = tmp_path / "report.md"
    sizes = ["--samples", "8", "--held-out", "8", "--candidates", "2", "--ranked", "8"]
    presets = ["--presets", "epsilon_plus", "gradient", "epsilon_plus_flat", "input_times_gradient"]
    given = [*sizes, *presets, "--records", str(tmp_path / "records"), "--out", str(out)]
    tuning.main(given)
    text = out.read_text()
    files = {file: file.read_bytes() for file in (tmp_path / "records").glob("*.json")}
    assert len(files) == 4
    tuning.main(given)
    assert {file: file.read_bytes() for file in files} == files  # nothing is measured again
    assert out.read_text() == text
    assert "| net a | " in text
    found = sys.modules["tuning_report"]._read(tmp_path / "records", "a")
    ranks = [found.rank(metric) for metric in found.metrics]
    assert all(set(rank) == set(presets[1:]) for rank in ranks)
    first = found.rank("relevance_gain")
    means = {name: row["relevance_gain"] for name, row in found.means.items() if name in first}
    assert min(first, key=first.get) == max(means, key=means.get)  # the larger gain is better
    assert min(found.rank("complexity"), key=found.rank("complexity").get) == min(
        means, key=lambda name: found.means[name]["complexity"]
    )
    assert found.correlate("complexity", "complexity") == pytest.approx(1)
    # The means of the ranking are those of the same samples that `tune` held out.
    held_out = found.tuning.held_out[0]
    assert found.means[found.tuning.preset]["relevance_gain"] == pytest.approx(held_out.preset.value, abs=0.01)
    assert not np.isnan(found.correlate("relevance_gain", "efficient_mprt"))
