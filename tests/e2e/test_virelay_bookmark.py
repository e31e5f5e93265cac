"""Bookmarks that the real ViRelAy saves, clicked together in its own page, and what the viewer shows of them."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import TimeoutError

from whyset.analysis.virelay_import import describe_imported_category
from whyset.store import Run
from whyset.store.virelay import export_project, import_project
from whyset.viewer import Server
from whyset.viewer.state_files import read_document

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample", analyses=("other", "spray"))


@pytest.fixture(scope="module")
def project(virelay_project: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of others: only some samples have attributions, in no order, and names are not those of folders."""
    files = virelay_project.ProjectFiles(tmp_path_factory.mktemp("project"))
    explained = np.array([10, 2, 7, 4, 11], np.uint32)
    given = files.attributions["attributions.h5"]
    files.attributions["attributions.h5"] = {name: values[explained] for name, values in given.items()}
    places = np.array([[0, 0], [1, 4], [2, 1], [3, 3]], np.float32)
    part = {
        "index": np.array([4, 7, 10, 11], np.uint32),
        "embedding": {"a map": places, "tsne": places[:, ::-1]},
        "cluster": {"all": np.zeros(4, np.int32), "by hand": np.array([0, 1, 1, -1], np.int32)},
    }
    files.analyses = {"My method": {"analysis.h5": {"cats & dogs": part}}}
    return files.write()


@pytest.fixture(scope="module")
def virelay(
    virelay_process: ModuleType,
    oracle_python: Callable[[str], Path],
    run: Run,
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of ViRelAy with both projects."""
    folder = tmp_path_factory.mktemp("virelay")
    exported = export_project(run, folder / "exported")
    with virelay_process.virelay_server(oracle_python("virelay"), folder / "virelay.log", exported, project) as served:
        yield served.address


@pytest.fixture
def peer(browser: Any, virelay: str) -> Iterator[Any]:
    """A page on which ViRelAy can be opened."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def choose(peer: Any, asked: str, **names: str) -> None:
    """Choose in ViRelAy's page, one after the other, until it has been sent all that is `asked` for by that."""
    with peer.expect_response(lambda answer: asked in answer.url) as sent:
        for what, name in names.items():
            with peer.expect_response(re.compile("/analyses/")):
                peer.get_by_label(what.replace("_", " "), exact=True).select_option(name)
    sent.value.finished()


def select(peer: Any, ask_again: Callable[[], None], how: Callable[[], None], among: set[int]) -> None:
    """Do what selects points until ViRelAy lists pictures, and only those of these numbers.

    It does not tell when the chosen points are drawn, and until then those of another class may be met. Its page shows
    the answer that arrives last: choosing a method sends four requests for the first class, and an answer to one of
    them may replace that for the chosen class. So every other try asks again, when these have long been answered.
    """
    listed = peer.get_by_role("complementary", name="Selected Attributions").get_by_role("img")
    found = None
    for attempt in range(20):
        if attempt % 2:
            ask_again()
        how()
        with suppress(TimeoutError):
            listed.first.wait_for(timeout=2_000)
            sources = listed.evaluate_all("all => all.map(one => one.src)")
            found = {int(number) for source in sources for number in re.findall(r"/(\d+)/(?:image|heatmap)", source)}
            if found and found <= among:
                return
    raise AssertionError(f"ViRelAy lists {found} as selected, none or not all of {among}")


def drag_over_canvas(peer: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag a rectangle between two places, as fractions of the canvas."""
    box = peer.locator("canvas").first.bounding_box()
    (x, y), (right, bottom) = ((box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in (start, end))
    peer.mouse.move(x, y)
    peer.mouse.down()
    peer.mouse.move(right, bottom, steps=5)
    peer.mouse.up()


def exported_bookmark(peer: Any, folder: Path) -> Path:
    with peer.expect_download() as saved:
        peer.get_by_role("button", name="Export").click()
    saved.value.save_as(folder / saved.value.suggested_filename)
    return folder / saved.value.suggested_filename


def test_a_class_of_an_exported_run_is_shown_as_it_was_in_virelay(
    peer: Any, virelay: str, run: Run, open_viewer: Callable, tmp_path: Path
) -> None:
    peer.goto(f"{virelay}/projects/0")
    asked = "spray?category=class_00002&clustering=hdbscan&embedding=spectral"
    choose(peer, asked, Analysis_method="spray", Category="horse (class_00002)", Embedding="spectral")
    peer.get_by_label("Color map").select_option("Blue White Red")
    peer.get_by_role("radio", name="Overlay").press("Space")
    members = set(run.analysis("spray").category("horse").column("index").tolist())
    ask_again = partial(choose, peer, asked, Embedding="spectral")
    select(peer, ask_again, lambda: drag_over_canvas(peer, (0.02, 0.02), (0.5, 0.95)), members)
    bookmark = exported_bookmark(peer, tmp_path)
    chosen = json.loads(bookmark.read_text())["selectedEmbeddingVectorsIndices"]
    assert len(chosen) > 1
    assert set(chosen) < members
    with Server([run.path], document=read_document(bookmark)) as server:
        viewer = open_viewer(server, view="class")
        viewer.until("window.__viewer.drawnFrames() > 0")
        viewer.until_written()
        viewer.until_equal(lambda: shown(viewer), ("spray", "horse", "hdbscan", "spectral", "blue-white-red"))
        viewer.until_equal(viewer.selected, sorted(chosen))
        overlay = viewer.page.get_by_role("button", name="overlay", exact=True)
        viewer.until_equal(lambda: overlay.get_attribute("aria-pressed"), "true")
        assert viewer.page.get_by_role("alert").count() == 0


def test_a_bookmark_of_a_foreign_project_opens_on_the_run_that_was_imported_from_it(
    peer: Any, virelay: str, project: Path, open_viewer: Callable, tmp_path: Path
) -> None:
    """The project's numbers of samples are not those of the run's rows, and its names are not the run's."""
    peer.goto(f"{virelay}/projects/1")
    asked = "category=cats%20%26%20dogs&clustering=by%20hand&embedding=a%20map"
    choose(peer, asked, Clustering="by hand", Embedding="a map")
    ask_again = partial(choose, peer, asked, Embedding="a map")
    select(peer, ask_again, peer.get_by_role("button", name="Cluster 2 (2)").click, {7, 10})
    bookmark = exported_bookmark(peer, tmp_path)
    imported = import_project(project, tmp_path / "imported", describe_imported_category)
    with Server([imported.path]) as server:
        viewer = open_viewer(server)
        viewer.page.get_by_role("button", name="More").click()
        with viewer.page.expect_file_chooser() as chooser:
            viewer.page.get_by_role("button", name="Open …").click()
        chooser.value.set_files(bookmark)
        viewer.wait_for_view("class")
        viewer.until("window.__viewer.selectedIndices().length > 0")
        viewer.until_written()
        assert viewer.page.get_by_role("alert").count() == 0
        assert shown(viewer) == ("My_method", "cats & dogs", "by_hand", "a_map", "black-fire-red")
        assert imported.column("sample_index")[viewer.selected()].tolist() == [7, 10]


def shown(viewer: Any) -> tuple[str, ...]:
    """What is chosen in the viewer, as its controls say."""
    chosen = "select => select.selectedOptions[0].textContent.trim()"
    labels = ("Analysis", "Class", "Clustering", "Embedding", "Color map (C)")
    return tuple(viewer.page.get_by_label(label, exact=True).evaluate(chosen) for label in labels)
