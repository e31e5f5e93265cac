"""A run that grows while its page is open: the page says so and offers to reload; what was seen stays."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from whyset.analysis import Spray
from whyset.viewer import Server

pytestmark = pytest.mark.browser

HASTY = """
window.__periods = [];
const later = window.setInterval;
window.setInterval = (call, wait) => (window.__periods.push(wait), later(call, Math.min(wait, 100)));
"""
"""The page looks after a run every ten seconds or more; tests do not wait that long, but note how long it would."""

ASKED = "performance.getEntriesByType('resource').filter(({name}) => name.includes('/progress')).length"


def test_the_page_offers_to_reload_a_run_that_has_grown(open_viewer: Callable, sample_run, tmp_path: Path) -> None:
    path = tmp_path / "run"
    sample_run.make_sample_run(path, shards=(0,), analyses=())
    with Server([path]) as server:
        viewer = open_viewer(server, script=HASTY)
        page = viewer.page
        page.get_by_text("44 of 60 samples have not been explained yet").wait_for()
        page.get_by_text("This run has no analysis yet.").wait_for()
        button = page.get_by_role("button", name="The run has grown: reload")
        viewer.until(f"{ASKED} > 2")
        assert button.count() == 0
        sample_run.make_sample_run(path, shards=(1,), analyses=())
        button.wait_for()
        viewer.screenshot("growing")
        button.click()
        page.get_by_text("28 of 60 samples have not been explained yet").wait_for()
        assert button.count() == 0
        sample_run.make_sample_run(path)
        button.wait_for()
        button.click()
        page.get_by_role("link", name="horse", exact=True).wait_for()
        assert page.evaluate("window.__periods") == [10_000, 10_000, 30_000]  # what is complete, less often


def test_the_page_offers_to_reload_classes_that_were_analyzed_since(
    open_viewer: Callable, sample_run, tmp_path: Path
) -> None:
    """The run itself is complete, and so is the analysis in the end: it is done again while the page is open."""
    run = sample_run.make_sample_run(tmp_path / "run", analyses=())
    writer, maps = run.analysis_writer("spray", {"pipeline": Spray().to_dict()}), run.relevance[:]

    def analyze(label: int) -> None:
        writer.write(sample_run.category(label, maps, np.arange(len(run))))

    analyze(2)
    with Server([run.path]) as server:
        viewer = open_viewer(server, script=HASTY)
        page, button = viewer.page, viewer.page.get_by_role("button", name="The run has grown: reload")
        page.get_by_text("“spray” has 1 of 3 classes.").wait_for()
        viewer.screenshot("lacking-classes")
        viewer.open_class("horse")
        page.get_by_role("button", name=re.compile("^Cluster 1 ")).click()
        chosen = viewer.selected()
        asked = page.evaluate(ASKED)
        viewer.until(f"{ASKED} > {asked + 1}")
        assert button.count() == 0
        for label, told in ((0, "“spray” has 2 classes now"), (1, "“spray” has 3 classes now")):
            analyze(label)
            button.wait_for()
            assert button.get_attribute("title") == told
            viewer.screenshot(f"growing-analysis-{label}")
            button.click()
            page.get_by_label("Class", exact=True).get_by_role("option", name=sample_run.CLASSES[label]).wait_for(
                state="attached"
            )
            assert button.count() == 0
        viewer.until("window.__viewer.selectedIndices().length > 0")  # what was seen stays
        assert viewer.selected() == chosen
        assert page.evaluate("window.__periods") == [10_000, 10_000, 30_000]
        analyze(0)
        button.wait_for()
        assert button.get_attribute("title") == "classes of “spray” were analyzed again"
        page.get_by_role("link", name="whyset").click()
        viewer.wait_for_view("overview")
        assert page.get_by_text("of 3 classes").count() == 0
