"""Arrays of virtual layers, which a method computes besides the maps of the input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution import DFT, STFT, Gradient, Inspection
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.methods import InspectionMethod
from whyset.errors import InputError

SERIES = torch.randn(40, 2, 21, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 2
METHODS: dict[str, tuple[InspectionMethod, Any]] = {
    "dft": (InspectionMethod(), DFT()),
    "stft": (InspectionMethod(transform="stft", n_fft=8, window="hamming"), STFT(8, window="hamming")),
}


def net() -> nn.Module:
    torch.manual_seed(1)
    layers = [nn.Conv1d(2, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 17, 2), nn.Softmax(1)]
    return nn.Sequential(*layers).eval()


@pytest.mark.parametrize("name", METHODS)
def test_a_run_has_relevance_of_positions_and_of_frequencies(name: str, tmp_path: Path) -> None:
    method, transform = METHODS[name]
    given: Any = {"method": method, "targets": ["label", 0], "dtype": "float32", "progress": False}
    run = ws.explain(net(), (SERIES, LABELS), tmp_path / "run", **given)
    logits = net()[:-1]
    targets = [LABELS, torch.zeros(40, dtype=torch.int64)]
    by_frequency = Inspection(logits, EpsilonPlus(), transform=transform)(SERIES, targets=targets)[1]
    by_position = Gradient(logits, EpsilonPlus())(SERIES, targets=targets)[1]
    assert run.layers == [name]
    for stored, expected in ((run.layer(name)[:], by_frequency), (run.relevance[:], by_position)):
        np.testing.assert_allclose(stored, expected.transpose(0, 1).flatten(0, 1), rtol=1e-3, atol=1e-6)
    again = ws.explain(net(), (SERIES, LABELS), tmp_path / "run", **given)
    assert again.config.hash == run.config.hash
    assert run.verify() == []


def test_frequencies_are_analyzed(tmp_path: Path) -> None:
    run = ws.explain(net(), (SERIES, LABELS), tmp_path / "run", method="inspection", progress=False)
    analysis = ws.analyze(run, ws.Spray(array="attribution/dft", n_neighbors=4), progress=False)
    assert len(analysis.categories) == 2


def test_samples_without_positions_have_no_frequencies(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(42, 2)).eval()
    with pytest.raises(InputError, match="explains inputs of modality series, got table"):
        ws.explain(model, (SERIES.flatten(1), LABELS), tmp_path / "run", method="inspection", progress=False)
    assert not (tmp_path / "run").exists()
