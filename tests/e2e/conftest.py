"""Pages of the viewer that are checked for errors when their test ends."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from whyset.viewer import Server


@pytest.fixture
def open_viewer(browser, support: ModuleType) -> Iterator[Callable]:
    """Opens the viewer over the runs of a server: `open_viewer(server, width=1280, height=720, theme="light")`.

    When the test ends, no page may have had a console error or asked another server for anything, except for the
    texts that the test put into `tolerated`.
    """
    pages = []

    def open_page(server: Server, *, width=1280, height=720, theme="light", script=None, tolerated=(), view="overview"):
        viewer = support.ViewerPage(
            browser, server.url, width=width, height=height, theme=theme, script=script, view=view
        )
        pages.append((viewer, tolerated))
        return viewer

    yield open_page
    problems = [
        problem
        for viewer, tolerated in pages
        for problem in viewer.problems
        if not any(text in problem for text in tolerated)
    ]
    for viewer, _ in pages:
        viewer.page.context.close()
    assert problems == []
