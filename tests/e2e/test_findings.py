"""Findings come first in the overview: what was found, what it does, which samples carry it, and where it is."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from playwright.sync_api import expect

from whyset.image.shapes import to_rgb
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample")
    found.write_sample_findings(run)
    found.write_sample_effects(run)
    return run


@pytest.fixture
def card(viewer):
    """The card of the first finding."""
    return viewer.page.get_by_role("article", name="Finding 1: suspicion, class horse")


def test_the_first_card_states_effect_null_and_specificity(viewer, card) -> None:
    expect(card).to_contain_text("carry a piece at the upper right that 0.2 % of other classes' images have")
    for label, text in (
        ("turned fresh hosts", "0.72 [0.68, 0.76]"),
        ("turned by the null", "0.03 [0.00, 0.07]"),
        ("specificity", "0.95 [0.90, 1.00]"),
    ):
        expect(card.locator("dl > div").filter(has_text=label).first).to_contain_text(text)
    names = viewer.page.get_by_role("article").evaluate_all("cards => cards.map(card => card.ariaLabel)")
    assert names == [
        "Finding 1: suspicion, class horse",
        "Finding 2: strategy, class cat",
        "Finding 3: not confirmed, class dog <b>&amp;",
    ]
    findings = viewer.page.get_by_role("region", name="Findings").bounding_box()
    assert findings["y"] < viewer.page.get_by_role("table").last.bounding_box()["y"]


def test_the_piece_is_outlined_and_the_changed_host_is_the_stored_one(
    viewer, card, run: Run, found: ModuleType
) -> None:
    figures = card.get_by_role("list", name="Examples of finding 1").get_by_role("listitem").first.get_by_role("figure")
    expect(figures).to_have_count(3)
    expect(figures.nth(2)).to_have_attribute("data-changed", "true")
    boxes = (
        figures.nth(0)
        .locator("rect")
        .evaluate_all(
            "all => all.map(one => ['x', 'y', 'width', 'height'].map(side => Number(one.getAttribute(side))))"
        )
    )
    assert boxes == [[15, 0, 3, 3], [15, 0, 3, 3]]
    drawn = [viewer.pixels(figures.nth(place).locator("canvas"))[..., :3] for place in range(3)]
    np.testing.assert_array_equal(drawn[0], to_rgb(run.inputs[2]))
    np.testing.assert_array_equal(drawn[1], to_rgb(run.inputs[0]))
    np.testing.assert_array_equal(drawn[2], to_rgb(found.change_hosts(run)[0]))
    expect(figures.nth(1)).to_contain_text("host 0: cat (P of horse 0.05)")
    expect(figures.nth(2)).to_contain_text("with it: horse (P of horse 0.93)")


def test_a_card_opens_its_class_with_its_samples_selected(viewer, card, run: Run) -> None:
    card.get_by_role("link", name="Open horse with these 10 samples selected").click()
    viewer.wait_for_view("class")
    members = run.analysis("spray").category("horse").column("index").tolist()
    assert viewer.selected() == sorted(set(run.findings()[2].rows) & set(members))


def test_the_samples_of_a_card_are_saved_as_a_selection(viewer, card, run: Run) -> None:
    button = card.get_by_role("button", name="Save selection")
    button.focus()
    button.press("Enter")
    dialog = viewer.page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_value("horse: window of 3 x 3")
    expect(dialog.get_by_label("Note")).to_have_value(viewer.page.locator("article p").first.inner_text())
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    viewer.open_class("horse")
    expect(viewer.page.get_by_text("horse: window of 3 x 3")).to_be_visible()


def test_points_are_colored_by_the_effect_and_untested_ones_are_gray(viewer) -> None:
    viewer.open_class("horse")
    viewer.page.get_by_label("Color", exact=True).select_option("effect.window of 3 x 3")
    panel = viewer.page.locator("main > *", has=viewer.page.get_by_label("Color", exact=True))
    expect(panel).to_contain_text("0.250")
    expect(panel).to_contain_text("0.750")
    expect(panel).to_contain_text("15 without a value")


@pytest.fixture(scope="module")
def plain_server(sample_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server([sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "plain").path]) as server:
        yield server


def test_a_run_without_findings_says_what_searches(open_viewer: Callable, plain_server: Server) -> None:
    viewer = open_viewer(plain_server)
    expect(viewer.page.get_by_role("region", name="Findings")).to_contain_text("whyset find")


def parse_heights(path: str) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]


def test_a_changed_series_is_drawn_before_and_after_with_the_interval(
    open_viewer: Callable, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.analyzed(modality_runs.series_run(tmp_path / "series"))
    found.write_series_finding(run)
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        examples = viewer.page.get_by_role("list", name="Examples of finding 1").get_by_role("listitem")
        figure = examples.first.get_by_role("figure", name="host 2: even")
        plots = figure.get_by_role("img")
        expect(plots).to_have_count(2)
        expect(plots.nth(0)).to_have_attribute("aria-label", "channel 1, y, before")
        expect(plots.nth(1)).to_have_attribute("aria-label", "channel 1, y, after")
        expect(figure).to_contain_text("with it: odd (P of odd 0.75)")
        host, changed = run.inputs[2][1], found.change_series(run)[0, 1]
        low, high = min(host.min(), changed.min()), max(host.max(), changed.max())
        for place, values in enumerate((host, changed)):
            drawn = parse_heights(plots.nth(place).locator("path").get_attribute("d"))
            np.testing.assert_allclose(drawn, 45 - 42 * (values - low) / (high - low), atol=0.051)
            band = plots.nth(place).locator("rect")
            shaded = [float(band.get_attribute(side)) for side in ("x", "width")]
            np.testing.assert_allclose(shaded, [9 * 256 / 90, 9 * 256 / 90])
        unchanged = examples.nth(1).get_by_role("figure")
        expect(unchanged).to_have_count(3)
        expect(unchanged.nth(2)).to_contain_text("no value of the host changed")
        expect(examples.nth(1).get_by_role("img")).to_have_count(0)
        viewer.screenshot("findings-series")


def test_a_changed_volume_is_cut_through_the_evidence(
    open_viewer: Callable, modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.analyzed(modality_runs.volume_run(tmp_path / "volume"))
    found.write_volume_finding(run, with_changed=True)
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        figures = viewer.page.get_by_role("list", name="Examples of finding 1").get_by_role("figure")
        expect(figures.nth(2)).to_have_attribute("data-changed", "true")
        for place, volume in enumerate((run.inputs[0], run.inputs[1], found.change_volume(run)[0])):
            drawn = viewer.pixels(figures.nth(place).locator("canvas"))[..., :3]
            np.testing.assert_array_equal(drawn, to_rgb(volume[:1, 4]))  # the chosen channel, by default the first
        boxes = figures.locator("rect.line").evaluate_all(
            "all => all.map(one => ['x', 'y', 'width', 'height'].map(side => Number(one.getAttribute(side))))"
        )
        assert boxes == [[0, 2, 3, 3], [0, 2, 3, 3]]
        viewer.screenshot("findings-volume")
