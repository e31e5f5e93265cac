"""The findings of a watched training over its epochs: what was announced, and where a point leads."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import expect

from whyset.report.timeline import read_effects, read_timeline
from whyset.store import open_run
from whyset.store.effects import Estimate
from whyset.store.watched import claim_folder, locate_epoch
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def watched(sample_run: ModuleType, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three epochs; the marked horses have an effect of 0.3 and 0.69 from the second one on."""
    folder = tmp_path_factory.mktemp("runs") / "watch"
    claim_folder(folder, 0.2)
    for epoch, effect in zip((0, 2, 4), (0.05, 0.3, 0.69), strict=True):
        if epoch == 0:
            sample_run.make_sample_run(locate_epoch(folder, epoch))
        else:
            shutil.copytree(locate_epoch(folder, 0), locate_epoch(folder, epoch))
        opened = open_run(locate_epoch(folder, epoch))
        strategy, unknown, horse = found.make_findings(opened)
        difference = Estimate(effect, (effect - 0.1, effect + 0.1), 10)
        horse = replace(horse, effect=replace(horse.effect, difference=difference))
        found.write_sample_findings(opened, findings=(strategy, unknown, horse) if epoch else (strategy,))
    return folder


@pytest.fixture(scope="module")
def server(watched: Path) -> Iterator[Server]:
    with Server([locate_epoch(watched, epoch) for epoch in (0, 2, 4)]) as server:
        yield server


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_point_tells_its_effect_and_opens_its_epoch(
    open_viewer: Callable, server: Server, watched: Path, theme: str, axe: str
) -> None:
    viewer = open_viewer(server, theme=theme, script=axe)
    viewer.page.get_by_role("link", name="Findings over the epochs").click()
    viewer.wait_for_view("timeline")
    timeline = read_timeline(watched)
    announced = viewer.page.get_by_role("article", name="Announced: class horse, window of 3 x 3")
    expect(announced).to_contain_text("announced in epoch 2")
    expect(announced).to_contain_text("Class horse: 50 % of its images (10) carry a piece")
    viewer.page.get_by_text("Effects as a table").click()
    cells = viewer.page.locator("tr[data-track='00002'] td").all_inner_texts()
    expected = ["–" if value is None else f"{value:.2f}" for value in read_effects(timeline, timeline.tracks[0])]
    assert cells == ["2", *expected]
    expect(
        viewer.page.get_by_text("class dog <b>&amp;: found since epoch 2, its effect was not measured")
    ).to_be_visible()
    chart = viewer.page.get_by_role("group", name="Effect of findings by epoch")
    point = chart.get_by_role("link", name=re.compile("^epoch 2, class horse.*effect 0.30.*announced in this epoch$"))
    expect(chart).to_contain_text("threshold 0.2")
    violations = viewer.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    assert [one["id"] for one in violations if one["impact"] in {"serious", "critical"}] == []
    viewer.screenshot(f"timeline-{theme}")
    point.focus()
    viewer.page.keyboard.press("Enter")
    viewer.until("location.hash.startsWith('#/epoch-0002')")
    viewer.page.go_back()
    viewer.wait_for_view("timeline")
    slider = viewer.page.get_by_role("slider", name="Effect of findings by epoch")
    slider.press("End")
    assert "class horse, window of 3 x 3 0.690 [0.590, 0.790]" in slider.get_attribute("aria-valuetext")
