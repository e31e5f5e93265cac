"""Relevance by frequency: the axes that a run states, and the stored values."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution.methods import InspectionMethod
from whyset.viewer.embed.local import LocalViewer
from whyset.viewer.endpoints.spectra import list_spectra

SERIES = torch.randn(6, 2, 21, generator=torch.Generator().manual_seed(0))


def explain(out: Path, **given: Any) -> ws.store.Run:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(57, 2)).eval()
    return ws.explain(model, SERIES, out, progress=False, **given)


def ask(run: ws.store.Run, path: str) -> Any:
    viewer = LocalViewer([run.path])
    return viewer.ask(f"runs/{viewer.json('runs')[0]['id']}{path}")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (InspectionMethod(), {"name": "dft", "shape": [2, 11], "frequency_step": 1 / 21, "hop": None}),
        (
            InspectionMethod(transform="stft", n_fft=8),
            {"name": "stft", "shape": [2, 5, 11], "frequency_step": 1 / 8, "hop": 2},
        ),
        (
            InspectionMethod(transform="stft", n_fft=7, hop_length=3),
            {"name": "stft", "shape": [2, 4, 8], "frequency_step": 1 / 7, "hop": 3},
        ),
    ],
)
def test_axes_and_values_are_those_of_the_run(
    method: InspectionMethod, expected: dict[str, Any], tmp_path: Path
) -> None:
    run = explain(tmp_path / "run", method=method)
    viewer = LocalViewer([run.path])
    (listed,) = viewer.json("runs")
    assert viewer.json(f"runs/{listed['id']}")["spectra"] == [expected]
    answer = viewer.get(f"runs/{listed['id']}/spectra/{expected['name']}?indices=4,1")
    values = np.frombuffer(answer.body, "<f4").reshape(answer.shape)
    np.testing.assert_array_equal(values, run.layer(expected["name"])[[4, 1]])
    other = {"dft": "stft", "stft": "dft"}[expected["name"]]
    assert viewer.ask(f"runs/{listed['id']}/spectra/{other}?indices=0").status == 404
    assert viewer.ask(f"runs/{listed['id']}/spectra/input?indices=0").status == 404


def test_the_step_of_frequencies_is_unknown_where_no_series_has_the_length(tmp_path: Path) -> None:
    pooled = explain(tmp_path / "pooled", method="inspection", pool=7)
    assert [one.frequency_step for one in list_spectra(pooled)] == [1 / 21]  # of the inputs
    alone = explain(tmp_path / "alone", method="inspection", pool=7, inputs=False)
    assert [one.frequency_step for one in list_spectra(alone)] == [None]


def test_other_runs_have_none(tmp_path: Path) -> None:
    run = explain(tmp_path / "run", layers=["0"])
    assert list_spectra(run) == []
    assert ask(run, "/spectra/dft?indices=0").status == 404


@pytest.mark.parametrize(
    "fields",
    [
        {},
        None,
        {"transform": "input"},
        {"transform": ["dft"]},
        {"transform": "stft", "n_fft": 8.0},
        {"transform": "stft", "n_fft": 16},
        {"transform": "stft", "n_fft": 8, "hop_length": 0},
        {"transform": "stft", "n_fft": 8, "hop_length": "2"},
    ],
)
def test_axes_that_do_not_fit_the_arrays_are_not_listed(fields: Any, tmp_path: Path) -> None:
    run = explain(tmp_path / "run", method=InspectionMethod(transform="stft", n_fft=8))
    attributor = {"name": "inspection", "fields": fields}
    assert list_spectra(replace(run, config=replace(run.config, attributor=attributor))) == []
