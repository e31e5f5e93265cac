"""The box of a detected object, in numbers and over its images."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis.processors import PCA
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

SIDES = (24, 36)


class Brightest(nn.Module):
    """One object, of one class: a box of 9 x 6 pixels whose left upper pixel is the brightest one."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        place = x.flatten(1).argmax(1)
        corner = torch.stack([place % SIDES[1], place // SIDES[1]], 1)
        box = torch.cat([corner, corner + torch.tensor([9, 6])], 1).to(x)
        return {"scores": (x - x.mean()).flatten(1).amax(1)[:, None, None], "boxes": box[:, None]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """24 images with one object each, and another run of the same images without boxes."""
    random = np.random.default_rng(0)
    images = random.normal(0, 0.1, (24, 1, *SIDES)).astype("f4")
    images[np.arange(24), 0, random.integers(0, 18, 24), random.integers(0, 27, 24)] = random.uniform(2, 3, 24)
    run = ws.explain(Brightest().eval(), images, tmp_path_factory.mktemp("boxes") / "run", output_kind="boxes")
    ws.analyze(run, ws.Spray(embeddings=(PCA(),), surrogates=0, resamplings=0))
    return run


@pytest.fixture
def server(run: Run) -> Iterator[Server]:
    with Server([run.path]) as server:
        yield server


def test_the_box_is_read_and_drawn_over_input_and_heatmap(run: Run, viewer) -> None:
    row = 5
    left, top = (run.samples[f"box_{side}"][row].as_py() for side in ("left", "top"))
    assert np.array_equal(np.unravel_index(np.abs(run.relevance[row][0]).argmax(), SIDES), (top, left))
    viewer.open_class("0")
    viewer.tile(row).click()
    detail = viewer.page.get_by_role("region", name="Detail")
    words = detail.locator("[data-box]")
    words.wait_for()
    assert [
        float(part) for part in words.inner_text().replace("×", " ").replace(",", " ").split() if part[0].isdigit()
    ] == [left, top, 9, 6]
    outlines = detail.locator("figure svg")
    outlines.nth(2).wait_for()
    assert outlines.count() == 3  # input, heatmap and overlay
    for place in range(3):
        outline, canvas = outlines.nth(place), detail.locator("figure canvas").nth(place)
        frame, image = canvas.bounding_box(), outline.locator("rect.line").bounding_box()
        scale = frame["width"] / SIDES[1]
        assert frame["height"] == pytest.approx(SIDES[0] * scale, abs=1)
        found = [image["x"] - frame["x"], image["y"] - frame["y"], image["width"], image["height"]]
        assert found == pytest.approx([left * scale, top * scale, 9 * scale, 6 * scale], abs=1.5)
    viewer.screenshot("boxes-light-1280")


def test_the_pixels_below_a_box_are_still_read(run: Run, viewer) -> None:
    """The outline does not take the pointer."""
    row = 5
    left, top = (int(run.samples[f"box_{side}"][row].as_py()) for side in ("left", "top"))
    viewer.open_class("0")
    viewer.tile(row).click()
    detail = viewer.page.get_by_role("region", name="Detail")
    outline = detail.locator("figure svg").first
    outline.wait_for()
    frame = detail.locator("figure canvas").first.bounding_box()
    scale = frame["width"] / SIDES[1]
    viewer.page.mouse.move(frame["x"] + (left + 0.5) * scale, frame["y"] + (top + 0.5) * scale)
    detail.locator("[data-pixel]", has_text=f"row {top}, column {left}").wait_for()


def test_a_figure_of_an_object_has_its_box(run: Run, viewer) -> None:
    row = 5
    left, top = (run.samples[f"box_{side}"][row].as_py() for side in ("left", "top"))
    viewer.open_class("0")
    viewer.tile(row).click()
    with viewer.page.expect_download() as download:
        viewer.page.get_by_role("region", name="Detail").get_by_label("Figure").select_option("SVG")
    drawn = Path(download.value.path()).read_text("utf-8")
    assert f"left {left:#.3g}, top {top:#.3g}, 9.00 × 6.00" in drawn
    place = ' x="([\\d.]+)" y="([\\d.]+)" width="([\\d.]+)" height="([\\d.]+)"'
    boxes = re.findall(f'<rect{place} fill="none" stroke="#(?:000000|ffffff)" stroke-width="[13]"', drawn)
    images = re.findall(f'<image href="[^"]+"{place}', drawn)
    assert len(boxes) == 2 * 3  # a dark and a light line over input, heatmap and overlay
    for number, box in enumerate(boxes):
        x, y, width, height = map(float, images[number // 2])
        expected = [x + left / 36 * width, y + top / 24 * height, 9 / 36 * width, 6 / 24 * height]
        assert list(map(float, box)) == pytest.approx(expected, abs=0.02)
