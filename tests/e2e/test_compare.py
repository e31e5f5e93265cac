"""Two classes side by side: another run, clustering or class; what is selected on one side is so on the other."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from whyset.image import colorize
from whyset.store import Run
from whyset.store.selections import Selections
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs(sample_run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The same samples explained by two composites, in another order."""
    folder = tmp_path_factory.mktemp("composites", numbered=False)
    order = np.random.default_rng(1).permutation(sample_run.SAMPLES).tolist()
    return (
        sample_run.make_sample_run(folder / "plus"),
        sample_run.make_sample_run(folder / "gamma", order=order),
    )


@pytest.fixture(scope="module")
def server(runs: tuple[Run, Run]) -> Iterator[Server]:
    with Server([run.path for run in runs]) as server:
        yield server


@pytest.fixture
def compared(open_viewer: Callable, server: Server):
    """The class "horse" of both runs, as the viewer itself proposes it."""
    viewer = open_viewer(server)
    viewer.open_class("horse")
    compare(viewer)
    return viewer


def compare(viewer, **choices: str) -> None:
    """Open the chooser, choose what is not proposed, and compare."""
    page = viewer.page
    page.get_by_role("button", name=re.compile("^(Compare|Change)")).first.click()
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Compare", exact=True)
    dialog.get_by_label("Clustering", exact=True).wait_for()
    for label, choice in choices.items():
        dialog.get_by_label(label, exact=True).select_option(label=choice)
        button.and_(page.locator(":enabled")).wait_for()
    button.click()
    viewer.wait_for_view("compare")


def other_selected(viewer) -> list[int]:
    return sorted(viewer.hook("otherSelectedIndices()"))


def chosen_cell(runs: tuple[Run, Run], left: int, right: int) -> tuple[list[int], list[int]]:
    """Rows of both runs with the samples that are in these clusters of the class "horse"."""
    clusters = []
    for run in runs:
        horse = run.analysis("spray").category("horse")
        members, assigned = np.asarray(horse.column("index")), np.asarray(horse.column("clustering.kmeans"))
        clusters.append({run.ids[row]: (row, cluster) for row, cluster in zip(members, assigned.tolist(), strict=True)})
    both = [(clusters[0][id], clusters[1][id]) for id in clusters[0] if id in clusters[1]]
    rows = [(int(one[0]), int(two[0])) for one, two in both if (one[1], two[1]) == (left, right)]
    return sorted(row for row, _ in rows), sorted(row for _, row in rows)


def cell(viewer, text: str):
    return viewer.page.get_by_role("table").get_by_role("button", name=text)


def test_a_cell_of_the_table_selects_its_samples_on_both_sides(compared, runs: tuple[Run, Run]) -> None:
    left, right = chosen_cell(runs, 0, 1)
    assert left
    assert left != right  # the rows of the other run stand elsewhere
    cell(compared, f"{len(left)} samples: cluster 0 on the left and cluster 1 on the right").click()
    assert compared.selected() == left
    assert other_selected(compared) == right
    assert compared.told() == f"{len(left)} of 18 samples selected on the left, {len(right)} of 18 on the right."
    assert cell(compared, "cluster 0 on the left and cluster 1 on the right").get_attribute("aria-pressed") == "true"
    compared.page.keyboard.press("Control+z")
    assert (compared.selected(), other_selected(compared)) == ([], [])


def test_what_a_cell_selects_is_kept_by_a_key(compared, runs: tuple[Run, Run]) -> None:
    left, _ = chosen_cell(runs, 0, 1)
    cell(compared, f"{len(left)} samples: cluster 0 on the left and cluster 1 on the right").click()
    compared.page.keyboard.press("t")
    dialog = compared.page.get_by_role("dialog", name="Save selection")
    dialog.get_by_label("Name").fill("disputed")
    dialog.get_by_role("button", name="Save", exact=True).click()
    dialog.wait_for(state="detached")
    (found,) = Selections(runs[0].path / "selections", len(runs[0])).all()
    assert (found.name, sorted(found.rows)) == ("disputed", left)


