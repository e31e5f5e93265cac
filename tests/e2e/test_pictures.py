"""How pictures look and what is read from them: colors as Python has them, shared scales, pixel values, figures."""

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator

from whyset.image import COLOR_MAPS, channel_sum, colorize, compute_scale, imsave, overlay
from whyset.image.quantize import indices, values
from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info
from whyset.viewer import Server

pytestmark = pytest.mark.browser

DEFINITIONS = ("00f,80:fff,f00", "102030,40:0ff,80:808080,fe0,a0b0c0")
PICTURES = re.compile("/(maps|inputs|scales|color-maps)")
SVG = "{http://www.w3.org/2000/svg}"


def mode(viewer: Any, name: str) -> None:
    viewer.page.get_by_role("group", name="Display mode").get_by_role("button", name=name, exact=True).click()


def choose_map(viewer: Any, name: str) -> None:
    viewer.page.get_by_label("Color map (C)").select_option(name)


def appearance(viewer: Any) -> Any:
    """The panel, opened."""
    panel = viewer.page.get_by_role("group", name="Appearance")
    if not panel.count():
        viewer.page.get_by_role("button", name="Appearance").click()
    return panel


def slide(panel: Any, label: str, value: float) -> None:
    panel.get_by_label(label, exact=True).fill(str(value))


def define(viewer: Any, definition: str) -> None:
    panel = appearance(viewer)
    panel.get_by_label("Custom").fill(definition)
    panel.get_by_role("button", name="Add").click()


def detail(viewer: Any) -> Any:
    return viewer.page.get_by_role("region", name="Detail")


def test_every_color_map_and_definition_is_pythons_bit_for_bit(
    horse: Any, run: Run, members: np.ndarray, tmp_path: Path
) -> None:
    index = int(members[2])
    canvas = horse.tile(index).locator("canvas")
    mode(horse, "heatmap")
    for definition in DEFINITIONS:
        define(horse, definition)
        appearance(horse).get_by_role("radio", name=definition).wait_for()
    horse.page.keyboard.press("Escape")
    for name in (*COLOR_MAPS, *DEFINITIONS):
        choose_map(horse, name)
        imsave(tmp_path / "map.png", run.relevance[index], name)
        exported = np.asarray(Image.open(tmp_path / "map.png"))
        assert np.array_equal(horse.pixels(canvas), exported), name


def test_a_definition_that_says_nothing_is_told_in_place_and_a_good_one_is_kept(
    open_viewer: Callable, server: Server
) -> None:
    viewer = open_viewer(server, tolerated=("422",))
    viewer.open_class("horse")
    before = viewer.page.get_by_label("Color map (C)").input_value()
    define(viewer, "00f,80:fff;f00")
    panel = appearance(viewer)
    panel.get_by_role("alert").get_by_text("expected two or more colors").wait_for()
    assert panel.get_by_label("Custom").input_value() == "00f,80:fff;f00"
    assert viewer.page.get_by_label("Color map (C)").input_value() == before
    define(viewer, DEFINITIONS[0])
    viewer.until(f"location.hash.includes('colorMap={DEFINITIONS[0].replace(',', '%2C').replace(':', '%3A')}')")
    address = viewer.page.evaluate("location.href")
    viewer.page.goto("about:blank")
    viewer.page.goto(address)
    viewer.wait_for_view("class")
    viewer.until(f"document.querySelector('.maps')?.value === '{DEFINITIONS[0]}'")
    appearance(viewer).get_by_role("button", name=f"Delete {DEFINITIONS[0]}").click()
    assert DEFINITIONS[0] not in viewer.page.get_by_label("Color map (C)").inner_text()


def test_diverging_maps_come_first_each_with_its_colors(horse: Any) -> None:
    panel = appearance(horse)
    names = panel.locator(".list .name").all_inner_texts()
    diverging = [COLOR_MAPS[name].diverging for name in names]
    assert diverging == sorted(diverging, reverse=True)
    assert set(names) == set(COLOR_MAPS)
    swatch = horse.pixels(panel.get_by_title("coolio: diverging").locator("canvas"))
    assert np.array_equal(swatch[0], COLOR_MAPS["coolio"].lookup()[1:])


