"""docs/tour.md is true: its steps lead to what it says, and it shows a picture of each."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from whyset.store import open_run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def server(demo, tmp_path: Path) -> Iterator[Server]:
    with Server([demo.folder / "run"], selections=tmp_path) as server:
        yield server


def test_the_tour_ends_with_the_planted_images_kept_under_a_name(
    demo, server: Server, tmp_path: Path, open_viewer: Callable, tour
) -> None:
    run = open_run(demo.folder / "run")
    planted = np.flatnonzero(np.isin(run.ids, json.loads((demo.folder / "planted.json").read_text()))).tolist()
    viewer = open_viewer(server, **tour.SIZE)
    walked = []
    for step in tour.walk(viewer):
        viewer.screenshot(f"tour-{step}")
        walked.append(step)
        if step == "class":
            assert viewer.selected() == planted
        if step == "filter":
            unsure = np.flatnonzero((run.labels == 8) & (run.column("confidence") <= 0.99))
            assert viewer.page.get_by_text(f"{len(unsure)} of 124 shown").first.is_visible()
            assert np.isin(unsure, planted).mean() < 0.1
        if step == "compare":
            assert viewer.selected() == sorted(viewer.hook("otherSelectedIndices()"))
    (file,) = (tmp_path / "run").glob("*.json")
    kept = json.loads(file.read_text())
    assert (kept["name"], kept["tags"], sorted(kept["rows"])) == ("white square", ["clever hans"], planted)
    shown = re.findall(r"\(images/tour-(\w+)\.png\)", (DOCS / "tour.md").read_text())
    assert shown == walked
    assert all((DOCS / f"images/tour-{step}.png").exists() for step in walked)
