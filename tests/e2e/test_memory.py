"""What a page holds after a long time of use."""

from collections.abc import Callable

import pytest

from whyset.viewer import Server

pytestmark = pytest.mark.browser

CHANGES = 5
MOST = 5
"""Elements that each change of the class may leave behind: one forgotten card or tile has more."""


def elements(viewer) -> int:
    """DOM nodes that are alive in the overview, those outside the document too, once all garbage is collected."""
    viewer.page.evaluate("location.hash = '#/'")
    viewer.wait_for_view("overview")
    viewer.until_written()  # until then the class is still held
    devtools = viewer.page.context.new_cdp_session(viewer.page)
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    counted = devtools.send("Memory.getDOMCounters")
    devtools.detach()
    return int(counted["nodes"])


def work(viewer, category: str) -> None:
    """Open a class, another class and a comparison of both, and do there what makes and ends elements."""
    page = viewer.page
    other = "00000" if category == "00002" else "00002"
    page.evaluate(f"location.hash = '#/sample/spray/{category}'")
    viewer.until(f"window.__viewer.view() === 'class' && location.hash.includes('{category}?')")
    page.locator("[role=option]").first.click()
    box = page.locator("canvas[role=application]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.keyboard.press("0")
    page.keyboard.press("t")
    page.keyboard.press("Escape")
    page.evaluate(f"location.hash = '#/sample/spray/{category}?with=sample%2Fspray%2F{other}'")
    viewer.wait_for_view("compare")


def test_changes_of_the_class_leave_no_elements_behind(open_viewer: Callable, server: Server) -> None:
    viewer = open_viewer(server)
    for category in ("00002", "00000"):
        work(viewer, category)
    before = elements(viewer)
    for number in range(CHANGES):
        work(viewer, ("00002", "00000")[number % 2])
    assert elements(viewer) - before < CHANGES * MOST