@pytest.mark.parametrize("norm", ["cluster", "all"])
def test_a_shared_scale_gives_one_color_to_one_number(horse: Any, run: Run, members: np.ndarray, norm: str) -> None:
    index = int(members[2])
    mode(horse, "heatmap")
    choose_map(horse, "gray")  # its colors are the indices
    panel = appearance(horse)
    panel.get_by_role("group", name="Scale of").get_by_role("button", name=norm, exact=True).click()
    shown = channel_sum(run.relevance[index])
    traveled = values(indices(shown), compute_scale(shown))  # within half a step of what was stored
    compared = members if norm == "all" else members[members % 2 == index % 2]
    magnitudes = channel_sum(run.relevance[compared])
    canvas = horse.tile(index).locator("canvas")
    horse.tile(index).dispatch_event("click")
    horse.until_drawn(detail(horse).locator("canvas").nth(1))
    horse.until_drawn(canvas)
    pictures_asked = [address for address in horse.requests if PICTURES.search(address)]
    for clip, gamma in ((100, 1), (99, 1), (95, 0.5)):
        panel.get_by_label("Clip at").select_option(str(clip))
        slide(panel, "Gamma", gamma)
        full = compute_scale(magnitudes, clip)
        end = horse.page.get_by_role("img", name="Colors from negative").inner_text()
        assert f"+{full:#.3g}" in end.replace("\n", " ")
        expected = indices(traveled, full, gamma).astype(int)
        assert np.abs(horse.pixels(canvas)[..., 0] - expected).max() <= 1
    assert f"± {full:#.3g}" in detail(horse).inner_text()
    assert [address for address in horse.requests if PICTURES.search(address)] == pictures_asked


def test_an_overlay_with_opacity_is_pythons_within_one(horse: Any, run: Run, members: np.ndarray) -> None:
    index = int(members[3])
    mode(horse, "overlay")
    choose_map(horse, "seismic")
    slide(appearance(horse), "Overlay", 0.6)
    relevance, picture = channel_sum(run.relevance[index]), run.inputs[index].transpose(1, 2, 0)
    gray = np.floor(picture @ [0.299, 0.587, 0.114] + 0.5).astype(np.uint8)[..., None].repeat(3, axis=-1)
    share = np.sqrt(np.abs(indices(relevance).astype(float) - 128) / 127)
    expected = overlay(gray, colorize(relevance, "seismic"), 0.6 * share)
    assert np.abs(horse.pixels(horse.tile(index).locator("canvas")).astype(int) - expected).max() <= 1


def test_side_by_side_shows_input_and_map(horse: Any, run: Run, members: np.ndarray) -> None:
    mode(horse, "both")
    canvases = horse.tile(int(members[0])).locator("canvas")
    assert canvases.count() == 2
    assert np.array_equal(horse.pixels(canvases.nth(0)), run.inputs[int(members[0])].transpose(1, 2, 0))
    assert np.array_equal(horse.pixels(canvases.nth(1)), colorize(run.relevance[int(members[0])], "bwr"))
    horse.screenshot("pictures-side-by-side-light-1280")


def test_a_link_restores_how_pictures_look(horse: Any, open_viewer: Callable, server: Server) -> None:
    panel = appearance(horse)
    panel.get_by_role("button", name="all", exact=True).click()
    panel.get_by_label("Clip at").select_option("99.5")
    slide(panel, "Gamma", 0.5)
    slide(panel, "Overlay", 0.6)
    panel.get_by_role("button", name="pixelated").click()
    horse.screenshot("pictures-appearance-light-1280")
    parts = "['norm=all', 'clip=99.5', 'gamma=0.5', 'opacity=0.6', 'sampling=pixelated']"
    horse.until(f"{parts}.every(part => location.hash.includes(part))")
    address = horse.page.evaluate("location.hash")
    other = open_viewer(server, theme="dark", width=1600, height=1000)
    other.page.evaluate(f"location.hash = {address!r}")
    other.wait_for_view("class")
    panel = appearance(other)
    assert panel.get_by_role("button", name="all", exact=True).get_attribute("aria-pressed") == "true"
    assert [panel.get_by_label(label, exact=True).input_value() for label in ("Clip at", "Gamma", "Overlay")] == [
        "99.5",
        "0.5",
        "0.6",
    ]
    other.screenshot("pictures-appearance-dark-1600")
    panel.get_by_role("button", name="Reset").click()
    other.until("!location.hash.includes('gamma=')")


