"""One Chromium for all end-to-end tests, and pages that are checked for errors when their test ends."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from whyset.viewer import Server

SUPPORT = Path(__file__).parents[1] / "support"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SUPPORT / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def support() -> ModuleType:
    """`tests/support/browser.py`."""
    return _load("browser")


@pytest.fixture(scope="session")
def sample_run() -> ModuleType:
    """`tests/support/sample_run.py`."""
    return _load("sample_run")


@pytest.fixture(scope="session")
def browser(chromium: Path, support: ModuleType) -> Iterator:
    with support.chromium_browser(chromium) as browser:
        yield browser


@pytest.fixture
def open_viewer(browser, support: ModuleType) -> Iterator[Callable]:
    """Opens the viewer over the runs of a server: `open_viewer(server, width=1280, height=720, theme="light")`.

    When the test ends, no page may have had a console error or asked another server for anything, except for the
    texts that the test put into `tolerated`.
    """
    pages = []

    def open_page(server: Server, *, width=1280, height=720, theme="light", script=None, tolerated=()):
        viewer = support.ViewerPage(browser, server.url, width=width, height=height, theme=theme, script=script)
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
