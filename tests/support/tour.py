"""The tour of docs/tour.md as a person walks it, one step a picture: `python tests/support/tour.py RUN FOLDER`."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whyset.viewer import Server

SIZE = {"width": 1280, "height": 800}


def walk(viewer: Any) -> Iterator[str]:
    """Do the tour on a page that shows the demo's run; each step ends with the name of its picture."""
    page = viewer.page
    yield "overview"
    page.get_by_role("link", name="Open cluster").click()
    viewer.wait_for_view("class")
    viewer.until("window.__viewer.drawnFrames() > 0")
    page.get_by_role("listbox", name="Samples").get_by_role("option").first.click()
    yield "class"
    page.get_by_label("Color", exact=True).select_option("confidence")
    page.keyboard.press("Escape")
    page.get_by_label("confidence to").fill("0.99")
    page.get_by_label("confidence to").press("Enter")
    yield "filter"
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Color", exact=True).select_option("cluster")
    page.get_by_role("button", name=re.compile("^Compare")).first.click()
    page.get_by_role("dialog").get_by_label("Clustering", exact=True).select_option("hdbscan")
    page.get_by_role("dialog").get_by_role("button", name="Compare", exact=True).click()
    viewer.wait_for_view("compare")
    page.get_by_role("table").get_by_role("button").first.click()
    yield "compare"
    page.get_by_role("button", name=re.compile("^End")).click()
    viewer.wait_for_view("class")
    page.keyboard.press("1")
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("white square")
    dialog.get_by_label("Tags").fill("clever hans")
    dialog.get_by_label("Note").fill("The relevance lies on the square in the corner, not on the digit.")
    yield "keep"
    dialog.get_by_role("button", name="Save", exact=True).click()
    dialog.wait_for(state="detached")


def main(run: Path, folder: Path) -> None:
    """Write the pictures of the tour, as docs/tour.md shows them."""
    found = importlib.util.spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
    support = importlib.util.module_from_spec(found)
    found.loader.exec_module(support)
    with Server([run]) as server, support.chromium_browser(Path(shutil.which("chromium"))) as browser:
        viewer = support.ViewerPage(browser, server.url, theme="light", script=None, **SIZE)
        for step in walk(viewer):
            viewer.until("[...document.querySelectorAll('[data-explains]')].every((part) => part.textContent.trim())")
            viewer.screenshot(f"tour-{step}")
            shutil.copy(support.SCREENSHOTS / f"tour-{step}.png", folder / f"tour-{step}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