def test_the_panel_is_left_by_escape_which_keeps_the_selection(horse: Any) -> None:
    horse.page.keyboard.press("1")
    chosen = horse.selected()
    opener = horse.page.get_by_role("button", name="Appearance")
    opener.focus()
    horse.page.keyboard.press("Enter")
    appearance(horse).wait_for()
    horse.page.keyboard.press("Escape")
    assert appearance_is_closed(horse)
    assert opener.evaluate("button => button === document.activeElement")
    assert horse.selected() == chosen
    opener.click()
    horse.page.get_by_role("heading", name="Samples").click()
    assert appearance_is_closed(horse)


def appearance_is_closed(viewer: Any) -> bool:
    return viewer.page.get_by_role("group", name="Appearance").count() == 0


def test_the_controls_of_the_samples_stay_in_their_rows(horse: Any) -> None:
    horse.page.keyboard.press("1")
    height = "document.querySelector('section[aria-labelledby=samples-title] {}').getBoundingClientRect().height"
    for row, most in ((".head", 40), (".tools", 40), (".below", 36)):
        assert horse.page.evaluate(height.format(row)) <= most
    box = "document.querySelector('section[aria-labelledby=samples-title]')"
    assert horse.page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")


def test_the_list_is_paged_by_key_and_its_tiles_grow(horse: Any, members: np.ndarray) -> None:
    listing = horse.page.get_by_role("listbox", name="Samples")
    listing.focus()
    current = "[role=option][aria-selected=true]"
    for key, expected in (("End", members[-1]), ("Home", members[0])):
        horse.page.keyboard.press(key)
        assert horse.page.locator(current).get_attribute("data-index") == str(expected)
    horse.page.keyboard.press("PageDown")
    assert int(horse.page.locator(current).get_attribute("data-index")) > members[0]
    before = horse.tile(int(members[0])).bounding_box()["width"]
    slide(appearance(horse), "Tiles", 150)
    assert horse.tile(int(members[0])).bounding_box()["width"] >= 150 > before


def test_samples_are_ordered_by_what_the_scatter_is_colored_by(horse: Any, run: Run, members: np.ndarray) -> None:
    horse.page.get_by_label("Color", exact=True).select_option("confidence")
    horse.page.get_by_label("Order of the samples").select_option("color, highest first")
    first = members[np.argmax(run.column("confidence")[members])]
    horse.page.locator(f"[role=option][aria-posinset='1'][data-index='{first}']").wait_for()


def test_pixel_values_are_read_by_pointer_and_by_key(horse: Any, run: Run, members: np.ndarray) -> None:
    index = int(members[1])
    horse.tile(index).click()
    figure = horse.page.get_by_role("figure", name="heatmap of")
    canvas = figure.locator("canvas")
    horse.until_drawn(canvas)
    read = horse.page.locator("[data-pixel]")
    box = canvas.bounding_box()
    step = min(box["width"] / 18, box["height"] / 12)
    left, top = box["x"] + (box["width"] - 18 * step) / 2, box["y"] + (box["height"] - 12 * step) / 2
    exact, picture = channel_sum(run.relevance[index]), run.inputs[index]

    def words(row: int, column: int) -> str:
        value = exact[row, column]
        channels = " ".join(map(str, picture[:, row, column]))
        return f"row {row}, column {column} · input {channels} · relevance {'+' if value > 0 else '−'}{abs(value):#.4g}"

    horse.page.mouse.move(left + 5.5 * step, top + 7.5 * step)  # and rest there while the numbers are fetched
    read.filter(has_text=words(7, 5)).wait_for()
    assert horse.page.locator(".mark").count() == 3
    horse.screenshot("pictures-pixel-light-1280")
    horse.page.mouse.move(5, 5)
    horse.page.get_by_role("group", name="Pixels").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        horse.page.keyboard.press(key)
    read.filter(has_text=words(5, 10)).wait_for()
    assert horse.tile(index).get_attribute("aria-selected") == "true"


def strange_maps() -> np.ndarray:
    """Maps that are zero, constant, all negative, partly missing and infinite."""
    maps = np.zeros((5, 6, 10), np.float32)
    maps[1], maps[2] = 3, -np.arange(1, 61).reshape(6, 10)
    maps[3] = np.linspace(-1, 1, 60).reshape(6, 10)
    maps[3, 2:4, 3:7] = np.nan
    maps[4, 0, 0], maps[4, 5, 9], maps[4, 2, 2] = np.inf, -np.inf, 2
    return maps


