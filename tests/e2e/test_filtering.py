"""What is seen of a class: legend and histogram of any column, and filters by pointer and by keyboard."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import csv

from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

SITES = ("north", "<i>south</i>", None)


@pytest.fixture(scope="module")
def brightness() -> np.ndarray:
    """A further column of the samples: two values are missing, and one lies far from all others."""
    values = np.random.default_rng(3).uniform(0, 1, 60)
    values[[5, 8]] = np.nan
    values[11] = 1e6
    return values


@pytest.fixture(scope="module")
def run(sample_run, tmp_path_factory: pytest.TempPathFactory, brightness: np.ndarray) -> Run:
    sites = [SITES[index // 3 % 3] for index in range(60)]
    further = {"site": sites, "brightness": brightness.tolist(), "indoors": [index % 5 == 0 for index in range(60)]}
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample", further=further)
    run.analysis_writer("spray", dict(run.analysis("spray").config)).write(sample_run.herd(70))
    return run


def listed(viewer) -> list[int]:
    """Sample indices of the list of samples; the small class fits into it."""
    return [int(tile.get_attribute("data-index")) for tile in viewer.page.locator("[role=option][data-index]").all()]


def shown(viewer) -> str:
    return viewer.page.locator("[data-shown]").inner_text()


def color_by(viewer, title: str) -> None:
    viewer.page.get_by_label("Color", exact=True).select_option(label=title)
    viewer.page.get_by_role("region", name=f"Colors: {title}").wait_for()


def brush(viewer, title: str, low: str, high: str) -> None:
    """Filter by numbers, without a pointer."""
    for end, text in (("from", low), ("to", high)):
        field = viewer.page.get_by_role("spinbutton", name=f"{title} {end}")
        field.fill(text)
        field.press("Enter")


def test_a_hidden_entry_is_neither_drawn_hovered_selected_listed_nor_exported(horse, members: np.ndarray) -> None:
    hidden, left = members[members % 2 == 0], members[members % 2 == 1]
    places = horse.positions(hidden)
    horse.page.get_by_role("button", name="Hide cluster 0").click()
    assert shown(horse) == f"{len(left)} of {len(members)} shown"
    assert horse.told() == f"Nothing selected. {len(left)} of {len(members)} samples are shown."
    assert listed(horse) == left.tolist()
    assert not {tuple(color) for color in colors_at(horse, places)} & {(0, 114, 178)}
    horse.page.mouse.move(*places[0])
    horse.page.wait_for_timeout(100)
    assert horse.page.locator("[data-hover]").count() == 0
    horse.page.keyboard.press("l")  # its bar may need another line
    box = horse.page.get_by_role("application").bounding_box()
    corners = np.array([[0.02, 0.02], [0.98, 0.02], [0.98, 0.98], [0.02, 0.98]])
    horse.lasso(corners * np.array([box["width"], box["height"]]) + np.array([box["x"], box["y"]]))
    assert horse.selected() == left.tolist()
    horse.page.locator("[data-cluster='0']").click()
    assert horse.selected() == []
    with horse.page.expect_download() as saved:
        horse.page.get_by_label("Export").select_option("CSV")
    assert csv.read_csv(Path(saved.value.path()))["index"].to_pylist() == left.tolist()
    horse.screenshot("filter-hidden-light-1280")
    horse.page.get_by_role("button", name="Show all").click()
    assert listed(horse) == members.tolist()
    assert (0, 114, 178) in {tuple(color) for color in colors_at(horse, horse.positions(hidden))}


def colors_at(viewer, places: np.ndarray) -> np.ndarray:
    """Colors of the page at places (n, 2), of a picture taken now: (n, 3)."""
    viewer.next_frame()
    picture = np.asarray(Image.open(io.BytesIO(viewer.page.screenshot())).convert("RGB"))
    rows, columns = np.round(places).astype(int).T[::-1]
    return picture[rows, columns]


def test_solo_and_hide_work_by_keyboard_and_are_told(horse, members: np.ndarray) -> None:
    only = horse.page.get_by_role("button", name="Only cluster 1")
    only.focus()
    horse.page.keyboard.press("Enter")
    assert horse.page.get_by_role("button", name="Remove the filter: only cluster 1").count() == 1
    assert listed(horse) == members[members % 2 == 1].tolist()
    assert horse.page.get_by_role("button", name="Hide cluster 0").get_attribute("aria-pressed") == "true"
    horse.page.keyboard.press("Enter")
    assert horse.page.locator("[data-shown]").count() == 0
    horse.page.locator("[data-entry='0']").dblclick()
    assert listed(horse) == members[members % 2 == 0].tolist()
    horse.page.get_by_role("button", name="Hide cluster 1").click(modifiers=["Alt"])
    assert listed(horse) == members[members % 2 == 1].tolist()


def test_a_drag_over_the_histogram_filters_and_numbers_do_the_same(horse, run: Run, members: np.ndarray) -> None:
    color_by(horse, "confidence")
    confidence = run.column("confidence")[members]
    plot = horse.page.get_by_role("img", name="confidence from")
    box = plot.bounding_box()
    middle = box["y"] + box["height"] / 2
    horse.page.mouse.move(box["x"] + 0.25 * box["width"], middle)
    horse.page.mouse.down()
    horse.page.mouse.move(box["x"] + 0.75 * box["width"], middle, steps=4)
    horse.page.mouse.up()
    low, high = (
        float(horse.page.get_by_role("spinbutton", name=f"confidence {end}").input_value()) for end in ("from", "to")
    )
    quarter = np.ptp(confidence) / 4
    np.testing.assert_allclose([low, high], [confidence.min() + quarter, confidence.max() - quarter], atol=0.01)
    assert listed(horse) == members[(confidence >= low) & (confidence <= high)].tolist()
    horse.screenshot("filter-brush-light-1280")
    brush(horse, "confidence", "0.9", "")
    assert listed(horse) == members[confidence >= 0.9].tolist()
    brush(horse, "confidence", "7", "")
    horse.page.get_by_text("No sample passes the filter.").first.wait_for()
    assert (listed(horse), shown(horse)) == ([], f"0 of {len(members)} shown")
    horse.page.get_by_role("button", name="Remove the filter: confidence ≥ 7.00").click()
    assert listed(horse) == members.tolist()


def test_a_filter_that_leaves_nothing_is_told_in_the_list_and_led_out_of_by_keyboard(
    horse, members: np.ndarray
) -> None:
    horse.tile(int(members[-1])).scroll_into_view_if_needed()
    color_by(horse, "confidence")
    brush(horse, "confidence", "7", "")
    instead = horse.page.get_by_role("group", name="Samples", exact=True)
    assert instead.aria_snapshot().splitlines() == [
        '- group "Samples":',
        "  - paragraph: No sample passes the filter.",
        "  - paragraph:",
        f'    - button "Show all {len(members)}"',
    ]
    assert horse.page.get_by_role("listbox", name="Samples").count() == 0
    horse.screenshot("filter-nothing-light-1280")
    instead.get_by_role("button").focus()
    horse.page.keyboard.press("Enter")
    horse.page.get_by_role("listbox", name="Samples").wait_for()
    assert listed(horse) == members.tolist()
    horse.page.keyboard.press("ArrowDown")  # the list has the focus now
    assert horse.page.locator("[role=option][aria-selected=true]").count() == 1
    brush(horse, "confidence", "7", "")
    horse.page.locator(".over button").press("Enter")  # the scatter says the same
    assert horse.page.get_by_role("application").evaluate("canvas => canvas === document.activeElement")


def test_selection_and_filter_are_apart(horse, members: np.ndarray) -> None:
    horse.page.locator("[data-entry='1']").click()
    chosen = members[members % 2 == 1].tolist()
    color_by(horse, "correctness")
    horse.page.get_by_role("button", name="Hide wrong").click()
    right = [index for index in chosen if index % 10 != 9]
    assert horse.selected() == right
    assert horse.told().startswith(f"{len(right)} of {len(members)} samples selected, cluster 1.")
    horse.page.keyboard.press("Escape")
    assert (horse.selected(), "of" in shown(horse)) == ([], True)
    horse.page.keyboard.press("Control+z")
    horse.page.get_by_role("button", name="Show all").click()
    assert horse.selected() == chosen


def test_points_are_colored_by_every_column_of_the_run_and_of_the_class(
    open_viewer: Callable, server: Server, brightness: np.ndarray
) -> None:
    viewer = open_viewer(server, theme="dark", width=1600, height=1000)
    viewer.open_class("herd")
    choices = viewer.page.get_by_label("Color", exact=True).locator("option").all_inner_texts()
    assert choices[:5] == ["cluster", "true label", "prediction", "correctness", "confidence"]
    assert {"silhouette kmeans", "site", "brightness", "indoors"} <= set(choices)
    entries = viewer.page.locator("[data-entry]")
    color_by(viewer, "site")
    assert entries.all_inner_texts() == ["north\n21", "<i>south</i>\n20", "unknown\n18"]
    color_by(viewer, "indoors")
    assert entries.all_inner_texts() == ["no (0)\n47", "yes (1)\n12"]
    color_by(viewer, "silhouette kmeans")
    viewer.page.get_by_text("3 without a value").wait_for()
    color_by(viewer, "brightness")
    note = viewer.page.get_by_text("2 without a value")
    assert "1st to 99th percentile" in note.inner_text()
    assert f"1 above (to {brightness[11]:.2e})".replace("e+0", "e+") in note.inner_text()
    viewer.screenshot("columns-dark-1600")
    asked = len(columns_asked(viewer))
    color_by(viewer, "site")
    color_by(viewer, "silhouette kmeans")
    assert len(columns_asked(viewer)) == asked > 0


def columns_asked(viewer) -> list[str]:
    return [url for url in viewer.requests if "/columns/" in url]


def test_an_address_restores_filters_over_columns_that_are_not_shown(
    open_viewer: Callable, server: Server, horse, members: np.ndarray, brightness: np.ndarray
) -> None:
    color_by(horse, "brightness")
    brush(horse, "brightness", "", "0.8")
    color_by(horse, "site")
    horse.page.get_by_role("button", name="Hide unknown").click()
    horse.page.get_by_label("Order of the clusters").select_option("size")
    expected = members[(brightness[members] <= 0.8) & (members // 3 % 3 != 2)].tolist()
    assert 0 < len(expected) < len(members)
    assert listed(horse) == expected
    horse.until("['hide=site', 'brush=brightness', 'clusters=size'].every(part => location.hash.includes(part))")
    other = open_viewer(server)
    other.page.evaluate(f"location.hash = {horse.page.evaluate('location.hash')!r}")
    other.wait_for_view("class")
    assert listed(other) == expected
    assert other.page.get_by_role("group", name="Filter").get_by_role("button").all_inner_texts() == [
        "without unknown ×",
        "brightness ≤ 0.800 ×",
        "Show all",
    ]
    assert other.page.get_by_label("Order of the clusters").input_value() == "size"


def test_a_column_that_cannot_be_had_is_told_in_place(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, tolerated=("503", "500"))
    viewer.open_class("horse")
    viewer.page.route("**/columns/site*", lambda route: route.fulfill(status=503, body="{}"))
    viewer.page.get_by_label("Color", exact=True).select_option(label="site")
    viewer.page.get_by_role("alert").get_by_text("The column site cannot be shown").wait_for()
    assert viewer.page.get_by_role("region", name="Colors: cluster").count() == 1


def test_the_scatter_is_steered_by_keys_and_tells_where_it_is(horse, run: Run, members: np.ndarray) -> None:
    scatter = horse.page.get_by_role("application", name="18 samples of horse")
    assert "Arrow keys move to the next point" in scatter.evaluate(
        "e => document.getElementById(e.getAttribute('aria-describedby')).innerText"
    )
    horse.page.get_by_role("button", name="Fit").focus()
    horse.page.get_by_label("Color", exact=True).focus()
    horse.page.keyboard.press("Tab")
    assert scatter.evaluate("canvas => canvas === document.activeElement")
    horse.page.keyboard.press("ArrowRight")
    first = current(horse)
    horse.page.keyboard.press("ArrowUp")
    second = current(horse)
    (start, end) = horse.positions([first, second])
    assert second != first
    assert abs(end[0] - start[0]) <= start[1] - end[1]
    horse.page.keyboard.press("Enter")
    assert horse.selected() == [second]
    horse.until(f"document.querySelector('[data-point]').innerText.startsWith({run.ids[second]!r})")
    told = horse.page.locator("[data-point]").inner_text()
    predicted = run.classes[run.column("prediction")[second]]
    assert (
        told
        == f"{run.ids[second]}, cluster {second % 2}, true horse, predicted {predicted}, heatmap for horse, selected"
    )
    horse.page.keyboard.press("Shift+ArrowRight")
    np.testing.assert_allclose(horse.positions([first])[0], start - [60, 0], atol=1)
    horse.page.keyboard.press("f")
    for _ in range(4):
        horse.page.keyboard.press("+")
    horse.page.keyboard.press("a")
    box = scatter.bounding_box()
    places = horse.positions(members) - [box["x"], box["y"]]
    seen = ((places >= 0) & (places <= [box["width"], box["height"]])).all(axis=1)
    assert 0 <= seen.sum() < len(members)
    assert horse.selected() == members[seen].tolist()


def current(viewer) -> int:
    return int(viewer.page.locator("[role=option][aria-selected=true]").get_attribute("data-index"))
