"""Two classes side by side: another run, another clustering, another class; what is selected on one side is on the other."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs(sample_run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The same samples explained by two composites, in another order."""
    folder = tmp_path_factory.mktemp("runs")
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
    dialog.get_by_label("Clustering").wait_for()
    for label, choice in choices.items():
        dialog.get_by_label(label).select_option(label=choice)
    dialog.get_by_role("button", name="Compare", exact=True).click()
    viewer.wait_for_view("compare")


def test_look(compared, open_viewer, server) -> None:
    compared.page.wait_for_timeout(500)
    compared.screenshot("compare-light-1280")
    print(compared.page.url)
