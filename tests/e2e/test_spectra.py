"""Relevance by frequency in Detail has its peak where the closed form has it.

The model is linear: `y = Σ_t w_t x_t`. With `w` a cosine of one frequency, all relevance is at this frequency, whatever
else the input contains. With a short cosine, it is at its time, too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis.processors import PCA
from whyset.attribution.methods import InspectionMethod
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

POSITIONS, RATE = 240, 48.0
HERTZ, ELSEWHERE = 7.0, 16.0
"""The frequency that the model reads, and a stronger one in the input."""
SECONDS = 3.5
NAMES = ("left", "right")
SAMPLE = 1


def cosine(hertz: float) -> torch.Tensor:
    return torch.cos(2 * torch.pi * hertz * torch.arange(POSITIONS, dtype=torch.float64) / RATE)


def explain(out: Path, weight: torch.Tensor, method: InspectionMethod) -> Run:
    """Explain 24 series of two channels; the model reads the second one, with class 1 its negative."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * POSITIONS, 2, bias=False)).double().eval()
    model[1].weight.data.zero_()
    model[1].weight.data[:, POSITIONS:] = torch.stack([-weight, weight])
    strength = torch.linspace(1, 2, 24, dtype=torch.float64)[:, None, None]
    x = strength * (cosine(HERTZ) + 3 * cosine(ELSEWHERE)).expand(24, 2, -1)
    given = {"method": method, "features": NAMES, "rate": RATE, "dtype": "float32", "progress": False}
    run = ws.explain(model, (x, torch.arange(24) % 2), out, class_names=["even", "odd"], **given)
    ws.analyze(run, ws.Spray(embeddings=(PCA(),), surrogates=0, resamplings=0), progress=False)
    return run


@contextmanager
def detail(run: Run, open_viewer: Callable, **look: object) -> Iterator:
    with Server([run.path]) as server:
        viewer = open_viewer(server, width=1280, height=1000, **look)
        viewer.open_class("odd")
        viewer.tile(SAMPLE).click()
        yield viewer


def test_bars_by_frequency_have_the_peak_of_the_closed_form(tmp_path: Path, open_viewer: Callable) -> None:
    run = explain(tmp_path / "run", cosine(HERTZ), InspectionMethod("epsilon_plus"))
    peak = f"{HERTZ:.2f} Hz"
    with detail(run, open_viewer) as viewer:
        viewer.page.get_by_role("group", name="Relevance by").get_by_role("button", name="frequency").click()
        figure = viewer.page.get_by_role("figure", name="relevance by frequency")
        bars = figure.get_by_role("img", name="right: relevance by frequency").locator("rect.bar")
        bars.first.wait_for(state="attached")
        heights = np.array(bars.evaluate_all("all => all.map(one => one.getBBox().height)"))
        assert len(heights) == POSITIONS // 2 + 1
        expected = round(HERTZ * POSITIONS / RATE)
        assert heights.argmax() == expected
        assert heights[expected] > 60
        assert np.delete(heights, expected).max() < 0.01
        none = figure.get_by_role("img", name="left: relevance by frequency").locator("rect.bar")
        assert max(none.evaluate_all("all => all.map(one => one.getBBox().height)")) == 0
        figure.get_by_text(f"Strongest relevance +{run.relevance[SAMPLE].sum():.3g}").get_by_text(
            f"at {peak}"
        ).wait_for()
        slider = figure.get_by_role("slider", name="Frequency")
        slider.fill(str(expected))
        assert f"{peak}; left relevance 0; right relevance +{run.relevance[SAMPLE].sum():.3g}" in figure.inner_text()
        viewer.screenshot("spectrum-bars")
        viewer.page.get_by_role("button", name="Next sample").click()
        figure.get_by_text(f"Strongest relevance +{run.relevance[3].sum():.3g}").wait_for()  # the choice stays


def test_the_map_of_time_and_frequency_has_the_peak_of_the_closed_form(tmp_path: Path, open_viewer: Callable) -> None:
    n_fft, hop = 48, 12
    place = torch.arange(POSITIONS, dtype=torch.float64) - SECONDS * RATE
    short = cosine(HERTZ) * torch.exp(-((place / 16) ** 2))
    method = InspectionMethod("epsilon_plus", "stft", n_fft=n_fft, hop_length=hop)
    run = explain(tmp_path / "run", short, method)
    with detail(run, open_viewer) as viewer:
        viewer.page.get_by_role("button", name="time and frequency").click()
        figure = viewer.page.get_by_role("figure", name="relevance by time and frequency")
        figure.get_by_text("at 3.50 s, 7.00 Hz, right").wait_for()
        frames = 1 + -(-(POSITIONS - 1) // hop)
        drawn = viewer.pixels(figure.locator("canvas").nth(1)).astype(float)
        assert drawn.shape[:2] == (n_fft // 2 + 1, frames)
        background = np.median(drawn.reshape(-1, 3), axis=0)
        away = np.abs(drawn - background).sum(axis=2)
        row, column = np.unravel_index(away.argmax(), away.shape)
        assert ((n_fft // 2 - row) * RATE / n_fft, column * hop / RATE) == (HERTZ, SECONDS)
        strongest = np.abs(run.layer("stft")[SAMPLE, 1])
        assert np.unravel_index(strongest.argmax(), strongest.shape) == (n_fft // 2 - row, column)
        box = figure.get_by_role("img", name="right: relevance by time and frequency").bounding_box()
        canvas = figure.locator("canvas").nth(1).bounding_box()
        x = canvas["x"] + (column + 0.5) / frames * canvas["width"]
        y = canvas["y"] + (row + 0.5) / (n_fft // 2 + 1) * canvas["height"]
        assert (canvas["y"], canvas["height"]) == pytest.approx((box["y"], box["height"]))
        viewer.page.mouse.move(x, y)
        figure.get_by_text("3.50 s; 7.00 Hz; left relevance 0; right relevance +").wait_for()
        viewer.screenshot("spectrum-frames")


def test_other_runs_of_series_offer_no_choice(modality_runs, tmp_path: Path, open_viewer: Callable) -> None:
    run = modality_runs.analyzed(modality_runs.series_run(tmp_path / "plain"))
    with detail(run, open_viewer) as viewer:
        viewer.page.locator("figure[aria-label^='series of']").wait_for()
        assert viewer.page.get_by_role("group", name="Relevance by").count() == 0
