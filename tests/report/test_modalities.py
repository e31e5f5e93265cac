"""Reports and heatmaps of series, texts, tables and images of other channels."""

import base64
import re
from html import escape
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from whyset.errors import InputError
from whyset.image import colorize
from whyset.image.shapes import planes, to_rgb
from whyset.report import Heatmaps, as_html, report
from whyset.report.colored_words import color_words
from whyset.report.heatmaps import describe_drawing
from whyset.report.pictures import ReportHeatmaps
from whyset.store import Run
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.testing.store import example_config


@pytest.fixture(scope="module")
def runs(modality_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("modalities")
    made = {
        "series": modality_runs.series_run(folder / "series"),
        "text": modality_runs.text_run(folder / "text"),
        "table": modality_runs.table_run(folder / "table"),
        "image": modality_runs.image_run(folder / "image", 4),
    }
    return {name: modality_runs.analyzed(run) for name, run in made.items()}


def pictures_in(page: str) -> list[np.ndarray]:
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(BytesIO(base64.b64decode(one)))) for one in found]


def draw(run: Run, row: int) -> np.ndarray:
    """The strip of a relevance map; of a text, as long as its words."""
    words = run.tokens([row])
    return colorize(planes(run.relevance[[row]])[0][:, : None if words is None else len(words[0])])


@pytest.mark.parametrize(
    ("name", "note", "height"),
    [("series", "a row for each channel", 10), ("table", "positions from left", 2)],
)
def test_a_report_shows_strips_and_says_what_they_are(runs: dict[str, Run], name: str, note: str, height: int) -> None:
    run = runs[name]
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    assert note in page
    shown = pictures_in(page)
    assert {picture.shape[0] for picture in shown} == {height}
    medoid = draw(run, run.analysis().category("odd").evidence.clusterings["kmeans"].clusters[0].medoids[0])
    assert any(picture.shape == medoid.shape and np.array_equal(picture, medoid) for picture in shown)
    assert "mean map" in page


def test_a_report_shows_the_words_of_texts_on_their_relevance(runs: dict[str, Run]) -> None:
    run = runs["text"]
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    assert "the relevance of a word is its background color" in page.lower()
    assert pictures_in(page) == []
    assert "mean map" not in page
    row = run.analysis().category("odd").evidence.clusterings["kmeans"].clusters[0].medoids[0]
    for one in color_words(run, row):
        assert f'style="background: {one.color}; color: #000">{escape(one.word)}</span>' in page


@pytest.mark.parametrize("name", ["series", "text", "table"])
def test_heatmaps_are_strips_of_the_runs_own_maps(runs: dict[str, Run], name: str, tmp_path: Path) -> None:
    run = runs[name]
    (file,) = list(Heatmaps(columns=0).write([run], tmp_path, [3]))
    assert np.array_equal(np.asarray(Image.open(file)), draw(run, 3))
    assert "inputs are not drawn" in describe_drawing(run)


def test_inputs_of_four_channels_lie_on_white(runs: dict[str, Run]) -> None:
    stored = runs["image"].inputs[3]
    shown = to_rgb(stored)
    share = stored[3][..., None] / 255
    assert np.abs(shown - (stored[:3].transpose(1, 2, 0) * share + 255 * (1 - share))).max() <= 0.5
    several = to_rgb(stored[:2])
    assert np.array_equal(several[..., 0], np.rint(np.sqrt((stored[:2].astype(float) ** 2).mean(axis=0))))


def test_maps_of_other_axes_are_refused_by_their_shape(tmp_path: Path) -> None:
    run = create_run(tmp_path / "other", example_config(), samples_table(["a"]), standard_arrays((1, 2, 3, 4, 5)))
    with pytest.raises(InputError, match=r"maps \(1, 2, 3, 4, 5\)"):
        describe_drawing(run)