def test_the_table_is_a_table_with_counts_totals_and_agreement(compared, runs: tuple[Run, Run]) -> None:
    counts = {(i, j): len(chosen_cell(runs, i, j)[0]) for i in (0, 1) for j in (0, 1)}
    table = compared.page.get_by_role("table", name=re.compile("cluster on the left"))
    snapshot = table.aria_snapshot()
    for (i, j), n in counts.items():
        assert f"{n} samples: cluster {i} on the left and cluster {j} on the right" in snapshot
    assert len(re.findall("- columnheader", snapshot)) == 3
    assert len(re.findall("- rowheader", snapshot)) == 3
    rows = [re.findall(r"\d+", text) for text in table.locator("tbody tr").all_inner_texts()]
    assert rows[-1] == [
        str(n) for n in (counts[0, 0] + counts[1, 0], counts[0, 1] + counts[1, 1], sum(counts.values()))
    ]
    page = compared.page
    page.get_by_text("17 samples are in both.").wait_for()
    assert page.get_by_text("Only left 1, only right 1.").is_visible()
    rand = float(page.locator("main dt", has_text="adjusted Rand index").locator("+ dd").inner_text())
    clusters = [[key[side] for key, n in counts.items() for _ in range(n)] for side in (0, 1)]
    assert rand == pytest.approx(adjusted_rand_score(*clusters), abs=5e-4)


def test_the_table_is_worked_by_keyboard(compared, runs: tuple[Run, Run]) -> None:
    column = compared.page.get_by_role("columnheader").get_by_role("button").first
    column.focus()
    compared.page.keyboard.press("Enter")
    wanted = sorted([*chosen_cell(runs, 0, 0)[1], *chosen_cell(runs, 1, 0)[1]])
    assert other_selected(compared) == wanted
    compared.page.keyboard.press("Tab")
    compared.page.keyboard.press("Shift+Enter")
    assert len(other_selected(compared)) == 17
    compared.page.keyboard.press("Escape")
    assert (compared.selected(), other_selected(compared)) == ([], [])


def test_a_cluster_selected_on_one_side_and_a_sample_pointed_at_follow_on_the_other(
    compared, runs: tuple[Run, Run]
) -> None:
    left, right = runs
    compared.page.locator("[data-side=right]").get_by_role("button", name="Pan").focus()
    compared.page.keyboard.press("1")
    rows = other_selected(compared)
    shared = {left.ids.index(right.ids[row]) for row in rows}
    members = set(np.asarray(left.analysis("spray").category("horse").column("index")).tolist())
    assert compared.selected() == sorted(shared & members)
    sample = chosen_cell(runs, 0, 0)
    (place,) = compared.positions([sample[0][0]])
    compared.page.mouse.move(*place)
    compared.until("window.__viewer.otherHovered() !== null")
    pointed = compared.page.locator("[data-hover]").get_attribute("data-hover")
    assert right.ids[compared.hook("otherHovered()")] == left.ids[int(pointed)]


def test_a_link_restores_both_sides_and_back_leaves_the_comparison(
    compared, open_viewer: Callable, server: Server, runs: tuple[Run, Run]
) -> None:
    left, right = chosen_cell(runs, 1, 1)
    page = compared.page
    cell(compared, "cluster 1 on the left and cluster 1 on the right").click()
    page.locator("[data-side=right]").get_by_label("Embedding", exact=True).select_option("spectral")
    page.locator("[data-side=right]").get_by_label("Axes", exact=True).select_option("2")
    page.locator("[data-side=left]").get_by_label("Clustering", exact=True).select_option("hdbscan")
    compared.until("location.hash.includes('with-axes=2') && location.hash.includes('clustering=hdbscan')")
    other = open_viewer(server)
    other.page.goto(page.url)
    other.page.reload()
    other.wait_for_view("compare")
    assert (other.selected(), other_selected(other)) == (left, right)
    assert other.page.locator("[data-side=right]").get_by_label("Embedding", exact=True).input_value() == "spectral"
    assert other.page.locator("[data-side=left]").get_by_label("Clustering", exact=True).input_value() == "hdbscan"
    assert other.page.get_by_role("rowheader", name="noise").is_visible()
    other.screenshot("compare-noise-light-1280")
    page.go_back()
    compared.wait_for_view("class")
    page.go_forward()
    compared.wait_for_view("compare")
    assert (compared.selected(), other_selected(compared)) == (left, right)
    page.get_by_role("button", name="End the comparison").click()
    compared.wait_for_view("class")
    assert compared.selected() == left


