"""Cards of clusters in a window of 1280 x 720, images of classes in the overview, and images that are enlarged."""

import re
from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest
from playwright.sync_api import expect

from whyset import Spray, analyze
from whyset.analysis.processors import PCA, KMeans
from whyset.report.top_features import find_top_features
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def squares(modality_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Square images; five clusters of each class have the same square in five places."""
    random, count = np.random.default_rng(0), modality_runs.SAMPLES
    maps = random.normal(0, 0.02, (count, 1, 32, 32)).astype(np.float32)
    for sample in range(count):
        corner = 6 * (sample // 2 % 5)
        maps[sample, 0, corner : corner + 5, corner : corner + 5] += 1
    values = {"attribution/input": maps, "input": random.integers(0, 256, maps.shape).astype(np.uint8)}
    run = modality_runs.make(tmp_path_factory.mktemp("runs") / "squares", values)
    analyze(run, Spray(embeddings=(PCA(),), clusterings=(KMeans(5),), surrogates=0, resamplings=0))
    return run


@pytest.fixture(scope="module")
def squares_server(squares: Run) -> Iterator[Server]:
    with Server([squares.path]) as server:
        yield server


def test_four_cards_of_clusters_are_in_sight(open_viewer: Callable, squares_server: Server) -> None:
    viewer = open_viewer(squares_server, width=1280, height=720)
    viewer.open_class("odd")
    region = viewer.page.get_by_role("region", name="Clusters", exact=False).first
    expect(region.get_by_text("position, not strategy").first).to_be_attached()
    area = region.locator(".list").bounding_box()
    boxes = [card.bounding_box() for card in region.locator(".card").all()]
    whole = [box for box in boxes if box["y"] >= area["y"] and box["y"] + box["height"] <= area["y"] + area["height"]]
    assert len(boxes) == 5
    assert len(whole) >= 4


def test_clusters_with_the_same_heatmap_in_another_place_say_so(open_viewer: Callable, squares_server: Server) -> None:
    viewer = open_viewer(squares_server)
    viewer.open_class("odd")
    note = viewer.page.locator(".card").first.get_by_text("position, not strategy")
    expect(note).to_have_attribute("title", re.compile("mean heatmaps of clusters 0 and 1 agree after a shift"))


def test_scores_of_a_card_are_in_its_details(viewer) -> None:
    viewer.open_class("horse")
    details = viewer.page.locator(".card").first.locator("details")
    expect(details.locator("summary")).to_contain_text("recovery 0.97")
    score = details.locator("[data-score=silhouette]")
    expect(score).not_to_be_visible()
    details.locator("summary").click()
    expect(score).to_be_visible()
    assert viewer.selected() == []  # the card is not chosen by it


def test_each_class_has_an_image_of_its_most_typical_sample(viewer, run: Run) -> None:
    for name in run.classes:
        row = viewer.page.locator("tr", has=viewer.page.get_by_role("link", name=name, exact=True))
        assert viewer.pixels(row.locator("canvas")).shape == (12, 18, 3)


def test_a_click_enlarges_an_image_and_escape_returns_the_focus(viewer) -> None:
    viewer.open_class("horse")
    viewer.tile(8).click()
    figure = viewer.page.get_by_role("figure", name="heatmap of")
    small = figure.locator("canvas").bounding_box()
    button = figure.get_by_role("button", name="Enlarge the heatmap")
    button.focus()
    viewer.page.keyboard.press("Enter")
    dialog = viewer.page.get_by_role("dialog", name=re.compile("^heatmap of .*, enlarged$"))
    canvas = dialog.locator("canvas")
    viewer.until_drawn(canvas)
    assert canvas.bounding_box()["width"] > 3 * small["width"]
    np.testing.assert_array_equal(viewer.pixels(canvas), viewer.pixels(figure.locator("canvas")))
    viewer.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    viewer.page.get_by_role("figure", name="input of").locator("canvas").click()
    expect(viewer.page.get_by_role("dialog", name=re.compile("^input of"))).to_be_visible()
    viewer.page.get_by_role("button", name="Close").click()
    expect(viewer.page.get_by_role("dialog")).to_have_count(0)


@pytest.fixture(scope="module")
def texts(modality_runs: ModuleType, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = modality_runs.analyzed(modality_runs.text_run(tmp_path_factory.mktemp("runs") / "text"))
    found.write_text_finding(run)
    return run


@pytest.fixture(scope="module")
def texts_server(texts: Run) -> Iterator[Server]:
    with Server([texts.path]) as server:
        yield server


def test_cards_of_texts_list_their_words(open_viewer: Callable, texts_server: Server, texts: Run) -> None:
    top = find_top_features(texts, texts.analysis().category("odd"))[0]
    viewer = open_viewer(texts_server)
    examples = viewer.page.get_by_role("article").locator(".texts")
    source, host, changed = (examples.first.get_by_role("figure").nth(place) for place in range(3))
    expect(source.locator("mark")).to_have_text(texts.tokens([0])[0][1:3])
    expect(host.locator("mark")).to_have_count(0)
    expect(changed.locator("mark")).to_have_text(texts.tokens([0])[0][1:3])
    expect(changed).to_contain_text("with it: odd")
    expect(examples.nth(1).get_by_role("figure")).to_have_count(2)  # its changed host is not stored
    viewer.open_class("odd")
    expect(viewer.page.locator(".card").first).to_contain_text(f"top words: {top.features[0]}")