def test_strange_maps_look_as_in_python(horse: Any, members: np.ndarray) -> None:
    """A run holds finite relevance only, so that these maps are put in place of the server's answers."""
    maps = strange_maps()

    def headers(*shape: int) -> dict[str, str]:
        return {"X-Shape": ",".join(map(str, shape)), "X-Dtype": "float32"}

    def asked(route: Any) -> np.ndarray:
        text = re.search(r"indices=([\d,]+)", route.request.url.replace("%2C", ","))
        return maps[[int(np.searchsorted(members, int(index))) % len(maps) for index in text[1].split(",")]]

    def answer_maps(route: Any) -> None:
        wanted = asked(route)
        scales = np.array([compute_scale(one) for one in wanted], "<f4")
        codes = b"".join(indices(one).tobytes() for one in wanted)
        route.fulfill(body=scales.tobytes() + codes, headers=headers(*wanted.shape))

    horse.page.route("**/maps?**", answer_maps)
    horse.page.route(
        "**/relevance?**", lambda route: route.fulfill(body=asked(route).tobytes(), headers=headers(1, 6, 10))
    )
    horse.page.reload()
    horse.wait_for_view("class")
    mode(horse, "heatmap")
    choose_map(horse, "coleus")
    for place, relevance in enumerate(maps):
        canvas = horse.tile(int(members[place])).locator("canvas")
        horse.until_drawn(canvas)
        assert np.array_equal(horse.pixels(canvas), colorize(relevance, "coleus")), place
    horse.tile(int(members[3])).click()
    horse.until_drawn(horse.page.get_by_role("figure", name="heatmap of").locator("canvas"))
    horse.screenshot("pictures-strange-light-1280")
    horse.page.get_by_role("group", name="Pixels").focus()
    horse.page.keyboard.press("ArrowDown")
    horse.page.locator("[data-pixel]").filter(has_text="relevance missing").wait_for()
    assert "row 3, column 5" in horse.page.locator("[data-pixel]").inner_text()


def saved(viewer: Any, act: Callable[[], None]) -> tuple[str, bytes]:
    with viewer.page.expect_download() as download:
        act()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def parsed(content: bytes) -> tuple[ElementTree.Element, list[str], list[np.ndarray]]:
    """The document, its words, and the pictures in it."""
    root = ElementTree.fromstring(content)
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    hrefs = [image.get("href", "").removeprefix("data:image/png;base64,") for image in root.iter(f"{SVG}image")]
    pictures = [np.asarray(Image.open(io.BytesIO(base64.b64decode(href))).convert("RGB")) for href in hrefs]
    return root, words, pictures


def is_png_of(content: bytes, root: ElementTree.Element) -> bool:
    """Twice as sharp as the document is large, white at the corners and not all white."""
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]]
    sides = (2 * int(root.get("height", 0)), 2 * int(root.get("width", 0)))
    return picture.shape[:2] == sides and bool((corners == 255).all()) and picture.min() < 100


def test_a_sample_is_saved_as_a_figure(open_viewer: Callable, server: Server, run: Run, members: np.ndarray) -> None:
    viewer = open_viewer(server, theme="dark")
    viewer.open_class("horse")
    index = int(members[1])
    viewer.tile(index).click()
    detail(viewer).get_by_text(run.ids[index]).wait_for()
    choice = detail(viewer).get_by_label("Figure")
    name, content = saved(viewer, lambda: choice.select_option("SVG"))
    assert name == f"sample-horse-{1000 + 7 * index}.svg"
    root, words, pictures = parsed(content)
    relevance = run.relevance[index]
    assert np.array_equal(pictures[0], run.inputs[index].transpose(1, 2, 0))
    assert np.array_equal(pictures[1], colorize(relevance, "bwr"))
    assert np.array_equal(pictures[3][0], COLOR_MAPS["bwr"].lookup()[1:])
    end = f"{compute_scale(channel_sum(relevance)):#.3g}"
    assert {run.ids[index], f"heatmap, ±{end}", f"+{end}", f"−{end}"} <= set(words)
    sides = [float(image.get("width", 0)) / float(image.get("height", 1)) for image in root.iter(f"{SVG}image")]
    assert sides[:3] == pytest.approx([18 / 12] * 3, abs=0.01)
    assert is_png_of(saved(viewer, lambda: choice.select_option("PNG"))[1], root)