def to_class(viewer, name: str) -> None:
    viewer.page.get_by_role("navigation").get_by_label("Class", exact=True).select_option(label=name)


def sides(viewer) -> list[str]:
    """The classes that stand beside each other."""
    return [viewer.page.locator(f"[data-side={side}]").get_attribute("aria-label") for side in ("left", "right")]


def test_another_class_goes_on_with_the_same_class_on_the_other_side(compared) -> None:
    page = compared.page
    page.locator("[data-side=left]").get_by_label("Clustering", exact=True).select_option("hdbscan")
    page.locator("[data-side=right]").get_by_label("Embedding", exact=True).select_option("spectral")
    compared.until("location.hash.includes('with-embedding=spectral') && location.hash.includes('clustering=hdbscan')")
    to_class(compared, "cat")
    page.get_by_role("heading", name="Comparison of cat with cat").wait_for(state="attached")
    assert sides(compared) == ["Left: cat", "Right: cat"]
    assert page.locator("[data-side=left]").get_by_label("Clustering", exact=True).input_value() == "hdbscan"
    assert page.locator("[data-side=right]").get_by_label("Embedding", exact=True).input_value() == "spectral"
    page.get_by_text("20 samples are in both.").wait_for()
    to_class(compared, "all classes")
    page.get_by_role("columnheader", name="Compared").wait_for()
    page.go_back()
    compared.wait_for_view("compare")
    page.go_back()
    page.get_by_role("heading", name="Comparison of horse with horse").wait_for(state="attached")
    compare(compared, Run="composites/plus", Class="cat")
    page.get_by_role("heading", name="Comparison of horse with cat").wait_for(state="attached")
    to_class(compared, "dog <b>&amp;")
    page.get_by_role("heading", name="Comparison of dog <b>&amp; with cat").wait_for(state="attached")
    to_class(compared, "all classes")
    compared.wait_for_view("overview")
    assert page.get_by_role("columnheader", name="Compared").count() == 0


