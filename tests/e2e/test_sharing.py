"""Passing on what was seen: links, state files, ViRelAy's bookmarks; and links that are old, wrong or followed back."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from whyset.store import CategoryResult, Run
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import from_info
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard
from whyset.viewer import Server
from whyset.viewer.state_files import read_document

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(sample_run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample", analyses=("spray", "other"))


@pytest.fixture(scope="module")
def scattered(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of 12,000 tiny samples of which every third is a horse: most of them are too many pieces for an address."""
    config = replace(run.config, shard_rows=1024)
    number = 12_000
    table = samples_table([str(index) for index in range(number)], [index % 3 for index in range(number)])
    run = create_run(tmp_path_factory.mktemp("runs") / "scattered", config, table, standard_arrays((1, 2, 3)))
    for shard in range(run.shard_count):
        start, stop = run.shard_range(shard)
        label = np.arange(start, stop) % 3
        values = {"target": label, "prediction": label, "confidence": np.full(len(label), 0.5, np.float32)}
        write_shard(run, shard, values | {"attribution/input": np.ones((len(label), 1, 2, 3), np.float32)})
    members = np.arange(2, number, 3)
    clusters = [{"id": 0, "size": len(members), "purity": 1.0, "accuracy": 1.0, "medoids": [2]}]
    columns = {
        "index": members,
        "clustering.kmeans": np.zeros(len(members), np.int32),
        "embedding.tsne": np.random.default_rng(0).normal(size=(len(members), 2)).astype(np.float32),
    }
    info = {
        "size": len(members),
        "label": 2,
        "clusterings": {"kmeans": {"k": 1, "noise": 0, "clusters": clusters}},
        "default_clustering": "kmeans",
        "default_embedding": "tsne",
        "embeddings": {"tsne": {"dimensions": 2}},
    }
    run.analysis_writer("spray", {"seed": 0}).write(CategoryResult("00002", "horse", columns, from_info(info)))
    return run


def share(viewer) -> None:
    viewer.page.get_by_role("button", name="Share").click()


def saved_state(viewer, folder: Path) -> Path:
    share(viewer)
    with viewer.page.expect_download() as saved:
        viewer.page.get_by_role("button", name="Save state file").click()
    saved.value.save_as(folder / saved.value.suggested_filename)
    viewer.page.keyboard.press("Escape")
    return folder / saved.value.suggested_filename


def open_file(viewer, name: str, content: str) -> None:
    viewer.page.get_by_role("button", name="More").click()
    with viewer.page.expect_file_chooser() as chooser:
        viewer.page.get_by_role("button", name="Open …").click()
    chooser.value.set_files({"name": name, "mimeType": "application/json", "buffer": content.encode()})


def test_a_link_is_copied_without_the_token_and_says_what_the_receiver_needs(horse, server: Server) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    share(horse)
    link = horse.page.get_by_label("Link to this view").input_value()
    assert link.startswith(f"{server.origin}/#/sample/other/00002?")
    assert "selected=" in link
    assert server.token not in link
    horse.page.get_by_text("The link works on this computer while this viewer is running.").wait_for()
    horse.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    horse.page.get_by_role("button", name="Copy").click()
    horse.page.get_by_text("The link was copied.").wait_for()
    assert horse.page.evaluate("navigator.clipboard.readText()") == link
    horse.screenshot("share-light-1280")


