"""What a person does with a finding: select, keep with tags and a note, export, and pass on a link."""

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from whyset.store import Run
from whyset.store.selections import Selection, Selections
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def run(sample_run, tmp_path: Path) -> Run:
    return sample_run.make_sample_run(tmp_path / "sample")


@pytest.fixture
def server(run: Run) -> Iterator[Server]:
    with Server([run.path]) as server:
        yield server


@pytest.fixture
def members(run: Run) -> np.ndarray:
    """Sample indices of the class "horse"."""
    return np.asarray(run.analysis("spray").category("horse").column("index"))


@pytest.fixture
def kept(run: Run) -> Selections:
    return Selections(run.path / "selections", len(run))


def test_a_rectangle_selects_exactly_the_points_inside(horse, members: np.ndarray) -> None:
    points = horse.positions(members)
    low, high = np.quantile(points, 0.3, axis=0) - 0.5, np.quantile(points, 0.9, axis=0) + 0.5
    expected = members[((points > low) & (points < high)).all(axis=1)]
    assert 0 < len(expected) < len(members)
    horse.page.keyboard.press("r")
    horse.page.mouse.move(*low)
    horse.page.mouse.down()
    horse.page.mouse.move(*high, steps=5)
    horse.page.mouse.up()
    assert horse.selected() == sorted(expected.tolist())


def test_a_selection_is_kept_with_tags_and_a_note_and_found_again(
    horse, kept: Selections, open_viewer: Callable, server: Server
) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    chosen = horse.selected()
    horse.page.keyboard.press("t")
    horse.page.get_by_label("Name", exact=True).fill("corner <b>mark</b>")
    horse.page.get_by_label("Tags, separated by commas").fill("clever hans, to check")
    horse.page.get_by_label("Note").fill("all by one photographer")
    horse.screenshot("keep-selection-light-1280")
    horse.page.get_by_role("button", name="Save", exact=True).click()
    entry = horse.page.get_by_role("button", name="corner <b>mark</b>", exact=False).first
    entry.wait_for()
    (stored,) = kept.all()
    assert (list(stored.rows), stored.tags) == (chosen, ("clever hans", "to check"))
    assert (stored.note, stored.analysis, stored.category) == ("all by one photographer", "spray", "00002")
    horse.screenshot("selections-light-1280")
    other = open_viewer(server, theme="dark", width=1600, height=1000)
    other.open_class("horse")
    other.page.get_by_role("button", name="corner <b>mark</b>").first.click()
    assert other.selected() == chosen
    other.screenshot("selections-dark-1600")


def test_an_open_dialog_has_the_keys_for_itself_and_gives_the_focus_back(horse) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    opener = horse.page.get_by_role("button", name="Save …")
    opener.click()
    before = horse.page.get_by_label("Color map (C)").input_value()
    cancel = horse.page.get_by_role("button", name="Cancel")
    cancel.focus()
    for key in ("c", "?"):
        horse.page.keyboard.press(key)
    assert horse.page.locator("dialog[open]").count() == 1
    assert horse.page.get_by_label("Color map (C)").input_value() == before
    cancel.click()
    horse.until("!document.querySelector('dialog[open]')")
    assert opener.evaluate("button => button === document.activeElement")


def test_whoever_loses_a_race_is_told_and_sees_what_the_other_wrote(
    open_viewer: Callable, server: Server, kept: Selections
) -> None:
    mine = kept.add(Selection(name="mark", rows=(2, 5)))
    viewer = open_viewer(server, tolerated=("412",))
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name="Edit mark").click()
    kept.change(Selection(name="theirs", rows=(2, 5), id=mine.id, revision=1))
    viewer.page.get_by_label("Name", exact=True).fill("mine")
    viewer.page.get_by_role("button", name="Save", exact=True).click()
    viewer.page.get_by_role("alert").get_by_text("was changed by another user").wait_for()
    viewer.screenshot("lost-race-light-1280")
    their = viewer.page.get_by_role("region", name="Their version")
    assert "theirs" in their.inner_text()
    viewer.page.get_by_role("button", name="Keep both").click()
    viewer.page.get_by_role("button", name="Edit mine").wait_for()
    assert sorted(selection.name for selection in kept.all()) == ["mine", "theirs"]


def test_a_lost_race_can_be_won_knowingly_and_a_deleted_selection_be_kept_as_new(
    open_viewer: Callable, server: Server, kept: Selections
) -> None:
    mine = kept.add(Selection(name="mark", rows=(2, 5)))
    viewer = open_viewer(server, tolerated=("412",))
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name="Edit mark").click()
    kept.change(Selection(name="theirs", rows=(2, 5), id=mine.id, revision=1))
    viewer.page.get_by_label("Name", exact=True).fill("mine")
    viewer.page.get_by_role("button", name="Save", exact=True).click()
    viewer.page.get_by_role("button", name="Overwrite theirs").click()
    viewer.page.get_by_role("button", name="Edit mine").wait_for()
    assert [(selection.name, selection.revision) for selection in kept.all()] == [("mine", 3)]
    viewer.page.get_by_role("button", name="Edit mine").click()
    kept.delete(mine.id, 3)
    viewer.page.get_by_role("button", name="Save", exact=True).click()
    viewer.page.get_by_role("button", name="Save as new").click()
    viewer.until("!document.querySelector('dialog[open]')")
    assert [selection.name for selection in kept.all()] == ["mine"]