def test_a_class_that_the_other_side_lacks_stands_alone_and_the_next_is_compared_again(
    open_viewer: Callable, sample_run, runs: tuple[Run, Run], tmp_path: Path
) -> None:
    few = sample_run.make_sample_run(tmp_path / "few", analyses=())
    writer = few.analysis_writer("spray", {})
    for label in (0, 2):
        writer.write(sample_run.category(label, few.relevance[:], np.arange(sample_run.SAMPLES)))
    with Server([runs[0].path, few.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("horse")
        compare(viewer)
        to_class(viewer, "dog <b>&amp;")
        viewer.wait_for_view("class")
        lacking = (
            f"The comparison is paused: the analysis “spray” of {tmp_path.name}/few has not analyzed “dog <b>&amp;”."
        )
        viewer.page.get_by_role("alert").get_by_text(lacking).wait_for()
        viewer.until("location.hash.includes('with=few%2Fspray')")
        viewer.screenshot("compare-lacking-light-1280")
        to_class(viewer, "cat")
        viewer.wait_for_view("compare")
        assert sides(viewer) == ["Left: cat", "Right: cat"]
        assert viewer.page.get_by_role("alert").count() == 0
        viewer.page.get_by_role("button", name="End the comparison").click()
        viewer.wait_for_view("class")
        to_class(viewer, "horse")
        viewer.until("location.hash.includes('spray/00002')")
        viewer.wait_for_view("class")


def test_samples_show_the_maps_of_both_runs(compared, runs: tuple[Run, Run]) -> None:
    left, _ = chosen_cell(runs, 0, 0)
    partner = runs[1].ids.index(runs[0].ids[left[0]])
    page = compared.page
    compared.tile(left[0]).click()
    assert compared.tile(left[0]).locator("canvas").count() == 3
    shown = {
        name: compared.pixels(page.get_by_role("figure", name=re.compile(f"^{name}")).locator("canvas"))
        for name in ("input", "left: EpsilonPlusFlat", "right: EpsilonGammaBox")
    }
    assert len({picture.tobytes() for picture in shown.values()}) == 3
    page.get_by_role("group", name="Side of the listed samples").get_by_role("button", name="right").click()
    compared.tile(partner).wait_for()
    assert compared.tile(partner).get_attribute("aria-selected") == "true"
    again = compared.pixels(page.get_by_role("figure", name="right: EpsilonGammaBox").locator("canvas"))
    assert np.array_equal(again, shown["right: EpsilonGammaBox"])
    compared.screenshot("compare-sample-light-1280")


def test_classes_without_a_common_sample_stay_independent(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, width=1600, height=1000, theme="dark")
    viewer.open_class("horse")
    compare(viewer, Run="composites/plus", Class="cat")
    viewer.page.get_by_text("No sample is on both sides.").wait_for()
    assert viewer.page.get_by_role("table").count() == 0
    viewer.page.locator("[data-side=right]").get_by_role("button", name="Pan").focus()
    viewer.page.keyboard.press("0")
    assert viewer.selected() == []
    own = other_selected(viewer)
    assert own
    viewer.until("location.hash.includes('with-selected')")
    viewer.screenshot("compare-nothing-dark-1600")
    viewer.page.reload()
    viewer.wait_for_view("compare")
    assert (viewer.selected(), other_selected(viewer)) == ([], own)


def test_where_the_other_side_is_gone_the_class_is_shown_alone_and_that_is_told(
    open_viewer: Callable, server: Server
) -> None:
    viewer = open_viewer(server, tolerated=("404",))
    viewer.page.goto(f"{viewer.origin}/#/plus/spray/00002?with=gamma/spray/00099")
    viewer.page.get_by_text("The comparison is not shown: category").wait_for()
    viewer.wait_for_view("class")
    viewer.page.goto(f"{viewer.origin}/#/plus/spray?with=gone/spray")
    viewer.page.get_by_text("The comparison is not shown: run").wait_for()
    viewer.wait_for_view("overview")


def test_other_labels_under_the_same_ids_are_told(
    open_viewer: Callable, sample_run, runs: tuple[Run, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_run, "CLASSES", ("cat", "dog <b>&amp;", "horse 2"))
    other = sample_run.make_sample_run(tmp_path / "renamed")
    with Server([runs[0].path, other.path]) as server:
        viewer = open_viewer(server)
        viewer.open_class("horse")
        compare(viewer, Run=f"{tmp_path.name}/renamed", Class="horse 2")
        viewer.page.get_by_text("18 samples with the same id have another label on the right.").wait_for()


def test_maps_of_every_open_run_stand_beside_each_other(open_viewer: Callable, server: Server, runs) -> None:
    viewer = open_viewer(server)
    viewer.open_class("horse")
    left, _ = chosen_cell(runs, 0, 0)
    viewer.tile(left[0]).click()
    viewer.page.get_by_role("button", name="Methods").click()
    figures = [
        viewer.page.get_by_role("figure", name=f"heatmap of {name}") for name in ("EpsilonPlusFlat", "EpsilonGammaBox")
    ]
    own = [viewer.pixels(figure.locator("canvas")) for figure in figures]
    viewer.screenshot("methods-light-1280")
    viewer.page.get_by_label("One scale for all heatmaps").check()
    viewer.until("location.hash.includes('methods=shared')")
    weaker = figures[0].locator("canvas")
    viewer.until_equal(lambda: np.array_equal(own[0], viewer.pixels(weaker)), False)
    shared = [viewer.pixels(figure.locator("canvas")) for figure in figures]
    assert not np.array_equal(own[0], shared[0])  # the weaker map becomes paler
    assert np.array_equal(own[1], shared[1])
    scales = [figure.inner_text().split("\n")[0] for figure in figures]
    assert scales[0] == scales[1]
    viewer.page.reload()
    viewer.wait_for_view("class")
    assert viewer.page.get_by_label("One scale for all heatmaps").is_checked()


def test_no_map_of_another_sample_stands_beside_an_input(open_viewer: Callable, server: Server, runs) -> None:
    viewer = open_viewer(server, tolerated=("404",))
    page, held = viewer.page, []
    page.route("**/correspondence*", lambda route: held.append(route))
    viewer.open_class("horse")
    first, second = chosen_cell(runs, 0, 0)[0][:2]
    viewer.tile(first).click()
    page.get_by_role("button", name="Methods").click()
    answered(viewer, held, status=404, json={"error": {"message": "not now"}})
    own, unknown, other = (
        page.get_by_role("figure", name=f"heatmap of {name}")
        for name in ("EpsilonPlusFlat", "composites/gamma", "EpsilonGammaBox")
    )
    unknown.get_by_text("cannot be read").wait_for()
    before = viewer.pixels(own.locator("canvas"))
    viewer.tile(second).click()
    unknown.get_by_text("…").wait_for()  # what the other run has of it is still on its way
    shown = viewer.pixels(own.locator("canvas"))
    assert not np.array_equal(shown, before)
    assert np.array_equal(shown, colorize(runs[0].relevance[second], "bwr"))
    answered(viewer, held)
    partner = runs[1].ids.index(runs[0].ids[second])
    other.locator("canvas").wait_for()
    assert np.array_equal(viewer.pixels(other.locator("canvas")), colorize(runs[1].relevance[partner], "bwr"))


def answered(viewer, held: list, **answer: object) -> None:
    """Let go what was held back, with this answer or the server's own."""
    while not held:
        viewer.page.wait_for_timeout(20)
    route = held.pop()
    route.fulfill(**answer) if answer else route.continue_()


def test_the_overview_shows_the_separability_of_another_run_beside(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    page = viewer.page
    assert page.get_by_role("columnheader", name="Compared").count() == 0
    page.get_by_label("Compare with").select_option("composites/gamma · spray")
    page.get_by_role("columnheader", name="Compared").get_by_role("button").click()
    viewer.until("location.hash.includes('with=gamma%2Fspray') && location.hash.includes('classOrder=-beside')")
    assert viewer.classes() == ["horse", "dog <b>&amp;", "cat"]
    viewer.screenshot("overview-beside-light-1280")
    page.reload()
    viewer.wait_for_view("overview")
    page.get_by_role("link", name=re.compile("compare horse with .*gamma")).click()
    viewer.wait_for_view("compare")
    page.go_back()
    viewer.wait_for_view("overview")
    page.get_by_label("Compare with").select_option("none")
    viewer.until("!location.hash.includes('with=')")
    assert page.get_by_role("columnheader", name="Compared").count() == 0


def test_the_scatters_have_one_height_and_no_tool_moves_their_points(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server, width=1280, height=720)
    viewer.open_class("horse")
    alone = scatters(viewer)
    viewer.page.keyboard.press("l")
    viewer.page.get_by_role("button", name="Subtract").wait_for()
    assert scatters(viewer) == alone
    compare(viewer)
    viewer.page.locator("[data-side=right]").get_by_label("Color", exact=True).select_option("confidence")
    viewer.page.get_by_role("region", name="Colors: confidence").wait_for()
    left, right = scatters(viewer)
    assert (left["y"], left["height"]) == (right["y"], right["height"])
    viewer.page.keyboard.press("v")
    viewer.page.get_by_role("button", name="Subtract").first.wait_for(state="detached")
    assert scatters(viewer) == [left, right]
    ends = viewer.page.locator("main button, main select").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().right > innerWidth).length"
    )
    assert ends == 0


def scatters(viewer) -> list[dict]:
    return [canvas.bounding_box() for canvas in viewer.page.locator("canvas[role=application]").all()]


@pytest.mark.parametrize(
    ("width", "height", "theme"), [(1280, 720, "dark"), (1600, 1000, "light"), (640, 720, "light")]
)
def test_it_fits_every_size(open_viewer: Callable, server: Server, width: int, height: int, theme: str) -> None:
    viewer = open_viewer(server, width=width, height=height, theme=theme)
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name="Compare").first.click()
    viewer.page.get_by_role("dialog").get_by_label("Clustering", exact=True).wait_for()
    viewer.screenshot(f"compare-chooser-{theme}-{width}")
    viewer.page.get_by_role("dialog").get_by_role("button", name="Compare", exact=True).click()
    viewer.wait_for_view("compare")
    cell(viewer, "cluster 0 on the left and cluster 0 on the right").click()
    viewer.page.locator("[role=option]").first.click()
    viewer.screenshot(f"compare-{theme}-{width}")
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [part.bounding_box() for part in viewer.page.locator("main > section, main > div").all()]
    assert all(box["width"] > 250 and box["height"] > 100 for box in boxes)
    for one in boxes:  # nothing lies over anything else
        apart = [
            one is two
            or one["x"] + one["width"] <= two["x"] + 1
            or two["x"] + two["width"] <= one["x"] + 1
            or one["y"] + one["height"] <= two["y"] + 1
            or two["y"] + two["height"] <= one["y"] + 1
            for two in boxes
        ]
        assert all(apart)
