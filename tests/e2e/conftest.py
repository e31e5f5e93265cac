"""Pages of the viewer that are checked for errors when their test ends."""

from collections.abc import Callable, Iterator
from types import ModuleType

import numpy as np
import pytest

from whyset.store import Run
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


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample run; a module that needs another one has a fixture of its own, which the others then take."""
    return sample_run.make_sample_run(tmp_path_factory.mktemp("runs") / "sample")


@pytest.fixture(scope="module")
def server(run: Run) -> Iterator[Server]:
    """A server over the run."""
    with Server([run.path]) as server:
        yield server


@pytest.fixture
def viewer(open_viewer: Callable, server: Server):
    """The viewer with its overview."""
    return open_viewer(server)


@pytest.fixture
def horse(viewer):
    """The viewer with the class "horse" open."""
    viewer.open_class("horse")
    return viewer


@pytest.fixture(scope="module")
def members(run: Run) -> np.ndarray:
    """Sample indices of the class "horse"."""
    return np.asarray(run.analysis("spray").category("horse").column("index"))
