"""The demo's run in a real Chromium: the shortcut is where a person looks first, and can be seen to be one."""

import json
import re
from collections.abc import Callable

import numpy as np
import pytest

from whyset.report.class_rows import most_suspicious
from whyset.store import Run, open_run
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(demo) -> Run:
    return open_run(demo.folder / "run")


@pytest.fixture(scope="module")
def planted(demo, run: Run) -> np.ndarray:
    """Sample indices of the planted images."""
    return np.flatnonzero(np.isin(run.ids, json.loads((demo.folder / "planted.json").read_text())))


@pytest.fixture
def eights(open_viewer: Callable, server: Server, run: Run):
    """The viewer with the planted class open and its most suspicious cluster selected."""
    viewer = open_viewer(server, width=1440, height=900)
    assert viewer.classes()[0] == "8"
    viewer.open_class("8")
    cluster = most_suspicious(run.analysis("spray")).evidence.id
    viewer.page.get_by_role("button", name=re.compile(rf"^Cluster {cluster} ")).click()
    return viewer


def test_the_cluster_that_a_person_clicks_is_the_planted_images(eights, run: Run, planted: np.ndarray) -> None:
    assert eights.hook("pointCount()") == (run.labels == 8).sum()
    selected = eights.selected()
    assert np.isin(selected, planted).mean() > 0.9
    assert np.isin(planted, selected).mean() > 0.9
    assert eights.told().startswith(f"{len(selected)} of {(run.labels == 8).sum()} samples selected")
    eights.screenshot("demo")


def test_the_overview_leads_to_the_planted_images_with_one_click(open_viewer, server, planted: np.ndarray) -> None:
    viewer = open_viewer(server, width=1440, height=900)
    viewer.screenshot("demo-overview")
    viewer.page.get_by_role("link", name="Open cluster").click()
    viewer.wait_for_view("class")
    assert np.isin(viewer.selected(), planted).mean() > 0.9
    selected = viewer.selected()
    viewer.page.reload()
    viewer.wait_for_view("class")
    assert viewer.selected() == selected


def test_the_first_picture_of_the_selection_shows_the_mark_and_the_heatmap_on_it(eights) -> None:
    canvas = eights.tile(eights.selected()[0]).locator("canvas")
    eights.page.get_by_role("button", name="input", exact=True).click()
    assert (eights.pixels(canvas)[:4, :4] == 255).all()
    eights.page.get_by_role("button", name="heatmap", exact=True).click()
    colors = eights.pixels(canvas).astype(int)
    heat = np.abs(colors - np.median(colors, axis=(0, 1))).sum(axis=-1)  # most of a map is near zero
    corner = np.zeros(heat.shape, dtype=bool)
    corner[:6, :6] = True  # the mark, and as far as the first layers see around it
    assert heat[corner].mean() > 3 * heat[~corner].mean()