def test_a_state_file_opens_the_runs_at_what_was_seen(horse, open_viewer: Callable, tmp_path: Path, run: Run) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    horse.page.get_by_label("Color", exact=True).select_option("confidence")
    horse.page.get_by_role("button", name="More").click()
    horse.page.get_by_role("button", name="dark", exact=True).click()
    horse.page.keyboard.press("Escape")
    file = saved_state(horse, tmp_path)
    assert file.name == "sample-horse-state.json"
    stored = json.loads(file.read_text())
    assert (stored["format"], stored["schema"], stored["selected"]) == ("whyset-state", "1.0", None)
    assert stored["runs"] == [
        {"id": "sample", "name": stored["runs"][0]["name"], "path": str(run.path), "hash": run.config_hash}
    ]
    with Server([run.path], document=read_document(file)) as server:
        other = open_viewer(server, view="class")
        other.until("window.__viewer.drawnFrames() > 0")
        assert other.selected() == horse.selected()
        expect(other.page.get_by_label("Color", exact=True)).to_have_value("confidence")
        other.until("document.documentElement.dataset.theme === 'dark'")
        other.page.reload()
        other.wait_for_view("class")
        assert other.page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_selection_too_long_for_a_link_is_told_and_travels_in_the_file(
    open_viewer: Callable, scattered: Run, tmp_path: Path
) -> None:
    with Server([scattered.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("horse")
        viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
        viewer.page.get_by_role("button", name="Find").click()
        viewer.page.get_by_role("combobox", name="Id, number").fill("77")
        viewer.page.get_by_role("button", name=re.compile("^Select all .* in horse")).click(modifiers=["Alt"])
        chosen = viewer.selected()
        assert 3500 < len(chosen) < 4000
        assert "selected=*" in viewer.until_written().replace("%2A", "*")
        share(viewer)
        viewer.page.get_by_text(f"The {len(chosen):,} selected samples are too many for a link").wait_for()
        viewer.screenshot("share-too-long-light-1280")
        viewer.page.keyboard.press("Escape")
        file = saved_state(viewer, tmp_path)
        viewer.page.reload()
        viewer.wait_for_view("class")
        assert viewer.selected() == chosen  # the browser kept it with its history
        address = viewer.page.evaluate("location.hash")
        other = open_viewer(server)
        other.page.evaluate(f"location.hash = {address!r}")
        other.page.get_by_role("alert").get_by_text("too long for the link").wait_for()
        assert other.selected() == []
        open_file(other, file.name, file.read_text())
        other.until("window.__viewer.selectedIndices().length > 0")
        assert other.selected() == chosen


def test_a_bookmark_of_virelay_is_opened_and_what_is_not_here_is_told(viewer) -> None:
    bookmark = {
        "projectName": "sample",
        "selectedAnalysisMethod": "spray",
        "selectedAnalysisCategory": "class_00002",
        "selectedClustering": "hdbscan",
        "selectedEmbeddingName": "umap",
        "selectedColorMap": "black-fire-red",
        "selectedImageMode": "attribution",
        "selectedEmbeddingVectorsIndices": [2, 8],
    }
    open_file(viewer, "bookmark.json", json.dumps(bookmark))
    viewer.wait_for_view("class")
    viewer.page.get_by_role("alert").get_by_text("embedding 'umap' is not in this run").wait_for()
    assert viewer.selected() == [2, 8]
    assert viewer.page.get_by_label("Clustering", exact=True).input_value() == "hdbscan"
    assert viewer.page.get_by_label("Color map (C)").input_value() == "black-fire-red"
    assert viewer.page.get_by_role("button", name="heatmap", exact=True).get_attribute("aria-pressed") == "true"
    viewer.screenshot("bookmark-light-1280")
    viewer.page.get_by_role("button", name="Close message").click()
    assert viewer.page.get_by_role("alert").count() == 0


def test_a_wrong_file_is_refused_and_what_is_shown_stays(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, tolerated=("422",))
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    before = viewer.selected()
    open_file(viewer, "notes.txt", "no JSON")
    viewer.page.get_by_role("alert").get_by_text("notes.txt is not JSON. Expected a state file").wait_for()
    open_file(viewer, "other.json", '{"format": "geojson"}')
    viewer.page.get_by_role("alert").get_by_text("that ViRelAy exported, got the format 'geojson'").wait_for()
    assert viewer.selected() == before


def test_a_state_file_can_be_dropped_on_the_page(horse, tmp_path: Path) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    content = saved_state(horse, tmp_path).read_text()
    chosen = horse.selected()
    horse.page.keyboard.press("Escape")
    drop = """content => {
      const carried = new DataTransfer();
      carried.items.add(new File([content], "state.json", {type: "application/json"}));
      for (const kind of ["dragover", "drop"])
        document.querySelector("main").dispatchEvent(
          new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: carried}));
    }"""
    horse.page.evaluate(drop, content)
    horse.until(f"window.__viewer.selectedIndices().length === {len(chosen)}")
    assert horse.selected() == chosen


def test_a_link_restores_all_that_was_seen(horse, open_viewer: Callable, server: Server) -> None:
    """Every piece of the address that a class has, given and read back; what is left out is as at the beginning."""
    parts = {
        "clustering": "hdbscan",
        "embedding": "spectral",
        "color": "confidence",
        "order": "least confident",
        "colorMap": "coolio",
        "pictures": "map",
        "norm": "all",
        "clip": "99",
        "gamma": "0.5",
        "sample": "8",
        "axes": "1,3",
        "camera": "0.4,0.6,2",
        "selected": "2.6",
        "brush": "confidence:0.5:0.95",
    }
    query = "&".join(f"{name}={text.replace(' ', '+')}" for name, text in parts.items())
    horse.page.evaluate(f"location.hash = {f'#/sample/spray/00002?{query}'!r}")
    horse.until("location.hash.includes('embedding=spectral') && window.__viewer.view() === 'class'")
    address = horse.until_written()
    shown = dict(re.findall(r"[?&]([^=]+)=([^&]*)", address))
    assert shown.keys() >= parts.keys() - {"clip"}
    other = open_viewer(server)
    other.page.evaluate(f"location.hash = {address!r}")
    other.wait_for_view("class")
    other.until_equal(lambda: dict(re.findall(r"[?&]([^=]+)=([^&]*)", other.until_written())), shown)
    assert other.page.get_by_role("alert").count() == 0


def test_back_and_forward_go_by_classes_and_not_by_what_is_done_there(viewer) -> None:
    viewer.page.get_by_role("columnheader", name="Samples").get_by_role("button").click()
    order = viewer.classes()
    viewer.until_written()
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    viewer.page.get_by_label("Color", exact=True).select_option("confidence")
    chosen = viewer.selected()
    viewer.until("location.hash.includes('color=confidence')")
    viewer.page.get_by_label("Class", exact=True).select_option("cat")
    viewer.until("location.hash.includes('/00000') && window.__viewer.view() === 'class'")
    viewer.until_written()
    viewer.page.go_back()
    viewer.until("location.hash.includes('/00002') && window.__viewer.view() === 'class'")
    assert viewer.selected() == chosen
    assert viewer.page.get_by_label("Color", exact=True).input_value() == "confidence"
    viewer.page.go_back()
    viewer.wait_for_view("overview")
    assert viewer.classes() == order
    viewer.page.go_forward()
    viewer.wait_for_view("class")
    assert viewer.selected() == chosen


@pytest.mark.parametrize(
    ("address", "view", "words"),
    [
        ("#/sample/nope", "overview", "This run has no analysis “nope”."),
        ("#/sample/spray/nope", "overview", "The analysis “spray” has no class “nope”."),
        (
            "#/sample/spray/00002?clustering=nope&sample=3&selected=0.2",
            "class",
            "horse has no clustering “nope”; kmeans",
        ),
        ("#/sample/spray/00002?with=gone%2Fspray%2F00000", "class", "The comparison is not shown"),
        ("#/sample/spray/00002?colorMap=nope", "class", "The color map “nope” was not found; "),
        ("#/sample/spray/00002?colorMap=x%2Cy", "class", "The color map “x,y” cannot be read; "),
    ],
)
def test_a_stale_link_shows_the_rest_and_names_what_is_not_there(
    open_viewer: Callable, server: Server, address: str, view: str, words: str
) -> None:
    viewer = open_viewer(server, tolerated=("404", "422"))
    viewer.page.evaluate(f"location.hash = {address!r}")
    viewer.page.get_by_role("alert").get_by_text(words).wait_for()
    viewer.wait_for_view(view)
    if "sample=3" in address:
        told = viewer.page.get_by_role("alert").inner_text()
        assert "Sample 3 is not in horse." in told
        assert "1 sample of the link's selection is not in horse." in told
        assert viewer.selected() == [2]