def test_listed_samples_are_saved_as_a_figure_with_a_row_for_each_cluster(
    horse: Any, run: Run, members: np.ndarray
) -> None:
    mode(horse, "heatmap")
    horse.page.get_by_role("button", name="Figure", exact=True).click()
    panel = horse.page.get_by_role("group", name="Figure")
    slide(panel, "Columns", 3)
    panel.get_by_label("One row for each cluster").check()
    horse.screenshot("pictures-figure-light-1280")
    name, content = saved(horse, lambda: panel.get_by_role("button", name="Save SVG").click())
    root, words, pictures = parsed(content)
    drawn = [*members[members % 2 == 0][:3], *members[members % 2 == 1][:3]]
    assert name == "sample-horse-samples.svg"
    for picture, index in zip(pictures, drawn, strict=False):
        assert np.array_equal(picture, colorize(run.relevance[int(index)], "bwr"))
    assert {"cluster 0", "cluster 1", "+ max"} <= set(words)
    assert is_png_of(saved(horse, lambda: panel.get_by_role("button", name="Save PNG").click())[1], root)


def scatter_figure(viewer) -> Locator:
    """The choice of the scatter's figure, among its options."""
    scatter = viewer.page.get_by_role("group", name="Scatter", exact=True)
    scatter.get_by_role("button", name="Scatter plot options").click()
    return scatter.get_by_label("Figure")


def test_the_scatter_is_saved_as_it_is_seen(open_viewer: Callable, server: Server, members: np.ndarray) -> None:
    viewer = open_viewer(server, theme="dark")
    viewer.open_class("horse")
    choice = scatter_figure(viewer)
    root, words, _ = parsed(saved(viewer, lambda: choice.select_option("SVG"))[1])
    centers = np.array([(float(dot.get("cx", 0)), float(dot.get("cy", 0))) for dot in root.iter(f"{SVG}circle")])
    stage = viewer.page.locator("canvas[role=application]").bounding_box()
    seen = viewer.positions(members) - [stage["x"], stage["y"]]
    assert all(np.abs(centers - place).sum(axis=1).min() < 0.1 for place in seen)
    assert any(re.match(r"cluster 0 \(\d+\)", text) for text in words)
    assert is_png_of(saved(viewer, lambda: choice.select_option("PNG"))[1], root)


def test_what_cannot_be_saved_is_told_in_place(open_viewer: Callable, server: Server, members: np.ndarray) -> None:
    viewer = open_viewer(server, tolerated=("ERR_FAILED", "Failed to load"))
    viewer.open_class("horse")
    viewer.page.route("**/export", lambda route: route.abort())
    viewer.page.get_by_label("Export", exact=True).select_option("CSV")
    told = viewer.page.get_by_role("alert").filter(has_text="The server does not answer")
    told.wait_for()
    assert viewer.page.evaluate("window.__viewer.view()") == "class"
    viewer.page.get_by_role("button", name="Dismiss").click()
    assert told.count() == 0
    viewer.page.route("**/maps?**", lambda route: route.abort())
    viewer.page.route("**/inputs?**", lambda route: route.abort())
    viewer.page.evaluate("HTMLCanvasElement.prototype.getContext = () => null")
    choice = scatter_figure(viewer)
    choice.select_option("PNG")
    viewer.page.get_by_role("alert").filter(has_text="did not provide a canvas").wait_for()
    assert viewer.hook("pointCount()") == len(members)


def test_one_failed_sample_hides_no_other(open_viewer: Callable, sample_run: ModuleType, tmp_path: Path) -> None:
    run = sample_run.make_sample_run(tmp_path / "failed", analyses=())
    rows = np.arange(sample_run.FAILED - 8, sample_run.FAILED + 8)
    columns = {
        "index": rows,
        "clustering.kmeans": np.zeros(len(rows), np.int32),
        "embedding.pca": rows[:, None] * [1.0, 2.0],
    }
    info = {
        "size": len(rows),
        "clusterings": {"kmeans": {"k": 1, "noise": 0, "clusters": []}},
        "default_clustering": "kmeans",
    }
    info |= {"embeddings": {"pca": {"dimensions": 2}}, "default_embedding": "pca", "scores": {}}
    run.analysis_writer("spray", {}).write(CategoryResult("00000", "some", columns, from_info(info)))
    with Server([run.path]) as server:
        viewer = open_viewer(server, tolerated=("409",))
        viewer.open_class("some")
        failed = viewer.tile(sample_run.FAILED)
        failed.get_by_title(sample_run.REASON).wait_for()
        others = [row for row in rows.tolist() if row != sample_run.FAILED]
        for row in others:
            viewer.until_drawn(viewer.tile(row).locator("canvas"))
        assert [viewer.tile(row).get_by_title(sample_run.REASON).count() for row in others] == [0] * len(others)
