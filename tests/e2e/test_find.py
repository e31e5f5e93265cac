"""Finding samples: by id, label or text, from the overview and within a class, with the keyboard alone."""

import re

import pytest
from playwright.sync_api import Locator

from whyset.store import Run

pytestmark = pytest.mark.browser


def find(viewer, text: str) -> Locator:
    """Type into the dialog, opened by its key, and give the options once they are the answer."""
    if viewer.page.locator("dialog[open]").count() == 0:
        viewer.page.keyboard.press("/")
    viewer.page.get_by_role("combobox", name="Id, number, label or text of a sample").fill(text)
    told = viewer.page.locator("dialog").get_by_role("status")
    told.get_by_text(re.compile("found|No sample")).wait_for()
    return viewer.page.get_by_role("listbox", name="Samples found").get_by_role("option")


def test_a_sample_is_found_by_its_id_and_opened_in_its_class(viewer, run: Run) -> None:
    options = find(viewer, run.ids[14])
    assert options.count() == 1
    words = options.first.inner_text()
    assert [part in words for part in (run.ids[14], "true horse", "predicted horse", "in horse")] == [True] * 4
    viewer.pixels(options.first.locator("canvas"))
    viewer.screenshot("find-light-1280")
    viewer.page.keyboard.press("Enter")
    viewer.wait_for_view("class")
    assert viewer.page.get_by_role("heading", name="Class horse").count() == 1
    assert viewer.tile(14).get_attribute("aria-selected") == "true"
    viewer.page.get_by_role("region", name="Detail").get_by_text(run.ids[14]).wait_for()
    viewer.page.go_back()
    viewer.wait_for_view("overview")
    viewer.page.go_forward()
    viewer.wait_for_view("class")
    assert viewer.tile(14).get_attribute("aria-selected") == "true"


def test_arrows_move_among_the_results_and_escape_closes(viewer) -> None:
    options = find(viewer, "horse")
    field = viewer.page.get_by_role("combobox", name="Id, number, label or text of a sample")

    def chosen() -> int:
        return options.evaluate_all("all => all.findIndex(one => one.ariaSelected === 'true')")

    assert (options.count(), chosen()) == (20, 0)
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        viewer.page.keyboard.press(key)
    assert chosen() == 1
    assert field.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    viewer.page.keyboard.press("Escape")
    assert viewer.page.locator("dialog[open]").count() == 0
    assert viewer.hook("view()") == "overview"


def test_within_a_class_a_sample_is_ringed_and_revealed_and_the_history_stays(viewer, run: Run) -> None:
    viewer.open_class("horse")
    viewer.page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
    for _ in range(9):
        viewer.page.keyboard.press("+")
    steps = viewer.page.evaluate("history.length")
    find(viewer, run.ids[56])
    viewer.page.keyboard.press("Enter")
    viewer.until("document.querySelector('circle.current') !== null")
    box = viewer.page.locator("canvas[role=application]").bounding_box()
    place = viewer.positions([56])[0]
    assert box["x"] <= place[0] <= box["x"] + box["width"]
    assert box["y"] <= place[1] <= box["y"] + box["height"]
    assert viewer.tile(56).get_attribute("aria-selected") == "true"
    assert viewer.tile(56).is_visible()
    assert viewer.page.evaluate("history.length") == steps
    viewer.page.keyboard.press("Control+z")
    assert len(viewer.selected()) > 0


def test_all_that_is_found_in_the_class_is_selected_at_once(viewer, run: Run, sample_run) -> None:
    viewer.open_class("horse")
    find(viewer, "horse/11")
    expected = [index for index in range(60) if "horse/11" in run.ids[index] and index != sample_run.FAILED]
    viewer.page.get_by_role("button", name=f"Select all {len(expected)} samples in horse").click()
    assert viewer.selected() == expected
    assert viewer.told().startswith(f"{len(expected)} of 18")


def test_nothing_too_much_and_what_lies_in_no_class_are_told(viewer, run: Run) -> None:
    find(viewer, "<img src=y>")
    viewer.page.get_by_text("No sample has “<img src=y>” in its id, label or texts.").wait_for()
    assert viewer.page.get_by_role("listbox", name="Samples found").count() == 0
    find(viewer, ".png")
    viewer.page.get_by_text("60 samples found, of which 50 are listed: type more to narrow it down.").wait_for()
    failed = find(viewer, run.ids[23])
    assert "in no class of this analysis" in failed.first.inner_text()
    viewer.page.keyboard.press("Enter")
    assert viewer.page.locator("dialog[open]").count() == 1


def test_the_key_is_off_with_the_other_letters_and_while_typing(viewer) -> None:
    viewer.open_class("horse")
    viewer.page.keyboard.press("?")
    viewer.page.get_by_text("find a sample by id, label or text").wait_for()
    viewer.page.get_by_label("Enable letter and digit keys").uncheck()
    viewer.page.keyboard.press("Escape")
    viewer.page.keyboard.press("/")
    assert viewer.page.locator("dialog[open]").count() == 0
    viewer.page.get_by_role("button", name="Find").click()
    viewer.page.get_by_role("combobox", name="Id, number").press_sequentially("l/?")
    assert viewer.page.get_by_role("combobox", name="Id, number").input_value() == "l/?"
    assert viewer.page.get_by_role("button", name="Lasso", exact=True).get_attribute("aria-pressed") == "false"
