"""The static export, opened from the disk in a real Chromium: it loads nothing and shows what the server shows."""

import csv
import json
import runpy
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import whyset
from whyset.report import rank_classes
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

SUPPORT = Path(__file__).parents[1] / "support"
HOSTILE = '</script><script>document.title = "taken"</script><!--'


@pytest.fixture(scope="module")
def file(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whyset.export_html(run, tmp_path_factory.mktemp("export") / "all.html", quality=100)


@pytest.fixture
def open_file(browser: Any, support: ModuleType) -> Iterator[Callable[[Path], Any]]:
    """Opens a page from the disk; nothing may go wrong on it, and nothing be asked for."""
    pages = []

    def open_page(file: Path) -> Any:
        page = support.ViewerPage(browser, file.as_uri(), width=1280, height=720, theme="light", script=None)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.page.context.close()
    assert [problem for page in pages for problem in page.problems] == []
    assert {url for page in pages for url in page.requests if not url.startswith(("file:", "blob:"))} == set()


def shown(page: Any, index: int, mode: str) -> np.ndarray:
    """The picture of a sample in the list."""
    page.page.get_by_role("button", name=mode, exact=True).click()
    return page.pixels(page.tile(index).locator("canvas").first)


def test_the_file_shows_what_the_server_shows(
    open_file: Callable, open_viewer: Callable, server: Server, file: Path, run: Run, members: np.ndarray
) -> None:
    still = open_file(file)
    assert still.classes() == [row.name for row in rank_classes(run.analysis("spray")).rows]
    assert "58 of 60 samples, 3 of 3 classes" in still.page.locator("main").inner_text()
    served = open_viewer(server)
    for page in (still, served):
        page.open_class("horse")
    assert still.hook("pointCount()") == len(members)
    some = members[:3].tolist()
    np.testing.assert_allclose(still.positions(some), served.positions(some), atol=0.5)
    for mode in ("input", "heatmap", "overlay"):
        np.testing.assert_array_equal(shown(still, some[0], mode), shown(served, some[0], mode))
    assert still.page.get_by_text("Save …").count() == 0  # nothing can be written


def test_an_exported_table_is_the_servers(open_file: Callable, file: Path, run: Run, members: np.ndarray) -> None:
    page = open_file(file)
    page.open_class("horse")
    tables = {}
    for form in ("CSV", "JSON"):
        with page.page.expect_download() as download:
            page.page.get_by_label("Export", exact=True).select_option(form)
        tables[form] = Path(download.value.path()).read_text("utf-8")
    from whyset.viewer.embed.local import LocalViewer

    served = LocalViewer([run.path])
    for form, read in (("CSV", lambda text: list(csv.DictReader(StringIO(text)))), ("JSON", json.loads)):
        order = json.dumps({"rows": members.tolist(), "form": form.lower()}).encode()
        answer = served.ask("runs/sample/analyses/spray/00002/export", method="POST", body=order)
        here, there = read(tables[form]), read(answer.body.decode())
        for line in (*here, *there):
            line["confidence"] = np.float32(line["confidence"])
        assert here == there


def test_an_address_restores_a_selection_and_what_is_not_held_is_told(
    open_file: Callable, run: Run, members: np.ndarray, tmp_path: Path
) -> None:
    file = whyset.export_html(run, tmp_path / "some.html", categories=["horse"], rows=members[:4], inputs=False)
    page = open_file(file)
    assert page.classes() == ["horse"]
    page.open_class("horse")
    index = run.analysis("spray").category("horse")
    medoids = {
        row
        for name in ("kmeans", "hdbscan")
        for each in index.evidence.clusterings[name].clusters
        for row in each.medoids
    }
    assert page.hook("pointCount()") == len(set(members[:4].tolist()) | medoids & set(members.tolist()))
    page.page.keyboard.press("0")
    page.until("location.hash.includes('selected') || location.hash.includes('clusters')")
    chosen = page.selected()
    again = open_file(file)
    again.page.goto("about:blank")
    again.page.goto(page.page.url)
    again.wait_for_view("class")
    again.until(f"window.__viewer.selectedIndices().length === {len(chosen)}")
    assert again.selected() == chosen
    again.page.goto("about:blank")
    again.page.goto(f"{file.as_uri()}#/sample/spray/00001")
    again.page.get_by_text("has no class “00001”").wait_for()


def test_labels_cannot_end_the_script_that_holds_them(open_file: Callable, tmp_path: Path) -> None:
    made = SimpleNamespace(**runpy.run_path(str(SUPPORT / "sample_run.py"), run_name="sample_run"))
    made.make_sample_run.__globals__["CLASSES"] = ("cat", HOSTILE, "horse")
    run = made.make_sample_run(tmp_path / f"run{len(HOSTILE)}")
    page = open_file(whyset.export_html(run, tmp_path / "hostile.html"))
    assert HOSTILE in page.classes()
    page.open_class(HOSTILE)
    assert "taken" not in page.page.title().split(" · ")


def test_a_file_that_was_cut_off_says_so(browser: Any, file: Path, tmp_path: Path) -> None:
    text = file.read_text("utf-8")
    start = text.index('<script type="text/plain" data-block="contents">')
    broken = tmp_path / "broken.html"
    broken.write_text(text[:start] + text[text.index("</script>", start) + len("</script>") :], "utf-8")
    page = browser.new_context().new_page()
    page.goto(broken.as_uri())
    page.get_by_text("This file cannot be shown: The block contents is missing").wait_for()
    page.context.close()


def test_volumes_in_a_file_are_cut_into_slices(open_file: Callable, modality_runs: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.analyzed(modality_runs.volume_run(tmp_path / "volume"))
    still = open_file(whyset.export_html(run, tmp_path / "page.html", quality=100))
    still.open_class("odd")
    assert np.array_equal(shown(still, 3, "input")[..., 0], run.inputs[3][0, 1])  # the slice with the most relevance
    still.tile(3).click()
    slider = still.page.get_by_role("region", name="Detail").get_by_role("slider", name="slice")
    slider.wait_for()
    picture = still.page.get_by_role("figure", name="input of volume/3").locator("canvas")
    assert np.array_equal(still.pixels(picture)[..., 0], run.inputs[3][0, 1])
    slider.focus()
    still.page.keyboard.press("End")
    still.until("document.querySelector('[data-explains]') !== null")
    assert slider.get_attribute("aria-valuetext") == "6 of 6"
    assert np.array_equal(still.pixels(picture)[..., 0], run.inputs[3][0, 5])
