"""What everybody can use: axe finds nothing serious, text has contrast, forced colors and a magnified page work."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from whyset.store import Run
from whyset.store.selections import Selection, Selections
from whyset.viewer import Server

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
LEAST_CONTRAST = 4.5
OVERFLOWING = "document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight"

CONTRASTS = """() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const over = (color, below) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = `rgb(${below.join()})`;
    context.fillRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const ground = element => {
    const chain = [];
    for (let at = element; at; at = at.parentElement) chain.unshift(getComputedStyle(at).backgroundColor);
    return chain.reduce((below, color) => over(color, below), [255, 255, 255]);
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const words = texts.currentNode.textContent.trim();
    if (!words || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest(".unseen, :disabled, option, svg")) continue;
    const below = ground(element);
    const [one, two] = [light(over(getComputedStyle(element).color, below)), light(below)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    found.push([words.slice(0, 40), Math.round(ratio * 100) / 100]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def run(sample_run, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample")
    found.write_sample_findings(run)
    kept = Selections(run.path / "selections", len(run))
    kept.add(Selection(name="corner mark", rows=(2, 8), tags=("to check",), note="by one photographer"))
    return run


def violations(viewer) -> list[str]:
    """What axe finds that is serious or critical."""
    wanted = "axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}}})"
    found = viewer.page.evaluate(f"async () => (await {wanted}).violations")
    return [
        f"{violation['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def faint(viewer) -> list[list]:
    return [[words, ratio] for words, ratio in viewer.page.evaluate(CONTRASTS) if ratio < LEAST_CONTRAST]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_all_text_has_contrast(
    open_viewer: Callable, server: Server, theme: str, axe: str
) -> None:
    viewer = open_viewer(server, theme=theme, script=axe)
    viewer.page.get_by_role("article").last.wait_for()
    found = {"overview": violations(viewer) + faint(viewer)}
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    viewer.page.keyboard.press("ArrowRight")
    viewer.until("!document.querySelector('canvas.waiting')")
    found["class"] = violations(viewer) + faint(viewer)
    viewer.page.get_by_role("button", name="More").click()
    found["menu"] = violations(viewer) + faint(viewer)
    viewer.page.keyboard.press("Escape")
    for name, key in {"find": "/", "help": "?", "keep": "t"}.items():
        viewer.page.keyboard.press(key)
        if name == "find":
            viewer.page.get_by_role("combobox", name="Id, number").fill("horse")
            viewer.page.get_by_text("20 samples found.").wait_for()
        found[name] = violations(viewer) + faint(viewer)
        viewer.page.keyboard.press("Escape")
    viewer.page.get_by_role("button", name="Share").click()
    found["share"] = violations(viewer) + faint(viewer)
    viewer.page.keyboard.press("Escape")
    viewer.page.get_by_role("button", name="Compare").click()
    viewer.page.get_by_role("dialog").get_by_label("Clustering", exact=True).wait_for()
    found["chooser"] = violations(viewer) + faint(viewer)
    viewer.page.get_by_role("dialog").get_by_role("button", name="Compare", exact=True).click()
    viewer.wait_for_view("compare")
    viewer.page.get_by_role("columnheader", name="noise").get_by_role("button").click()
    found["compare"] = violations(viewer) + faint(viewer)
    assert {name: problems for name, problems in found.items() if problems} == {}


def test_forced_colors_keep_focus_pressed_states_and_markers(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    viewer.page.emulate_media(forced_colors="active")
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    viewer.screenshot("forced-colors-1280")
    pressed, other = (viewer.page.get_by_role("button", name=name, exact=True) for name in ("Pan", "Lasso"))
    look = "button => { const {backgroundColor, color} = getComputedStyle(button); return [backgroundColor, color]; }"
    assert pressed.evaluate(look) != other.evaluate(look)
    viewer.page.keyboard.press("Tab")
    outline = (
        "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert viewer.page.evaluate(outline) == ["solid", "2px"]
    colors = viewer.page.locator("[data-cluster-marker] svg, .card svg").evaluate_all(
        "all => all.map(one => getComputedStyle(one).fill)"
    )
    assert len(set(colors)) > 1
    scale = viewer.page.get_by_role("img", name=re.compile("^Colors from negative"))
    grounds = scale.locator("> span").evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert all(ground.endswith(", 0)") for ground in grounds), grounds  # words are no bars
    viewer.page.get_by_role("link", name="whyset").click()
    viewer.wait_for_view("overview")
    bars = viewer.page.locator("tbody .bar i").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    ground = viewer.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground not in bars


def test_a_magnified_page_shows_and_reaches_everything(open_viewer: Callable, server: Server) -> None:
    """200 % zoom of 1280 x 720 is a window of 640 x 360."""
    viewer = open_viewer(server, width=640, height=360)
    assert not viewer.page.evaluate(OVERFLOWING)
    viewer.open_class("horse")
    assert not viewer.page.evaluate(OVERFLOWING)
    for name in ("Find", "Share", "More", "Help: keys and terms"):
        box = viewer.page.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 640
    viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).scroll_into_view_if_needed()
    viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    assert len(viewer.selected()) == 10
    for key in ("?", "/"):
        viewer.page.keyboard.press(key)
        box = viewer.page.locator("dialog[open]").bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= 640
        assert box["y"] + box["height"] <= 360
        viewer.page.keyboard.press("Escape")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_slider_of_a_volume_is_named_and_has_contrast(
    open_viewer: Callable, modality_runs: ModuleType, theme: str, axe: str, tmp_path: Path
) -> None:
    run = modality_runs.analyzed(modality_runs.volume_run(tmp_path / "volume"))
    with Server([run.path]) as server:
        viewer = open_viewer(server, theme=theme, script=axe)
        viewer.open_class("odd")
        viewer.tile(3).click()
        viewer.page.get_by_role("slider", name="slice").wait_for()
        viewer.until("!document.querySelector('canvas.waiting')")
        assert violations(viewer) + faint(viewer) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768), (768, 1024)])
def test_the_top_bar_overlaps_and_cuts_nothing(open_viewer: Callable, server: Server, width: int, height: int) -> None:
    viewer = open_viewer(server, width=width, height=height)
    viewer.open_class("horse")
    viewer.page.get_by_label("Embedding", exact=True).select_option("spectral")
    viewer.page.get_by_label("Axes", exact=True).wait_for()
    boxes = viewer.page.locator("header select, header button, header a").evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().toJSON())"
    )
    assert all(box["left"] >= 0 and box["right"] <= width for box in boxes), json.dumps(boxes)
    overlapping = [
        (one, two)
        for at, one in enumerate(boxes)
        for two in boxes[:at]
        if min(one["right"], two["right"]) > max(one["left"], two["left"]) + 1
        and min(one["bottom"], two["bottom"]) > max(one["top"], two["top"]) + 1
    ]
    assert overlapping == []
    viewer.screenshot(f"top-bar-{width}")


def test_reduced_motion_is_respected(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    viewer.page.emulate_media(reduced_motion="reduce")
    viewer.open_class("horse")
    moving = (
        "[...document.querySelectorAll('*')].filter(one => { const style = getComputedStyle(one); return "
        "style.animationName !== 'none' || style.transitionDuration !== '0s' && style.transitionProperty !== 'none'; })"
        ".map(one => one.className)"
    )
    assert viewer.page.evaluate(moving) == []
