"""Series, texts, tables and images of any number of channels, as a person sees and reads them."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

SPECIAL, USUAL = 3, 1
"""A sample of the class "odd" with the other strategy, and one with the usual one."""


@pytest.fixture(scope="module")
def runs(modality_runs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    return modality_runs.make_all(tmp_path_factory.mktemp("modalities"))


@pytest.fixture
def shown(modality_runs: ModuleType, runs: dict[str, Run], open_viewer: Callable) -> Iterator[Callable]:
    """`shown("table", index)`: the viewer on the class "odd" of a run, with a sample in Detail."""
    servers = []

    def show(name: str, index: int, **look: object):
        run = runs[name]
        server = Server([(run if run.analyses else modality_runs.analyzed(run)).path]).__enter__()
        servers.append(server)
        viewer = open_viewer(server, **look)
        viewer.open_class("odd")
        viewer.tile(index).click()
        return viewer

    yield show
    for server in servers:
        server.__exit__(None, None, None)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("+", "").replace(",", ""))


def channel(text: str) -> list[int]:
    """The bytes in rgb(...)."""
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def luminance(color: list[int]) -> float:
    """Of WCAG 2.2."""
    share = np.array(color) / 255
    return float(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def ink(canvas) -> int:
    """How many pixels of a picture differ from its first one."""
    read = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    pixels = np.array(canvas.evaluate(read)).reshape(-1, 4)
    return int((pixels != pixels[0]).any(axis=1).sum())


def test_a_table_is_read_as_bars_with_names_values_and_numbers(
    shown: Callable, runs: dict[str, Run], modality_runs: ModuleType
) -> None:
    viewer = shown("table", SPECIAL)
    figure = viewer.page.get_by_role("figure", name=f"table of table/{SPECIAL}")
    table = figure.get_by_role("table", name="Columns and their relevance, the most relevant first")
    rows = table.locator("tbody tr")
    table.get_by_role("columnheader", name="value").wait_for()  # the relevance may be there before
    relevance, inputs = runs["table"].relevance[SPECIAL], runs["table"].inputs[SPECIAL]
    order = np.argsort(-np.abs(relevance), kind="stable")
    assert rows.count() == 15
    figure.get_by_role("button", name="Show all 20").click()
    cells = [[cell.strip() for cell in row.locator("th, td").all_inner_texts()] for row in rows.all()]
    assert [cell[0] for cell in cells] == [modality_runs.FEATURES[column] for column in order]
    assert np.allclose([number(cell[1]) for cell in cells], inputs[order], rtol=6e-3)
    assert np.allclose([number(cell[3]) for cell in cells], relevance[order], rtol=6e-3)
    bar = rows.first.locator(".bar")
    assert bar.evaluate("bar => [bar.style.left, bar.style.width]") == ["50%", "50%"]
    assert ink(viewer.tile(USUAL).locator("canvas")) > 100
    assert ink(viewer.page.get_by_role("region", name="Clusters").locator(".mean canvas").first) > 50
    viewer.screenshot("table-light-1280")
    with viewer.page.expect_download() as saved:
        viewer.page.get_by_role("region", name="Detail").get_by_label("Figure").select_option("SVG")
    drawn = Path(saved.value.path()).read_text()
    assert f"table/{SPECIAL}" in drawn
    assert drawn.count("<image") == 2  # the bars and the color bar


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tokens_tell_their_relevance_in_words_and_are_read_on_their_color(
    shown: Callable, runs: dict[str, Run], modality_runs: ModuleType, theme: str
) -> None:
    viewer = shown("text", SPECIAL, theme=theme)
    figure = viewer.page.get_by_role("figure", name=f"text of text/{SPECIAL}")
    tokens = figure.get_by_role("list", name="Tokens with their relevance").get_by_role("listitem")
    tokens.first.wait_for()
    (words,), relevance = runs["text"].tokens([SPECIAL]), runs["text"].relevance[SPECIAL]
    told = [text.rsplit(",", 1) for text in tokens.all_text_contents()]
    assert [word for word, _ in told] == words
    assert words[0] == modality_runs.PLANTED
    assert np.allclose([number(value) for _, value in told], relevance[: len(words)], rtol=6e-3)
    for token in tokens.all():
        style = token.evaluate("t => [getComputedStyle(t).backgroundColor, getComputedStyle(t).color]")
        low, high = sorted(luminance(channel(color)) for color in style)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert "4 padding tokens" in figure.inner_text()
    assert ink(viewer.tile(USUAL).locator("canvas")) > 100
    assert viewer.page.get_by_role("region", name="Clusters").locator(".mean").count() == 0
    viewer.screenshot(f"text-{theme}-1280")


def test_a_series_is_read_position_by_position_with_the_keyboard(shown: Callable, runs: dict[str, Run]) -> None:
    viewer = shown("series", SPECIAL, width=1600, height=1000)
    figure = viewer.page.get_by_role("figure", name=f"series of series/{SPECIAL}")
    reader = figure.get_by_role("slider", name="Position")
    reader.wait_for()
    relevance, inputs = runs["series"].relevance[SPECIAL], runs["series"].inputs[SPECIAL]
    reader.focus()
    for _ in range(14):
        viewer.page.keyboard.press("ArrowRight")
    told = reader.get_attribute("aria-valuetext")
    found = re.fullmatch(r"(\S+) s; x <b> value (\S+), relevance (\S+); y value (\S+), relevance (\S+)", told)
    assert found, told
    read = [number(part) for part in found.groups()]
    step = np.abs(relevance).max() / 254
    assert read[0] == pytest.approx(14 / 50, rel=6e-3)
    assert np.allclose(read[1::2], inputs[:, 14], rtol=6e-3)
    assert np.allclose(read[2::2], relevance[:, 14], atol=step * 1.1)
    assert viewer.tile(SPECIAL).get_attribute("aria-selected") == "true"  # the arrows moved the position only
    strongest = np.unravel_index(np.abs(relevance).argmax(), relevance.shape)
    assert f"at 0.{strongest[1] * 2:02d}0 s, x <b>" in figure.inner_text()
    assert figure.get_by_role("img").count() == 2
    assert figure.locator("path.halo").count() > 2  # a line of zero relevance is seen on its own color
    assert ink(viewer.page.get_by_role("region", name="Clusters").locator(".mean canvas").first) > 50
    viewer.screenshot("series-light-1600")


@pytest.mark.parametrize(("name", "left", "right"), [("series", 0.05, 0.25), ("text", 0, 0.25), ("table", 0.5, 1)])
def test_listed_samples_of_every_modality_are_saved_as_a_figure(
    shown: Callable, runs: dict[str, Run], name: str, left: float, right: float
) -> None:
    viewer = shown(name, SPECIAL)
    viewer.page.get_by_role("region", name="Samples").get_by_role("button", name="Figure", exact=True).click()
    panel = viewer.page.get_by_role("group", name="Figure")
    panel.get_by_label("Columns", exact=True).fill("3")
    panel.get_by_label("One row for each cluster").check()
    drawn = saved(viewer, lambda: panel.get_by_role("button", name="Save SVG").click()).decode()
    pictures = [opened(base64.b64decode(href)) for href in re.findall(r'href="data:image/png;base64,([^"]+)"', drawn)]
    assert len(pictures) == 2 * 3 + 1  # a row for each strategy, and the color bar
    assert all(f">cluster {cluster}</text>" in drawn for cluster in (0, 1))
    largest = np.abs(runs[name].relevance[SPECIAL]).max()
    assert any(float(told) == pytest.approx(largest, rel=6e-3) for told in re.findall(r"odd ±(\S+)</text>", drawn))
    row = 3 * int(viewer.tile(SPECIAL).get_attribute("aria-label").split("cluster ")[1][0])
    for picture in pictures[row : row + 3]:  # where the planted relevance lies
        red = (picture[..., 0] > 200) & (picture[..., 1:] < 60).all(axis=-1)
        places = red.nonzero()[1] / picture.shape[1]
        assert left <= places.min() <= places.max() <= right
    picture = opened(saved(viewer, lambda: panel.get_by_role("button", name="Save PNG").click()))
    width, height = re.findall(r'<svg [^>]*width="(\d+)" height="(\d+)"', drawn)[0]
    assert picture.shape[:2] == (2 * int(height), 2 * int(width))
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()


def saved(viewer, act: Callable[[], None]) -> bytes:
    with viewer.page.expect_download() as download:
        act()
    return Path(download.value.path()).read_bytes()


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("name", ["series", "text"])
def test_two_runs_stand_beside_each_other_with_linked_selection_and_the_maps_of_both(
    modality_runs: ModuleType, runs: dict[str, Run], open_viewer: Callable, tmp_path: Path, name: str
) -> None:
    run = runs[name] if runs[name].analyses else modality_runs.analyzed(runs[name])
    make = {"series": modality_runs.series_run, "text": modality_runs.text_run}[name]
    other = modality_runs.analyzed(make(tmp_path / "magnitudes", composite="Magnitudes"))
    with Server([run.path, other.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("odd")
        viewer.page.get_by_role("button", name="Compare").click()
        viewer.page.get_by_role("dialog").get_by_role("button", name="Compare", exact=True).click()
        viewer.wait_for_view("compare")
        cluster = viewer.tile(USUAL).get_attribute("aria-label").split("cluster ")[1][0]
        viewer.page.get_by_role("button", name=re.compile(f"^10 samples: cluster {cluster} on the left")).click()
        usual = list(range(USUAL, modality_runs.SAMPLES, 4))
        assert (viewer.selected(), sorted(viewer.hook("otherSelectedIndices()"))) == (usual, usual)
        sample = usual[1]
        viewer.tile(sample).click()
        small = viewer.tile(sample).locator("canvas")
        assert [ink(canvas) > 100 for canvas in small.all()] == [True, True]
        detail = viewer.page.get_by_role("region", name="Detail")
        left, right = (detail.get_by_role("figure", name=re.compile(f"^{side}: ")) for side in ("left", "right"))
        assert detail.get_by_role("figure").count() == 2
        relevance = [told(figure, name) for figure in (left, right)]
        assert np.array_equal(np.abs(relevance[0]), relevance[1])
        assert not np.array_equal(*relevance)
        viewer.screenshot(f"compare-{name}-light-1280")
        viewer.page.get_by_role("group", name="Side of the listed samples").get_by_role("button", name="right").click()
        assert viewer.tile(sample).get_attribute("aria-selected") == "true"


def told(figure, name: str) -> list[float]:
    """Relevance as it is read: of every token, or of both channels of a series at one position."""
    if name == "text":
        tokens = figure.get_by_role("list", name="Tokens with their relevance").get_by_role("listitem")
        tokens.first.wait_for()
        return [number(text.rsplit(",", 1)[1]) for text in tokens.all_text_contents()]
    reader = figure.get_by_role("slider", name="Position")
    reader.focus()
    for key in ("End", "PageDown"):
        figure.page.keyboard.press(key)
    return [number(value) for value in re.findall(r"relevance (\S+?)(?:;|$)", reader.get_attribute("aria-valuetext"))]


def test_a_long_series_tells_how_much_of_it_is_drawn(shown: Callable) -> None:
    viewer = shown("long", USUAL)
    figure = viewer.page.get_by_role("figure", name=f"series of series/{USUAL}")
    figure.get_by_role("slider").wait_for()
    assert "512 of 4,000 positions are drawn" in figure.inner_text()


def test_images_of_other_channels_are_drawn_and_a_channel_is_chosen(shown: Callable, runs: dict[str, Run]) -> None:
    viewer = shown("channels-5", USUAL)
    inputs = runs["channels-5"].inputs[USUAL]
    figure = viewer.page.get_by_role("figure", name=f"input of image/{USUAL}")
    canvas = figure.locator("canvas")
    assert np.array_equal(viewer.pixels(canvas)[..., 1], inputs[0])
    chooser = viewer.page.get_by_label("Input channel")
    chooser.select_option("band 3")
    assert np.array_equal(viewer.pixels(canvas), np.repeat(inputs[3][..., None], 3, axis=2))
    chooser.select_option("norm of all")
    norm = np.sqrt((inputs.astype(float) ** 2).mean(axis=0))
    assert np.abs(viewer.pixels(canvas)[..., 0] - norm).max() <= 0.5 + 1e-6
    opaque = shown("channels-4", USUAL)
    canvas = opaque.page.get_by_role("figure", name=f"input of image/{USUAL}").locator("canvas")
    opaque.until_drawn(canvas)
    read = "c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"
    alpha = np.array(canvas.evaluate(read)).reshape(9, 13, 4)[..., 3]
    assert np.array_equal(alpha, runs["channels-4"].inputs[USUAL][3])
    assert opaque.page.get_by_label("Input channel").count() == 0


def slider_of(viewer):
    return viewer.page.get_by_role("region", name="Detail").get_by_role("slider", name="slice")


def until_sliced(viewer, canvas, expected: np.ndarray) -> None:
    """Wait until a canvas shows these pixels (H, W)."""
    viewer.page.wait_for_function(
        """([canvas, height, width, bytes]) => {
          if (canvas.height !== height || canvas.width !== width) return false;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          return bytes.every((byte, at) => data[4 * at] === byte);
        }""",
        arg=[canvas.element_handle(), *expected.shape, expected.ravel().tolist()],
    )


def test_a_volume_is_read_slice_by_slice_along_every_axis(shown: Callable, runs: dict[str, Run]) -> None:
    viewer = shown("volume", SPECIAL, width=1600, height=1000)
    inputs, relevance = runs["volume"].inputs[SPECIAL], runs["volume"].relevance[SPECIAL].sum(axis=0)
    detail = viewer.page.get_by_role("region", name="Detail")
    picture = detail.get_by_role("figure", name=f"input of volume/{SPECIAL}").locator("canvas")
    heatmap = detail.get_by_role("figure", name=f"heatmap of volume/{SPECIAL}").locator("canvas")
    slider = slider_of(viewer)
    slider.wait_for()
    until_sliced(viewer, picture, inputs[0, 1])  # the slice with the most relevance
    assert slider.get_attribute("aria-valuetext") == "2 of 6"
    assert detail.get_by_role("button", name="Most relevant").is_disabled()
    marked = viewer.pixels(heatmap)
    blue = (marked[..., 2] > 200) & (marked[..., :2] < 80).all(axis=-1)
    assert np.array_equal(blue, relevance[1] < -1)
    slider.focus()
    viewer.page.keyboard.press("ArrowRight")
    until_sliced(viewer, picture, inputs[0, 2])
    assert (slider.get_attribute("aria-valuetext"), viewer.pixels(heatmap).shape) == ("3 of 6", (9, 13, 3))
    assert viewer.tile(SPECIAL).get_attribute("aria-selected") == "true"  # the arrows moved the slice only
    cut = detail.get_by_role("group", name="Cut along")
    for axis, name in enumerate(("depth", "height", "width")):
        cut.get_by_role("button", name=name).click()
        strongest = int(np.abs(relevance).sum(axis=tuple({0, 1, 2} - {axis})).argmax())
        until_sliced(viewer, picture, np.take(inputs[0], strongest, axis=axis))
        assert slider.get_attribute("aria-valuetext") == f"{strongest + 1} of {relevance.shape[axis]}"
    slider.focus()
    viewer.page.keyboard.press("End")
    until_sliced(viewer, picture, inputs[0, :, :, 12])
    with viewer.page.expect_download() as saved_figure:
        detail.get_by_label("Figure").select_option("SVG")
    drawn = Path(saved_figure.value.path()).read_text()
    assert "slice 13 of 13 along the width" in drawn
    first = opened(base64.b64decode(re.findall(r'href="data:image/png;base64,([^"]+)"', drawn)[0]))
    assert np.array_equal(first[..., 0], inputs[0, :, :, 12])
    detail.get_by_role("button", name="Most relevant").click()
    until_sliced(viewer, picture, np.take(inputs[0], strongest, axis=2))
    viewer.screenshot("volume-light-1600")
    assert ink(viewer.tile(USUAL).locator("canvas")) > 50
    assert ink(viewer.page.get_by_role("region", name="Clusters").locator(".mean canvas").first) > 20


def test_the_next_volume_begins_with_its_own_most_relevant_slice(shown: Callable, runs: dict[str, Run]) -> None:
    viewer = shown("volume", SPECIAL)
    picture = viewer.page.get_by_role("figure", name=f"input of volume/{SPECIAL}").locator("canvas")
    until_sliced(viewer, picture, runs["volume"].inputs[SPECIAL][0, 1])
    viewer.tile(USUAL).click()
    picture = viewer.page.get_by_role("figure", name=f"input of volume/{USUAL}").locator("canvas")
    until_sliced(viewer, picture, runs["volume"].inputs[USUAL][0, 4])
    assert slider_of(viewer).get_attribute("aria-valuetext") == "5 of 6"


def test_compared_runs_show_one_slice_of_a_volume(
    modality_runs: ModuleType, runs: dict[str, Run], open_viewer: Callable, tmp_path: Path
) -> None:
    run = runs["volume"] if runs["volume"].analyses else modality_runs.analyzed(runs["volume"])
    other = modality_runs.analyzed(modality_runs.volume_run(tmp_path / "magnitudes", composite="Magnitudes"))
    with Server([run.path, other.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("odd")
        viewer.page.get_by_role("button", name="Compare").click()
        viewer.page.get_by_role("dialog").get_by_role("button", name="Compare", exact=True).click()
        viewer.wait_for_view("compare")
        viewer.tile(USUAL).click()
        detail = viewer.page.get_by_role("region", name="Detail")
        maps = [
            detail.get_by_role("figure", name=re.compile(f"^{side}: ")).locator("canvas") for side in ("left", "right")
        ]
        picture = detail.get_by_role("figure", name=re.compile("^input of")).locator("canvas")
        slider = slider_of(viewer)
        until_sliced(viewer, picture, run.inputs[USUAL][0, 4])
        slider.focus()
        viewer.page.keyboard.press("Home")
        until_sliced(viewer, picture, run.inputs[USUAL][0, 0])
        weak = [viewer.pixels(canvas) for canvas in maps]
        viewer.page.keyboard.press("End")
        until_sliced(viewer, picture, run.inputs[USUAL][0, 5])
        assert [np.array_equal(viewer.pixels(canvas), before) for canvas, before in zip(maps, weak, strict=True)] == [
            False,
            False,
        ]


def test_methods_show_one_slice_of_a_volume(
    modality_runs: ModuleType, runs: dict[str, Run], open_viewer: Callable, tmp_path: Path
) -> None:
    run = runs["volume"] if runs["volume"].analyses else modality_runs.analyzed(runs["volume"])
    other = modality_runs.volume_run(tmp_path / "magnitudes", composite="Magnitudes")
    with Server([run.path, other.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("odd")
        viewer.tile(USUAL).click()
        viewer.page.get_by_role("button", name="Methods").click()
        detail = viewer.page.get_by_role("region", name="Detail")
        picture = detail.get_by_role("figure", name="input").locator("canvas")
        until_sliced(viewer, picture, run.inputs[USUAL][0, 4])
        slider_of(viewer).focus()
        viewer.page.keyboard.press("Home")
        until_sliced(viewer, picture, run.inputs[USUAL][0, 0])
        heatmap = detail.get_by_role("figure", name="heatmap of Magnitudes").locator("canvas")
        assert (viewer.pixels(heatmap) > 150).all()  # the relevant voxels are in another slice
        viewer.screenshot("volume-methods-light-1280")


def test_volumes_without_inputs_are_shown_by_their_relevance(
    modality_runs: ModuleType, open_viewer: Callable, tmp_path: Path
) -> None:
    run = modality_runs.analyzed(modality_runs.volume_run(tmp_path / "bare", inputs=False))
    with Server([run.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("odd")
        viewer.tile(USUAL).click()
        slider = slider_of(viewer)
        slider.wait_for()
        heatmap = viewer.page.get_by_role("figure", name=f"heatmap of volume/{USUAL}").locator("canvas")
        viewer.until_drawn(heatmap)
        assert slider.get_attribute("aria-valuetext") == "5 of 6"
