"""Maps that were computed elsewhere, as a person sees them in the viewer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

import whyset as ws
from whyset.analysis.processors import PCA
from whyset.viewer import Server

pytestmark = pytest.mark.browser

QUICK = ws.Spray(surrogates=0, resamplings=0, embeddings=(PCA(),))


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    """40 maps of 8 x 6 pixels; half of the odd ones have their relevance in the upper left, the others elsewhere."""
    maps = np.abs(np.random.default_rng(0).normal(size=(40, 8, 6))) / 5
    maps[1::4, :3, :3] += 2
    maps[3::4, 5:, 3:] += 2
    return maps


def get_fact(viewer: Any, name: str) -> Locator:
    """The value of a fact of the sample in Detail, which is empty until the sample has arrived."""
    found: Locator = viewer.page.locator(f"xpath=//dt[normalize-space()='{name}']/following-sibling::dd[1]")
    return found


def test_maps_of_images_without_predictions(maps: np.ndarray, open_viewer: Callable, tmp_path: Path) -> None:
    pixels = np.zeros((40, 32, 24, 3), np.uint8)
    run = ws.from_arrays(
        maps, inputs=pixels, labels=["cat", "dog"] * 20, out=tmp_path / "run", method="Grad-CAM", progress=False
    )
    ws.analyze(run, QUICK, progress=False)
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        viewer.page.get_by_text("Grad-CAM", exact=True).wait_for()
        viewer.open_class("dog")
        viewer.tile(1).click()
        predicted = get_fact(viewer, "predicted")
        expect(predicted).to_have_text("unknown")
        assert "wrong" not in (predicted.get_attribute("class") or "")
        expect(get_fact(viewer, "true")).to_have_text("dog")
        expect(viewer.page.locator("dd[data-explains]")).to_have_text("unknown or no single class")
        viewer.page.get_by_role("button", name="Find").click()
        viewer.page.get_by_role("dialog").get_by_role("combobox").fill("1")
        found = viewer.page.get_by_role("dialog").get_by_text("unknown", exact=True)
        found.first.wait_for()
        assert viewer.page.get_by_role("dialog").locator(".wrong").count() == 0


def test_maps_alone_are_one_class(maps: np.ndarray, open_viewer: Callable, tmp_path: Path) -> None:
    run = ws.from_arrays(maps, modality="image", out=tmp_path / "run", progress=False)
    ws.analyze(run, ws.Spray(surrogates=0, resamplings=0, embeddings=(PCA(),), group_by="all"), progress=False)
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("all samples")
        assert viewer.page.get_by_role("button", name="input", exact=True).is_disabled()
        viewer.tile(1).click()
        for name in ("true", "predicted"):
            expect(get_fact(viewer, name)).to_have_text("unknown")
