"""The viewer in a notebook: real widgets in Python, the built module in a real Chromium, messages in between."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from whyset.store import Run
from whyset.store.selections import Selections

pytest.importorskip("anywidget")
pytestmark = pytest.mark.browser
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def notebooks() -> Iterator[SimpleNamespace]:
    """`tests/support/notebook.py`, through which widgets speak."""
    module = SimpleNamespace(**runpy.run_path(str(SUPPORT / "notebook.py"), run_name="notebook"))
    with pytest.MonkeyPatch.context() as patch:
        module.install(patch)
        yield module


@pytest.fixture(scope="module")
def page(notebooks: SimpleNamespace, browser: Any) -> Iterator[Any]:
    """A light notebook page; nothing may go wrong on it."""
    notebook = notebooks.Notebook(browser)
    yield notebook
    notebook.page.context.close()
    assert notebook.problems == []


@pytest.fixture
def shown(page: Any, run: Run) -> Iterator[Callable[..., tuple[Any, str]]]:
    """Shows a widget of the run in a cell of its own, with a class open, and takes it away in the end."""
    from whyset.viewer.embed.widget import widget

    cells = []

    def show(**settings: Any) -> tuple[Any, str]:
        made = widget(run, **{"category": "horse", "height": 480, **settings})
        cell = page.show(made)
        cells.append(cell)
        page.until_view(cell, "class" if made.category else "overview")
        return made, cell

    yield show
    for cell in cells:
        page.page.evaluate("id => window.close_(id)", cell)


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds in Python; messages of the page arrive while it waits."""
    for _ in range(1000):
        if condition():
            return
        page.page.wait_for_timeout(20)
    raise AssertionError("the page never told it")


def said(widget: Any, *names: str) -> list[tuple[str, Any]]:
    """Gathers what observers of these traits are told."""
    told: list[tuple[str, Any]] = []
    widget.observe(lambda change: told.append((change["name"], np.asarray(change["new"]).tolist())), list(names))
    return told


def test_what_python_selects_is_selected_in_the_page(page: Any, shown: Callable) -> None:
    made, cell = shown(selection=[8, 2])
    assert page.hook(cell, "selectedIndices()") == [2, 8]
    told = said(made, "selection")
    made.selection = [5, 11, 0]  # 0 is a cat: it stays selected, but not in this class
    page.carry(made)
    page.until(f"document.querySelector('#{cell} > div').__viewer.selectedIndices().length === 2 /* 5, 11 */")
    assert page.hook(cell, "selectedIndices()") == [5, 11]
    assert told == [("selection", [0, 5, 11])]
    assert made.selected["id"].to_pylist() == made.run.samples["id"].take([0, 5, 11]).to_pylist()


def test_what_a_person_selects_reaches_python_once(page: Any, shown: Callable, run: Run) -> None:
    made, cell = shown()
    told = said(made, "selection")
    page.page.locator(f"#{cell}").get_by_role("button", name="cluster 1", exact=False).first.click()
    page.page.locator(f"#{cell} canvas[role=application]").click(position={"x": 5, "y": 5})
    page.page.keyboard.press("1")
    category = run.analysis("spray").category("horse")
    members = category.column("index")[category.column("clustering.kmeans") == 1].tolist()
    page.until(f"document.querySelector('#{cell} > div').__viewer.selectedIndices().length === {len(members)}")
    until(page, lambda: bool(told) and told[-1] == ("selection", members))
    assert [each for each in told if each == told[-1]] == told[-1:]
    assert made.selection.tolist() == members


def test_class_and_sample_go_both_ways(page: Any, shown: Callable) -> None:
    made, cell = shown(category=None)
    page.page.locator(f"#{cell}").get_by_role("link", name="horse", exact=True).click()
    page.until_view(cell, "class")
    page.page.locator(f"#{cell} [role=option]").first.click()
    until(page, lambda: (made.category, made.sample) == ("horse", 2))
    told = said(made, "category", "sample")
    made.category = "cat"
    page.carry(made)
    page.until_view(cell, "class")
    assert told == [("category", "cat")] or told == [("category", "cat"), ("sample", None)]
    made.sample = 3
    page.carry(made)
    page.page.locator(f"#{cell} [role=option][data-index='3'][aria-selected=true]").wait_for()


def test_two_widgets_and_the_page_stay_apart(page: Any, shown: Callable) -> None:
    looks = "JSON.stringify([getComputedStyle(document.querySelector('#prose')).font, document.title, location.hash])"
    before = page.page.evaluate(looks)
    _, one = shown()
    other, two = shown(category="cat")
    page.page.locator(f"#{one} canvas[role=application]").click(position={"x": 5, "y": 5})
    page.page.keyboard.press("l")
    lasso = "button:text-is('Lasso')"
    assert page.page.locator(f"#{one} {lasso}").get_attribute("aria-pressed") == "true"
    assert page.page.locator(f"#{two} {lasso}").get_attribute("aria-pressed") == "false"
    assert "l" not in page.page.evaluate("window.keys")
    page.page.locator("#cell").press_sequentially("1")
    assert page.hook(one, "selectedIndices()") == page.hook(two, "selectedIndices()") == []
    assert page.page.evaluate("window.keys")[-1] == "1"
    assert (page.page.evaluate(looks), other.category) == (before, "cat")
    assert page.page.evaluate("Object.keys(document.documentElement.dataset).length") == 0
    buttons = page.page.locator(f"#{one} header button").first
    assert buttons.evaluate("button => getComputedStyle(button).fontStyle") == "normal"


def test_a_selection_can_be_kept_and_refusals_are_told_in_the_servers_words(
    page: Any, shown: Callable, run: Run
) -> None:
    _, cell = shown(selection=[2, 8])
    inside = page.page.locator(f"#{cell}")
    inside.get_by_role("button", name="Save …").click()
    inside.get_by_label("Name", exact=True).fill("corners")
    inside.get_by_role("button", name="Save", exact=True).click()
    inside.get_by_role("button", name="corners", exact=False).first.wait_for()
    assert [each.rows for each in Selections(run.path / "selections", len(run)).all()] == [(2, 8)]
    answer = page.widgets[cell]._viewer.ask("runs/sample/maps?indices=23")
    assert (answer.status, b"failed and has no explanation" in answer.body) == (409, True)


def test_a_widget_is_as_dark_as_its_notebook_and_as_high_as_asked(
    notebooks: SimpleNamespace, browser: Any, run: Run, page: Any, shown: Callable
) -> None:
    from whyset.viewer.embed.widget import widget

    made, light = shown()
    made.height = 333
    page.carry(made)
    theme = "document.querySelector('#{} > div').shadowRoot.querySelector('.whyset').dataset.theme"
    assert page.page.evaluate(theme.format(light)) == "light"
    assert page.page.locator(f"#{light} > div").bounding_box()["height"] == 333
    dark = notebooks.Notebook(browser, dark=True)
    try:
        cell = dark.show(widget(run))
        dark.until_view(cell, "overview")
        assert dark.page.evaluate(theme.format(cell)) == "dark"
        assert dark.problems == []
    finally:
        dark.page.context.close()
