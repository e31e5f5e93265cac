"""The scatter at its edges: no points, equal points, other windows and screens, fingers, a lost context, density."""

from collections.abc import Callable

import numpy as np
import pytest

from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info
from whyset.viewer import Server

pytestmark = pytest.mark.browser

MEMBERS = np.array([2, 5, 8, 11, 14, 17, 20, 26])
COUNT = len(MEMBERS)
LONG = "Canis-lupus-familiaris" * 8


def embeddings() -> dict[str, np.ndarray]:
    """Embeddings of eight samples by what is strange about them."""
    spread = np.random.default_rng(3).normal(0, 1, (COUNT, 2))
    partly = spread.copy()
    partly[:2] = np.nan, 0
    far = np.linspace(0, 1, COUNT)[:, None] * [100.0, 1.0]
    return {
        "plain": spread,
        "equal": np.full((COUNT, 2), 7.0),
        "lost": np.full((COUNT, 2), np.nan),
        "partly": partly,
        "flat": far,
        "line": spread[:, :1],
        "deep": np.hstack([spread, 5 + spread[:, ::-1] * 3]),
    }


@pytest.fixture(scope="module")
def run(sample_run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample run with three more classes in its analysis: strange, with one sample, and with none."""
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "edges")
    writer = run.analysis_writer("spray", dict(run.analysis("spray").config))
    for number, (name, rows) in enumerate({"strange": MEMBERS, "single": MEMBERS[:1], "empty": MEMBERS[:0]}.items()):
        writer.write(category(f"{10 + number:05d}", name, rows))
    writer.write(category("00020", LONG, MEMBERS))
    return run


def category(id: str, name: str, rows: np.ndarray) -> CategoryResult:
    placed = {f"embedding.{kind}": values[: len(rows)].astype(np.float32) for kind, values in embeddings().items()}
    clusters = (np.arange(len(rows)) % 2).astype(np.int32)
    columns = {"index": rows, "clustering.kmeans": clusters, **placed}
    listed = [
        {"id": number, "size": int((clusters == number).sum()), "medoids": rows[clusters == number].tolist()}
        | dict.fromkeys(["purity", "accuracy", "mean_confidence", "separability"])
        for number in (0, 1)
    ]
    info = {
        "size": len(rows),
        "clusterings": {"kmeans": {"k": 2, "noise": 0, "clusters": listed}},
        "default_clustering": "kmeans",
        "default_embedding": "plain",
        "embeddings": {kind: {"dimensions": values.shape[1]} for kind, values in embeddings().items()},
        "scores": {},
    }
    return CategoryResult(id, name, columns, from_info(info))


@pytest.fixture
def strange(open_viewer: Callable, server: Server):
    """The viewer with the class of strange embeddings open."""
    viewer = open_viewer(server)
    viewer.open_class("strange")
    return viewer


def show(viewer, embedding: str) -> None:
    viewer.page.get_by_label("Embedding", exact=True).select_option(embedding)
    viewer.until(f"location.hash.includes('embedding={embedding}')")
    viewer.next_frame()


def drawn(viewer) -> int:
    """How many pixels of the scatter are not background, read in the frame that draws them."""
    for key in ("+", "f"):  # one after the other, as two of them within a frame are drawn once
        viewer.page.evaluate("window.__pixels = null")
        viewer.page.keyboard.press(key)
        viewer.until("window.__pixels !== null")
    return int(viewer.page.evaluate("window.__pixels"))


COUNT_PIXELS = """
const { drawArrays } = WebGL2RenderingContext.prototype;
WebGL2RenderingContext.prototype.drawArrays = function (...given) {
    drawArrays.apply(this, given);
    const { width, height } = this.canvas;
    const pixels = new Uint8Array(width * height * 4);
    this.readPixels(0, 0, width, height, this.RGBA, this.UNSIGNED_BYTE, pixels);
    let count = 0;
    for (let at = 3; at < pixels.length; at += 4) if (pixels[at] > 0) count++;
    window.__pixels = count;
};"""


def test_every_embedding_is_drawn_as_far_as_it_has_places(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, script=COUNT_PIXELS)
    viewer.open_class("strange")
    seen = {}
    for kind in embeddings():
        show(viewer, kind)
        seen[kind] = drawn(viewer)
        places = [viewer.hook(f"positionOf({index})") for index in MEMBERS]
        known = np.isfinite(embeddings()[kind]).all(axis=1)
        assert [place is not None for place in places] == known.tolist(), kind
        viewer.screenshot(f"scatter-{kind}-light-1280")
    assert seen["lost"] == 0
    assert 0 < seen["equal"] < seen["plain"] / 4
    assert 0 < seen["partly"] < seen["plain"]
    assert min(seen["flat"], seen["line"], seen["deep"]) > seen["plain"] / 2


def test_an_embedding_without_places_says_so_and_the_lists_work(strange) -> None:
    show(strange, "lost")
    strange.page.get_by_text("No sample of the class has finite coordinates in this embedding").wait_for()
    strange.page.keyboard.press("1")
    assert strange.selected() == MEMBERS[1::2].tolist()
    show(strange, "partly")
    strange.page.get_by_text("2 samples without finite coordinates in this embedding").wait_for()


def test_a_flat_embedding_keeps_the_ratio_of_its_distances(strange) -> None:
    show(strange, "flat")
    places = strange.positions(MEMBERS.tolist())
    across, upwards = np.ptp(places, axis=0)
    assert across / upwards == pytest.approx(100, rel=0.02)


def test_other_dimensions_are_the_axes_that_are_chosen(strange) -> None:
    show(strange, "deep")
    strange.page.get_by_label("Axes", exact=True).select_option("3")
    strange.until("location.hash.includes('axes=3')")
    expected = embeddings()["deep"][:, [2, 1]].astype(np.float32)
    strange.next_frame()
    places = strange.positions(MEMBERS.tolist()) * [1, -1]
    for side in (0, 1):
        assert np.corrcoef(places[:, side], expected[:, side])[0, 1] > 0.9999
    assert np.ptp(places[:, 0]) / np.ptp(places[:, 1]) == pytest.approx(
        np.ptp(expected[:, 0]) / np.ptp(expected[:, 1]), rel=0.01
    )


@pytest.mark.parametrize("width", [1280, 640])
def test_a_long_name_hides_nothing_of_the_overview(open_viewer: Callable, server: Server, width: int) -> None:
    viewer = open_viewer(server, width=width, height=720)
    link = viewer.page.get_by_role("link", name=LONG, exact=True)
    link.scroll_into_view_if_needed()
    assert link.bounding_box()["width"] < width / 2
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
    table = viewer.page.get_by_role("table")
    if width > 1000:  # narrower, the table scrolls
        assert table.bounding_box()["width"] < width


def test_a_class_of_one_and_a_class_of_none_open(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    viewer.open_class("single")
    place = viewer.positions([2])[0]
    viewer.page.mouse.move(*place)
    viewer.page.locator("[data-hover='2']").wait_for()
    viewer.page.get_by_label("Class", exact=True).select_option("empty")
    viewer.until("window.__viewer.view() === 'class' && window.__viewer.pointCount() === 0")
    viewer.page.keyboard.press("f")
    viewer.page.keyboard.press("d")
    viewer.next_frame()
    assert viewer.selected() == []


def test_points_come_back_with_a_lost_context(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, script=COUNT_PIXELS)
    viewer.open_class("strange")
    before = drawn(viewer)
    viewer.page.evaluate(
        "const context = document.querySelector('canvas[role=application]').getContext('webgl2');"
        "window.__lost = context.getExtension('WEBGL_lose_context');"
        "window.__lost.loseContext()"
    )
    viewer.page.get_by_text("The graphics context was lost.").wait_for()
    viewer.page.keyboard.press("1")
    assert viewer.selected() == MEMBERS[1::2].tolist()
    viewer.page.keyboard.press("Escape")
    viewer.page.evaluate("window.__pixels = null; window.__lost.restoreContext()")
    viewer.until("window.__pixels !== null")
    assert viewer.page.get_by_text("The graphics context was lost.").count() == 0
    assert drawn(viewer) == before


def test_a_class_that_is_left_gives_its_graphics_context_back(open_viewer: Callable, server: Server) -> None:
    """A browser keeps few of them, and takes the oldest away from whoever has it."""
    viewer = open_viewer(server)
    viewer.open_class("horse")
    viewer.page.evaluate("window.left = document.querySelector('canvas[role=application]').getContext('webgl2')")
    assert not viewer.page.evaluate("window.left.isContextLost()")
    viewer.page.get_by_role("link", name="whyset").click()
    viewer.wait_for_view("overview")
    viewer.until("window.left.isContextLost()")


def test_another_window_and_screen_draw_as_sharp_as_they_are(strange) -> None:
    canvas = "document.querySelector('canvas[role=application]')"
    size = f"(() => {{ const c = {canvas}; return [c.width / c.clientWidth, c.clientWidth]; }})()"
    ratio, wide = strange.page.evaluate(size)
    assert ratio == pytest.approx(1, abs=0.01)
    strange.page.set_viewport_size({"width": 1500, "height": 720})
    strange.until(f"{size}[1] > {wide} && Math.abs({size}[0] - 1) < 0.01")
    devtools = strange.page.context.new_cdp_session(strange.page)
    metrics = {"width": 1500, "height": 720, "deviceScaleFactor": 2, "mobile": False}
    devtools.send("Emulation.setDeviceMetricsOverride", metrics)
    strange.page.keyboard.press("+")  # the emulated screen tells nobody that it has changed
    strange.until(f"Math.abs({size}[0] - 2) < 0.01")
    point = strange.positions([int(MEMBERS[3])])[0]
    strange.page.mouse.move(*point)
    strange.page.locator(f"[data-hover='{MEMBERS[3]}']").wait_for()


def test_one_finger_moves_and_two_magnify(strange) -> None:
    devtools = strange.page.context.new_cdp_session(strange.page)
    box = strange.page.locator("canvas[role=application]").bounding_box()
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

    def touch(kind: str, *fingers: np.ndarray) -> None:
        points = [{"x": float(x), "y": float(y), "id": number} for number, (x, y) in enumerate(fingers)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    rows = MEMBERS.tolist()
    start = strange.positions(rows)
    touch("touchStart", middle)
    for step in (10, 30, 50):
        touch("touchMove", middle + np.array([step, step / 2]))
    touch("touchEnd")
    strange.next_frame()
    panned = strange.positions(rows)
    np.testing.assert_allclose(panned - start, np.tile([50, 25], (COUNT, 1)), atol=1)
    aside = np.array([60.0, 0])
    touch("touchStart", middle - aside, middle + aside)
    for factor in (1.2, 1.6, 2.0):
        touch("touchMove", middle - aside * factor, middle + aside * factor)
    touch("touchEnd")
    strange.next_frame()
    np.testing.assert_allclose(strange.positions(rows) - middle, (panned - middle) * 2, atol=2)
    assert strange.selected() == []


def test_a_lasso_selects_what_it_shows_wherever_the_view_was_moved(strange, support) -> None:
    strange.page.get_by_role("button", name="Lasso", exact=True).click()  # what else it offers may take a line
    strange.next_frame()
    box = strange.page.locator("canvas[role=application]").bounding_box()
    left, top = box["x"], box["y"]
    strange.page.mouse.move(left + box["width"] / 2, top + box["height"] / 2)
    before = strange.positions(MEMBERS[:1].tolist())[0, 0]
    strange.page.mouse.wheel(0, -150)
    strange.until(f"window.__viewer.positionOf({MEMBERS[0]}).x !== {before}")
    strange.page.mouse.move(left + 30, top + 30)
    strange.page.mouse.down(button="middle")
    strange.page.mouse.move(left + 70, top + 10, steps=4)
    strange.page.mouse.up(button="middle")
    strange.next_frame()
    places = strange.positions(MEMBERS.tolist())
    right, bottom = np.median(places, axis=0)
    corners = np.array([[left + 8, top + 8], [right, top + 8], [right, bottom], [left + 8, bottom]])
    strange.lasso(corners)
    np.testing.assert_allclose(strange.positions(MEMBERS.tolist()), places)
    expected = MEMBERS[support.inside(corners, places)].tolist()
    assert 0 < len(expected) < COUNT
    assert strange.selected() == expected
    strange.page.keyboard.press("1")
    strange.page.keyboard.press("Control+z")
    assert strange.selected() == expected


def test_density_counts_the_samples_of_a_place_and_the_address_restores_it(
    strange, open_viewer: Callable, server: Server
) -> None:
    show(strange, "equal")
    strange.page.get_by_role("button", name="Scatter plot options").click()
    button = strange.page.get_by_role("button", name="Density", exact=True)
    button.click()
    strange.page.get_by_text(f"{COUNT} samples in one place").wait_for()
    strange.until("location.hash.includes('draw=density')")
    strange.page.keyboard.press("d")
    assert button.get_attribute("aria-pressed") == "false"
    strange.page.get_by_text("samples in one place").wait_for(state="detached")
    strange.page.keyboard.press("d")
    strange.until("location.hash.includes('draw=density')")
    other = open_viewer(server)
    other.page.evaluate(f"location.hash = {strange.page.evaluate('location.hash')!r}")
    other.wait_for_view("class")
    other.page.get_by_text(f"{COUNT} samples in one place").wait_for()
    assert other.page.get_by_role("application", name="drawn as density").count() == 1


def test_selected_samples_stay_points_in_front_of_the_density(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, script=COUNT_PIXELS)
    viewer.open_class("strange")
    everything = drawn(viewer)
    viewer.page.keyboard.press("d")
    viewer.page.evaluate("window.__pixels = null")
    viewer.page.keyboard.press("1")
    viewer.until("window.__pixels !== null")
    assert 0 < viewer.page.evaluate("window.__pixels") < everything
    viewer.screenshot("density-selected-light-1280")
