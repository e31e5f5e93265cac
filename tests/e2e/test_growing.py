"""A run that grows while its page is open: the page says so and offers to reload; what was seen stays."""

from collections.abc import Callable
from pathlib import Path

import pytest

from whyset.viewer import Server

pytestmark = pytest.mark.browser

HASTY = "const later = window.setInterval; window.setInterval = (call, wait) => later(call, Math.min(wait, 100));"
"""The page looks after a growing run every ten seconds; tests do not wait that long."""


def test_the_page_offers_to_reload_a_run_that_has_grown(open_viewer: Callable, sample_run, tmp_path: Path) -> None:
    path = tmp_path / "run"
    sample_run.make_sample_run(path, shards=(0,), analyses=())
    with Server([path]) as server:
        viewer = open_viewer(server, script=HASTY)
        page = viewer.page
        page.get_by_text("44 of 60 samples have not been explained yet").wait_for()
        page.get_by_text("This run has no analysis yet.").wait_for()
        button = page.get_by_role("button", name="The run has grown: reload")
        viewer.until(
            "performance.getEntriesByType('resource').filter(({name}) => name.includes('/progress')).length > 2"
        )
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
        asked = len([url for url in viewer.requests if url.endswith("/progress")])
        viewer.open_class("horse")
        page.wait_for_timeout(300)
        assert (
            len([url for url in viewer.requests if url.endswith("/progress")]) == asked
        )  # a finished run is left alone
