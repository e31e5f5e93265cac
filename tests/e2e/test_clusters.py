"""What is done with clusters: several at once, names, mean maps of both kinds, definitions, and many of them."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from whyset.image import colorize
from whyset.store import Run
from whyset.store.cluster_names import NamesFile
from whyset.viewer import Server

pytestmark = pytest.mark.browser

NAME = "corner <b>mark</b>"


@pytest.fixture(scope="module")
def run(sample_run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample")
    run.analysis_writer("spray", dict(run.analysis("spray").config)).write(sample_run.herd(70))
    return run


@pytest.fixture
def horse(open_viewer: Callable, server: Server):
    """The viewer with the class "horse" open."""
    viewer = open_viewer(server, tolerated=("412",))
    viewer.open_class("horse")
    return viewer


def rename(viewer, cluster: int, name: str) -> None:
    viewer.page.get_by_role("button", name=f"Rename cluster {cluster}").click()
    viewer.page.get_by_label(f"Name of cluster {cluster}").fill(name)
    viewer.page.keyboard.press("Enter")


def test_several_clusters_are_chosen_with_boxes_and_with_ctrl(horse, members: np.ndarray) -> None:
    one, two = (members[members % 2 == cluster].tolist() for cluster in (0, 1))
    box = horse.page.get_by_role("checkbox", name="Toggle selection of cluster 1")
    box.check()
    horse.page.get_by_role("checkbox", name="Toggle selection of cluster 0").check()
    assert horse.selected() == sorted(one + two)
    box.uncheck()
    assert horse.selected() == one
    card = horse.page.get_by_role("button", name=re.compile("^Cluster 1 "))
    card.click(modifiers=["Control"])
    assert horse.selected() == sorted(one + two)
    card.click(modifiers=["Control"])
    assert horse.selected() == one
    assert horse.page.get_by_role("checkbox", name="Toggle selection of cluster 2").is_disabled()
    assert "no samples" in horse.page.get_by_role("button", name=re.compile("^Cluster 2 ")).inner_text()
    horse.tile(one[0]).click()
    horse.page.keyboard.press("Escape")
    horse.page.get_by_label("Order of the samples").focus()
    assert not box.evaluate("box => box.indeterminate")


def test_a_name_is_kept_beside_the_run_and_shown_wherever_the_cluster_is(
    horse, open_viewer: Callable, server: Server, run: Run, members: np.ndarray
) -> None:
    rename(horse, 1, NAME)
    card = horse.page.locator("[data-cluster='1']").locator("xpath=ancestor::div[contains(@class, 'card')]")
    card.get_by_text(NAME).wait_for()
    names = NamesFile(run.path / "selections", "spray", run.analysis("spray").category("horse"))
    assert names.read().names == {"kmeans": {"1": NAME}}
    other = open_viewer(server, theme="dark", width=1600, height=1000)
    other.open_class("horse")
    sample = int(members[members % 2 == 1][0])
    other.page.locator("[data-entry='1']").get_by_text(f"cluster 1: {NAME}").click()
    assert other.told().endswith(f"cluster 1: {NAME}.")
    assert f"cluster 1: {NAME}" in other.tile(sample).get_attribute("aria-label")
    other.tile(sample).click()
    other.page.get_by_role("region", name="Detail").get_by_text(f"1: {NAME}").wait_for()
    assert other.page.locator("svg text").get_by_text(NAME).count() == 1
    other.page.mouse.move(*other.positions([sample])[0])
    other.page.locator("[data-hover]").get_by_text(f"cluster 1: {NAME}").wait_for()
    other.screenshot("clusters-named-dark-1600")
    assert other.page.locator("b:text('mark')").count() == 0
    rename(other, 1, "")
    other.page.locator("[data-entry='1']").get_by_text("cluster 1", exact=True).wait_for()
    assert names.read().names.get("kmeans", {}) == {}


def test_whoever_is_late_with_a_name_is_told_and_loses_nothing(horse, run: Run) -> None:
    names = NamesFile(run.path / "selections", "spray", run.analysis("spray").category("horse"))
    horse.page.get_by_role("button", name="Rename cluster 0").click()
    field = horse.page.get_by_label("Name of cluster 0")
    field.fill("mine")
    names.change({"kmeans": {"0": "theirs"}}, names.read().revision)
    horse.page.keyboard.press("Enter")
    horse.page.get_by_role("region", name="Clusters").get_by_role("alert").wait_for()
    assert field.input_value() == "mine"
    field.press("Enter")
    horse.page.locator("[data-entry='0']").get_by_text("cluster 0: mine").wait_for()
    assert names.read().names == {"kmeans": {"0": "mine"}}


def test_mean_maps_are_shown_with_signs_and_as_magnitudes(horse, run: Run, members: np.ndarray) -> None:
    horse.page.get_by_label("Color map (C)").select_option("seismic")
    means = horse.page.locator("[title^='Mean heatmap'] canvas")
    category = run.analysis("spray").category("horse")
    signed, magnitudes = (category.column(f"{kind}.kmeans")[0] for kind in ("mean_map", "mean_abs_map"))
    assert np.abs(horse.pixels(means.first).astype(int) - colorize(signed, "seismic")).max() <= 2
    horse.page.get_by_role("button", name="Mean heatmaps of magnitudes").click()
    horse.until("location.hash.includes('means=absolute')")
    assert np.abs(horse.pixels(means.first).astype(int) - colorize(magnitudes, "seismic")).max() <= 2
    horse.page.get_by_label("Clustering", exact=True).select_option("hdbscan")
    button = horse.page.get_by_role("button", name="Mean heatmaps of magnitudes")
    horse.until("document.querySelector('[aria-label$=\"mean heatmaps of magnitudes\"]').disabled")
    assert "has only signed mean heatmaps" in button.get_attribute("title")


def test_scores_are_defined_on_focus_and_on_hover(horse) -> None:
    button = horse.page.locator("[data-cluster='0']")
    card = button.locator("xpath=ancestor::div[contains(@class, 'card')]")
    button.focus()
    horse.page.keyboard.press("Tab")
    horse.page.keyboard.press("Tab")
    horse.page.keyboard.press("Enter")  # opens the details
    horse.page.keyboard.press("Tab")
    term = card.get_by_text("separability", exact=True)
    assert term.evaluate("word => word === document.activeElement")
    tip = horse.page.get_by_role("tooltip")
    assert "Fisher's discriminant" in tip.inner_text()
    assert (
        term.evaluate("word => document.getElementById(word.getAttribute('aria-describedby')).innerText")
        == tip.inner_text()
    )
    horse.page.keyboard.press("Escape")
    assert tip.count() == 0
    card.get_by_text("purity", exact=True).hover()
    assert "largest share of one prediction" in horse.page.get_by_role("tooltip").inner_text()
    horse.screenshot("clusters-definition-light-1280")


def test_many_clusters_are_bounded_sorted_and_reached_by_arrow_keys(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    viewer.open_class("herd")
    cards = viewer.page.locator("[data-cluster]")
    assert cards.count() == 50
    assert viewer.page.locator("[data-cluster][tabindex='0']").count() == 1
    cards.first.focus()
    viewer.page.keyboard.press("ArrowDown")
    viewer.page.keyboard.press("ArrowDown")
    assert viewer.page.evaluate("document.activeElement.dataset.cluster") == "2"
    viewer.page.get_by_label("Order of the clusters").select_option("size")
    sizes = [int(size) for size in re.findall(r"Cluster \d+\s+(\d+)\s+samples", "".join(cards.all_text_contents()))]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 7
    viewer.page.get_by_role("button", name="20 more of 70").click()
    assert cards.count() == 70
    viewer.page.get_by_role("button", name="noise 3 in no cluster").click()
    assert viewer.selected() == [0, 1, 2]
    viewer.screenshot("clusters-many-light-1280")