def test_selections_are_found_among_many_by_tag_and_note_and_their_folder_is_named(
    open_viewer: Callable, run: Run, tmp_path: Path
) -> None:
    elsewhere = Selections(tmp_path / "notes" / run.path.name, len(run))
    for number in range(7):
        note = "by one photographer" if number == 3 else ""
        elsewhere.add(Selection(name=f"selection {number}", rows=(2,), tags=("odd",) if number % 2 else (), note=note))
    with Server([run.path], selections=tmp_path / "notes") as server:
        viewer = open_viewer(server)
        viewer.open_class("horse")
        region = viewer.page.get_by_role("region", name="Selections")
        region.get_by_text(str(tmp_path / "notes")).wait_for()
        names = region.get_by_role("button", name=re.compile("^selection "))
        assert names.count() == 7
        region.get_by_role("button", name="odd").first.click()
        assert names.count() == 3
        region.get_by_label("Filter selections by name, tag or note").fill("photo")
        assert names.count() == 1
        region.get_by_text("Note", exact=True).click()
        region.get_by_text("by one photographer").wait_for()


def test_a_selection_is_deleted_only_after_a_question(open_viewer: Callable, server: Server, kept: Selections) -> None:
    kept.add(Selection(name="mark", rows=(2, 5)))
    viewer = open_viewer(server)
    viewer.open_class("horse")
    viewer.page.once("dialog", lambda dialog: dialog.dismiss())
    viewer.page.get_by_role("button", name="Delete mark").click()
    assert len(kept.all()) == 1
    viewer.page.once("dialog", lambda dialog: dialog.accept())
    viewer.page.get_by_role("button", name="Delete mark").click()
    viewer.page.get_by_role("button", name="Delete mark").wait_for(state="detached")
    assert kept.all() == []


def test_the_listed_samples_are_exported_in_their_order(horse, run: Run) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
    horse.page.get_by_label("Order of the samples").select_option("least confident")
    wanted = sorted(horse.selected(), key=lambda row: run.column("confidence")[row])
    horse.page.locator(f"[role=option][data-index='{wanted[0]}'][aria-posinset='1']").wait_for()
    with horse.page.expect_download() as saved:
        horse.page.get_by_label("Export").select_option("Parquet")
    table = parquet.read_table(io.BytesIO(Path(saved.value.path()).read_bytes()))
    assert table["index"].to_pylist() == wanted
    assert saved.value.suggested_filename == f"sample-00002-{len(wanted)}-samples.parquet"


def test_a_link_restores_exactly_what_was_seen(
    horse, open_viewer: Callable, server: Server, members: np.ndarray
) -> None:
    horse.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    horse.page.get_by_label("Embedding", exact=True).select_option("spectral")
    horse.page.get_by_label("Axes", exact=True).select_option("3")
    horse.page.get_by_label("Color", exact=True).select_option("confidence")
    horse.page.get_by_label("Order of the samples").select_option("least confident")
    horse.page.get_by_label("Color map (C)").select_option("coolio")
    horse.page.get_by_role("button", name="heatmap", exact=True).click()
    horse.tile(horse.selected()[2]).click()
    for _ in range(3):
        horse.page.keyboard.press("+")
    parts = "['embedding=spectral', 'axes=3', 'color=confidence', 'camera=', 'selected=', 'coolio', 'pictures=map']"
    horse.until(f"{parts}.every(part => location.hash.includes(part)) && location.hash.includes('sample=')")
    address = horse.until_written()
    other = open_viewer(server)
    other.page.evaluate(f"location.hash = {address!r}")
    other.wait_for_view("class")
    other.until_equal(other.until_written, address)
    assert other.selected() == horse.selected()
    other.until_equal(lambda: np.allclose(other.positions(members), horse.positions(members), atol=0.5), True)
    for label in ("Axes", "Color", "Color map (C)", "Order of the samples"):
        one, two = (viewer.page.get_by_label(label, exact=True).input_value() for viewer in (horse, other))
        assert one == two
    assert other.page.get_by_role("button", name="heatmap", exact=True).get_attribute("aria-pressed") == "true"


def test_a_link_to_the_class_that_is_open_restores_what_it_leaves_out_too(horse, members: np.ndarray) -> None:
    horse.page.get_by_label("Embedding", exact=True).select_option("spectral")
    horse.until("location.hash.includes('embedding=spectral')")
    places = horse.positions(members)
    horse.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    horse.page.get_by_label("Axes", exact=True).select_option("3")
    horse.page.get_by_label("Color", exact=True).select_option("confidence")
    horse.page.get_by_label("Order of the samples").select_option("least confident")
    horse.until("['selected=', 'axes=', 'color=', 'order='].every((part) => location.hash.includes(part))")
    horse.page.keyboard.press("+")
    horse.until("location.hash.includes('camera=')")
    horse.page.evaluate("location.hash = '#/sample/spray/00002?embedding=spectral'")
    horse.until("location.hash.includes('clustering=') && !location.hash.includes('selected=')")
    horse.until_written()
    assert horse.selected() == []
    assert horse.page.get_by_label("Color", exact=True).input_value() == "cluster"
    assert horse.page.get_by_label("Order of the samples").input_value() == "as in the run"
    assert np.allclose(horse.positions(members), places, atol=0.5)


def test_a_run_that_cannot_be_written_to_says_how_to_keep_selections(
    open_viewer: Callable, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("a file where a folder should be")
    with Server([run.path], selections=tmp_path / "notes") as server:
        viewer = open_viewer(server, tolerated=("409",))
        viewer.open_class("horse")
        viewer.page.get_by_role("button", name=re.compile("^Cluster 0 ")).click()
        viewer.page.keyboard.press("t")
        viewer.page.get_by_label("Name", exact=True).fill("mark")
        viewer.page.get_by_role("button", name="Save", exact=True).click()
        viewer.page.get_by_role("alert").wait_for()
