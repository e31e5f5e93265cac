"""The viewer over a real run, in a real Chromium: what a person sees and does."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from whyset.image import channel_sum, colorize, overlay
from whyset.image.color_maps import lookup
from whyset.image.quantize import indices
from whyset.report import rank_classes
from whyset.store import CategoryResult, Run
from whyset.store.evidence import ClassEvidence
from whyset.viewer import Server

pytestmark = pytest.mark.browser

TOO_FEW = "3 samples are too few for 10 neighbors"
STRANGE_ID = 'dog/Ünlü "<img src=x onerror=alert(1)>".png'


@pytest.fixture(scope="module")
def half(sample_run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "half", shards=(0,), analyses=())


@pytest.fixture(scope="module")
def server(run: Run, half: Run) -> Iterator[Server]:
    with Server([run.path, half.path]) as server:
        yield server


def choose(viewer, label: str, option: str) -> None:
    viewer.page.get_by_label(label, exact=True).select_option(option)


def test_classes_are_ranked_as_computed(viewer, run: Run) -> None:
    assert viewer.classes() == [row.name for row in rank_classes(run.analysis("spray")).rows]
    first = viewer.page.locator("tbody tr").first
    assert [
        first.locator(f".{key}").inner_text().strip() for key in ("p_value", "eigengap", "n_clusters", "n_samples")
    ] == [
        "0.010",
        "0.700",
        "3",
        "18",
    ]
    viewer.screenshot("overview-light-1280")


def test_an_eigengap_that_is_not_the_largest_is_marked(viewer) -> None:
    gaps = viewer.page.locator("tbody .eigengap .value")
    assert gaps.all_inner_texts() == ["0.700", "0.600", "~0.500"]
    explanation = "not the largest gap: the class may have one strategy"
    assert [gaps.nth(row).get_attribute("title") for row in range(3)] == [None, None, explanation]
    viewer.open_class("cat")
    assert viewer.page.get_by_title(explanation).inner_text() == "gap ~0.500 after 2"


def test_the_configuration_is_named_in_words(viewer) -> None:
    viewer.page.get_by_text("Full configuration").click()
    assert "weights hash" in viewer.page.locator("details dt").all_inner_texts()


def test_classes_can_be_ordered_by_every_column(viewer) -> None:
    viewer.page.get_by_role("columnheader", name="Class").get_by_role("button").click()
    assert viewer.classes() == ["cat", "dog <b>&amp;", "horse"]


def test_a_click_opens_a_class_with_all_its_points(horse, members: np.ndarray) -> None:
    assert horse.hook("pointCount()") == len(members)
    assert horse.page.locator("[data-count]").inner_text() == f"all {len(members)}"
    assert horse.page.get_by_role("heading", name="Class horse").count() == 1
    assert "/spray/00002" in horse.page.evaluate("location.hash")


def test_hover_shows_picture_id_label_and_prediction(horse, run: Run, members: np.ndarray) -> None:
    wrong = next(index for index in members if run.column("prediction")[index] != run.labels[index])
    horse.page.mouse.move(*horse.positions([wrong])[0])
    card = horse.page.locator(f"[data-hover='{wrong}']")
    card.get_by_text(run.ids[wrong]).wait_for()
    words = card.inner_text()
    assert f"true {run.classes[run.labels[wrong]]}" in words
    assert f"predicted {run.classes[run.column('prediction')[wrong]]}" in words
    assert horse.pixels(card.locator("canvas").first).shape == (12, 18, 3)


def test_a_lasso_selects_exactly_the_points_inside(horse, support, members: np.ndarray) -> None:
    points = horse.positions(members)
    middle, radius = np.median(points, axis=0), 110
    angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    corners = (
        middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.where(angles % 2 < 1, 1, 0.5)[:, None]
    )
    expected = members[support.inside(corners, points)].tolist()
    assert 0 < len(expected) < len(members)
    horse.lasso(corners)
    assert horse.selected() == sorted(expected)
    assert horse.told() == f"{len(expected)} of {len(members)} samples selected."
    horse.screenshot("class-lasso-light-1280")


def test_shift_adds_to_and_alt_takes_away_from_the_selection(horse, members: np.ndarray) -> None:
    one, two = (members[members % 2 == cluster] for cluster in (0, 1))
    card = horse.page.get_by_role("button", name=re.compile(r"^Cluster \d+"))
    card.nth(0).click()
    assert horse.selected() == one.tolist()
    assert horse.told().endswith("cluster 0.")
    card.nth(1).click(modifiers=["Shift"])
    assert horse.selected() == members.tolist()
    card.nth(0).click(modifiers=["Alt"])
    assert horse.selected() == two.tolist()
    horse.page.keyboard.press("Control+z")
    assert horse.selected() == members.tolist()


def test_an_empty_cluster_is_listed_and_selects_nothing(horse) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 2 ")).click()
    assert horse.selected() == []


def test_noise_is_called_noise(horse, members: np.ndarray) -> None:
    choose(horse, "Clustering", "hdbscan")
    horse.page.get_by_role("button", name="noise 3 in no cluster").click()
    assert horse.selected() == members[:3].tolist()


def test_input_map_and_overlay_show_what_python_shows(horse, run: Run, members: np.ndarray) -> None:
    index = int(members[4])
    canvas = horse.tile(index).locator("canvas")
    picture = np.moveaxis(run.inputs[index], 0, -1)
    relevance = run.relevance[index]
    horse.page.get_by_role("button", name="input", exact=True).click()
    np.testing.assert_array_equal(horse.pixels(canvas), picture)
    choose(horse, "Color map (C)", "seismic")
    horse.page.get_by_role("button", name="heatmap", exact=True).click()
    colored = horse.pixels(canvas)
    np.testing.assert_array_equal(colored, colorize(relevance, "seismic"))
    horse.page.get_by_role("button", name="overlay", exact=True).click()
    gray = np.floor(picture @ [0.299, 0.587, 0.114] + 0.5).astype(np.uint8)[..., None].repeat(3, axis=-1)
    steps = indices(channel_sum(relevance)).astype(float) - 128
    expected = overlay(gray, colored, np.sqrt(np.abs(steps) / 127))
    assert np.abs(horse.pixels(canvas).astype(int) - expected).max() <= 1


def test_another_color_map_needs_no_request(horse, members: np.ndarray) -> None:
    horse.page.get_by_role("button", name="heatmap", exact=True).click()
    canvas = horse.tile(int(members[0])).locator("canvas")
    choose(horse, "Color map (C)", "bwr")
    before = horse.pixels(canvas)
    horse.until("!document.querySelector('canvas.waiting')")
    asked = horse.requests_for_data()
    choose(horse, "Color map (C)", "seismic")
    after = horse.pixels(canvas)
    assert (before != after).any()
    assert {tuple(color) for color in after.reshape(-1, 3)} <= {tuple(color) for color in lookup("seismic")}
    assert horse.requests_for_data() == asked


def test_a_sample_is_shown_in_detail_and_the_next_follows(horse, run: Run, members: np.ndarray) -> None:
    horse.tile(int(members[1])).click()
    detail = horse.page.get_by_role("region", name="Detail")
    detail.get_by_text(run.ids[members[1]]).wait_for()
    horse.page.get_by_role("button", name="Next sample").click()
    detail.get_by_text(run.ids[members[2]]).wait_for()
    horse.page.keyboard.press("ArrowLeft")
    detail.get_by_text(run.ids[members[1]]).wait_for()
    assert detail.locator("canvas").count() == 3
    assert horse.tile(int(members[1])).get_attribute("aria-selected") == "true"
    horse.screenshot("class-detail-light-1280")


def test_samples_are_listed_in_the_chosen_order(horse, run: Run, members: np.ndarray) -> None:
    choose(horse, "Order of the samples", "least confident")
    expected = members[np.argmin(run.column("confidence")[members])]
    horse.page.locator(f"[role=option][data-index='{expected}'][aria-posinset='1']").wait_for()


def test_keys_choose_tools_and_are_off_where_switched_off(horse, members: np.ndarray) -> None:
    lasso = horse.page.get_by_role("button", name="Lasso", exact=True)
    horse.page.keyboard.press("l")
    assert lasso.get_attribute("aria-pressed") == "true"
    horse.page.keyboard.press("1")
    assert horse.selected() == members[members % 2 == 1].tolist()
    horse.page.keyboard.press("Escape")
    assert horse.selected() == []
    horse.page.keyboard.press("?")
    horse.page.get_by_label("Enable letter and digit keys").uncheck()
    horse.page.keyboard.press("Escape")
    horse.page.keyboard.press("v")
    assert lasso.get_attribute("aria-pressed") == "true"


def test_dragging_and_the_wheel_move_the_points_with_the_pointer(horse, members: np.ndarray) -> None:
    first = [int(members[0])]
    start = horse.positions(first)[0]
    horse.page.mouse.move(300, 650)
    horse.page.mouse.down()
    horse.page.mouse.move(360, 610, steps=5)
    horse.page.mouse.up()
    np.testing.assert_allclose(horse.positions(first)[0], start + np.array([60, -40]), atol=1)
    under = horse.positions(first)[0]
    horse.page.mouse.move(*under)
    others = horse.positions(members[1:3]).tolist()
    horse.page.mouse.wheel(0, -500)
    horse.until_equal(lambda: horse.positions(members[1:3]).tolist() == others, False)
    np.testing.assert_allclose(horse.positions(first)[0], under, atol=1)
    horse.page.keyboard.press("f")
    np.testing.assert_allclose(horse.positions(first)[0], start, atol=0.01)


@pytest.mark.parametrize(("name", "entries"), [("prediction", ["horse", "cat"]), ("correctness", ["correct", "wrong"])])
def test_points_are_colored_by_what_is_chosen(
    horse, name: str, entries: list[str], run: Run, members: np.ndarray
) -> None:
    choose(horse, "Color", name)
    legend = horse.page.get_by_role("list", name="Legend").locator("[data-entry]")
    wrong = int((run.column("prediction")[members] != run.labels[members]).sum())
    legend.filter(has_text=entries[1]).wait_for()  # its columns are asked for now
    assert legend.all_inner_texts() == [f"{entries[0]}\n{len(members) - wrong}", f"{entries[1]}\n{wrong}"]
    legend.nth(1).click()
    assert len(horse.selected()) == wrong


def test_the_address_restores_what_was_seen(horse, open_viewer: Callable, server: Server, members: np.ndarray) -> None:
    choose(horse, "Clustering", "hdbscan")
    choose(horse, "Embedding", "spectral")
    horse.tile(int(members[3])).click()
    horse.until("['hdbscan', 'spectral', 'sample='].every(part => location.hash.includes(part))")
    address = horse.page.evaluate("location.hash")
    other = open_viewer(server)
    other.page.evaluate(f"location.hash = {address!r}")
    other.wait_for_view("class")
    assert other.page.get_by_label("Clustering", exact=True).input_value() == "hdbscan"
    assert other.page.get_by_label("Embedding", exact=True).input_value() == "spectral"
    assert other.tile(int(members[3])).get_attribute("aria-selected") == "true"
    other.page.go_back()
    other.wait_for_view("overview")


def test_what_is_left_does_not_write_over_the_address_of_what_is_loading(horse) -> None:
    held = []
    horse.page.route("**/api/runs/half", lambda route: held.append(route))
    choose(horse, "Run", "half")
    horse.page.get_by_label("Color", exact=True).select_option("confidence")  # the class is still there
    horse.until_equal(lambda: len(held), 1)
    horse.page.wait_for_timeout(400)  # longer than the page waits until it writes an address
    assert horse.page.evaluate("location.hash") == "#/half"
    (waiting,) = held
    waiting.continue_()
    horse.wait_for_view("overview")


def test_a_class_that_was_left_while_it_loaded_does_not_come_back(horse) -> None:
    held = []
    horse.page.route("**/points/spectral?*", lambda route: held.append(route))
    horse.page.evaluate("location.hash = '#/sample/spray/00002?embedding=spectral'")
    horse.until_equal(lambda: len(held), 1)
    horse.page.evaluate("location.hash = '#/sample'")
    horse.wait_for_view("overview")
    (waiting,) = held
    waiting.continue_()
    horse.page.wait_for_timeout(300)
    assert horse.page.evaluate("window.__viewer.view()") == "overview"


def test_names_are_text_and_never_html(viewer) -> None:
    viewer.open_class("dog <b>&amp;")
    viewer.tile(7).click()
    viewer.page.get_by_role("region", name="Detail").get_by_text(STRANGE_ID).wait_for()
    assert viewer.page.locator("b:text('&')").count() == 0
    assert viewer.page.locator("img").count() == 0


def test_without_webgl2_the_viewer_says_so_and_the_lists_work(
    open_viewer: Callable, server: Server, members: np.ndarray
) -> None:
    viewer = open_viewer(
        server,
        script="const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };",
    )
    viewer.page.get_by_role("link", name="horse", exact=True).click()
    viewer.page.get_by_role("alert").get_by_text("needs WebGL2").wait_for()
    viewer.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    assert viewer.selected() == members[members % 2 == 1].tolist()
    viewer.screenshot("no-webgl2-light-1280")


@pytest.mark.parametrize("listed", [[], [3, 4, 5]])
def test_a_class_that_was_not_analyzed_says_why_and_lists_its_samples(
    open_viewer: Callable, sample_run, tmp_path: Path, listed: list[int]
) -> None:
    run = sample_run.make_sample_run(tmp_path / "run")
    columns = {"index": np.array(listed)} if listed else {}
    writer = run.analysis_writer("spray", dict(run.analysis("spray").config))
    writer.write(CategoryResult("00003", "frog", columns, ClassEvidence(n_explanations=3, problem=TOO_FEW)))
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        assert viewer.classes()[-1] == "frog"
        assert viewer.page.locator("[data-class=frog] td").all_inner_texts() == ["4", TOO_FEW, "3", "–"]
        viewer.screenshot("overview-not-analyzed-light-1280")
        viewer.page.locator("[data-class=frog] td").nth(1).click()
        viewer.wait_for_view("class")
        viewer.page.get_by_text(f"This class was not analyzed: {TOO_FEW}").wait_for()
        assert viewer.page.locator("[data-count]").inner_text() == f"all {len(listed)}"
        assert viewer.page.locator("[role=option][data-index]").count() == len(listed)
        viewer.screenshot(f"class-not-analyzed-{len(listed)}-light-1280")
        if listed:
            viewer.page.keyboard.press("ArrowRight")
            viewer.page.get_by_role("region", name="Detail").get_by_text(run.ids[listed[0]]).wait_for()
        choose(viewer, "Class", "horse")
        viewer.until("window.__viewer.drawnFrames() > 0")


def test_an_unknown_address_is_told_in_place_and_led_out_of(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, tolerated=("404",))
    viewer.page.evaluate("location.hash = '#/nosuch/spray'")
    viewer.page.get_by_role("alert").get_by_text("nosuch").wait_for()
    viewer.page.get_by_role("link", name="All classes").click()
    viewer.wait_for_view("overview")


def test_a_half_finished_run_opens_and_says_so(viewer, half: Run) -> None:
    choose(viewer, "Run", "half")
    viewer.page.get_by_text("44 of 60 samples have not been explained yet").wait_for()
    viewer.page.get_by_text("This run has no analysis yet.").wait_for()
    assert viewer.page.get_by_text(f"whyset analyze {half.path}").count() == 1
    viewer.screenshot("half-light-1280")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_main_views_fit_a_large_window(open_viewer: Callable, server: Server, theme: str) -> None:
    viewer = open_viewer(server, width=1600, height=1000, theme=theme)
    viewer.screenshot(f"overview-{theme}-1600")
    viewer.open_class("horse")
    viewer.page.keyboard.press("0")
    viewer.page.keyboard.press("ArrowRight")
    viewer.screenshot(f"class-{theme}-1600")
    overflowing = (
        "document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight"
    )
    assert not viewer.page.evaluate(overflowing)


def test_the_theme_follows_the_system_until_it_is_chosen(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, theme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = viewer.page.evaluate(ground)
    viewer.page.get_by_role("button", name="More").click()
    viewer.page.get_by_role("button", name="light", exact=True).click()
    assert viewer.page.evaluate(ground) != dark
    viewer.page.get_by_role("button", name="system", exact=True).click()
    assert viewer.page.evaluate(ground) == dark
