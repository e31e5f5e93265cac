"""The page of a finding: how it was confirmed, its fixes, and its samples before and after a fix."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

import whyset
from whyset.store import Run
from whyset.viewer import Server

pytestmark = pytest.mark.browser

OVERFLOWING = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def run(sample_run: ModuleType, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    origin = {"model": {"spec": "net.py:make"}, "data": {"path": "images"}}
    run = sample_run.make_sample_run(tmp_path_factory.mktemp("my runs") / "sample", origin=origin)
    found.write_sample_findings(run)
    found.write_sample_effects(run)
    found.write_sample_fixes(run)
    return run


@pytest.fixture(scope="module")
def fixed(run: Run, sample_run: ModuleType, found: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of the recommended fix, with its samples in another order."""
    origin = found.describe_fixed_origin(run, run.fix(run.findings()[2].id))
    path = tmp_path_factory.mktemp("runs") / "after"
    return sample_run.make_sample_run(path, order=range(59, -1, -1), origin=origin)


@pytest.fixture(scope="module")
def both(run: Run, fixed: Run) -> Iterator[Server]:
    with Server([run.path, fixed.path]) as server:
        yield server


def open_page(viewer: Any) -> None:
    viewer.page.get_by_role("link", name="Confirm and fix finding 1, horse").click()
    viewer.wait_for_view("finding")
    viewer.page.get_by_role("heading", name="Class horse: suspicion").wait_for()


def test_a_card_leads_to_a_page_that_survives_a_reload_and_the_back_button(
    open_viewer: Callable, both: Server, run: Run
) -> None:
    viewer = open_viewer(both)
    link = viewer.page.get_by_role("link", name="Confirm and fix finding 1, horse")
    link.focus()
    link.press("Enter")
    viewer.wait_for_view("finding")
    assert viewer.until_written() == f"#/sample/spray?finding={run.findings()[2].id}"
    viewer.page.reload()
    viewer.wait_for_view("finding")
    confirm = viewer.page.get_by_role("region", name="Confirm")
    expect(confirm).to_contain_text("A piece (window of 3 x 3) of a sample is pasted into images of other classes")
    expect(confirm.locator("dl > div").filter(has_text="Sufficiency of the null")).to_contain_text("0.03 [0.00, 0.07]")
    histogram = confirm.get_by_role("img", name=re.compile("^Samples by the share of hosts"))
    expect(histogram).to_have_attribute("aria-label", re.compile("Carriers: 1 at 50 to 60 %, 1 at 70 to 80 %"))
    strongest = confirm.get_by_role("list", name="Samples that turn most hosts").get_by_role("listitem")
    assert strongest.all_inner_texts() == ["2\n6 of 8", "8\n4 of 8"]
    viewer.page.go_back()
    viewer.wait_for_view("overview")
    viewer.page.go_forward()
    viewer.wait_for_view("finding")
    viewer.page.get_by_role("link", name="All findings of").click()
    viewer.wait_for_view("overview")


def test_the_table_of_fixes_marks_the_recommended_one_and_explains_its_columns(
    open_viewer: Callable, both: Server
) -> None:
    viewer = open_viewer(both)
    open_page(viewer)
    fix = viewer.page.get_by_role("region", name="Fix", exact=True)
    expect(fix).to_contain_text("Recommended: restore. It removes most of 1 fix.")
    rows = fix.get_by_role("table").first.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("recommended")
    assert re.sub(r"\s+", " ", rows.nth(0).locator("td").first.inner_text()) == "72 % → 0 % [0, 10] null 3 % → 3 %"
    expect(rows.nth(1).locator("td").nth(5)).to_have_text("dog <b>&amp;: -24.0 (6)")
    expect(rows.nth(2)).to_contain_text("Refused: no layer.")
    models = fix.get_by_role("table").nth(1).locator("tbody tr")
    expect(models).to_have_count(3)  # before, and those that were made
    for place, shares in enumerate(("90 % [80, 95]", "25 % [15, 35]", "–")):
        expect(models.first.locator("td").nth((0, 2, 3)[place])).to_have_text(shares)
    expect(models.nth(1).get_by_role("rowheader")).to_have_text("restore recommended")
    expect(models.nth(1).locator("td").nth(2)).to_have_text("75 % [65, 85]")
    fix.get_by_role("columnheader", name="Regained").locator("[tabindex='0']").focus()
    expect(viewer.page.get_by_role("tooltip").filter(has_text="took from samples of other classes")).to_be_visible()


def test_samples_before_and_after_share_one_scale_and_lead_to_the_comparison(
    open_viewer: Callable, both: Server, run: Run, fixed: Run
) -> None:
    viewer = open_viewer(both)
    open_page(viewer)
    part = viewer.page.get_by_role("region", name="Before and after")
    carriers = part.get_by_role("list", name="Samples with the evidence").get_by_role("listitem")
    expect(carriers).to_have_count(10)
    expect(part.get_by_role("list", name="Other samples of horse").get_by_role("listitem")).to_have_count(8)
    first = carriers.first.get_by_role("figure")
    expect(first.nth(1)).to_contain_text("horse")
    expect(first.nth(2)).to_contain_text("cat")
    drawn = [viewer.pixels(first.nth(place).locator("canvas")).astype(int) for place in (1, 2)]
    place = fixed.samples["id"].to_pylist().index(run.samples["id"][2].as_py())
    maps = [run.relevance[2].sum(0), fixed.relevance[place].sum(0)]
    largest = max(float(np.abs(one).max()) for one in maps)
    assert {float(one.max()) == largest for one in maps} == {True, False}  # one scale matters
    for map_, pixels in zip(maps, drawn, strict=True):
        share = np.clip(map_ / largest, 0, 1)  # positive relevance fades from red to white in green and blue
        shade = 1 - pixels[..., 1] / 255
        np.testing.assert_allclose(shade[map_ >= 0], share[map_ >= 0], atol=0.01)
    part.get_by_label("Changed only").check()
    expect(part.get_by_role("list", name="Other samples of horse")).to_have_count(0)
    expect(carriers).to_have_count(int((run.column("prediction")[2::6][:10] != 0).sum()))
    part.get_by_role("link", name="Compare both runs").click()
    viewer.wait_for_view("compare")


def test_without_the_fixed_run_its_command_is_copied(open_viewer: Callable, server: Server, run: Run) -> None:
    viewer = open_viewer(server)
    viewer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(viewer)
    part = viewer.page.get_by_role("region", name="Before and after")
    expect(part).to_contain_text("No open run explains a fixed model of this finding.")
    button = part.get_by_role("button", name="Copy the command: Then open both runs together:")
    button.focus()
    button.press("Enter")
    expect(button).to_have_text("Copied")
    copied = viewer.page.evaluate("navigator.clipboard.readText()")
    fixes = run.fix(run.findings()[2].id)
    folder = f"{run.path}-fixed-{fixes.finding}-{fixes.recommended}"
    assert shlex.split(copied) == ["whyset", "view", str(run.path), folder]
    expect(part.locator("[data-language=python]")).to_contain_text("explain_fixed(")
    expect(part.locator("[data-language=python]")).to_contain_text(folder)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible_and_fits(open_viewer: Callable, both: Server, theme: str, axe: str) -> None:
    viewer = open_viewer(both, theme=theme, script=axe)
    open_page(viewer)
    viewer.page.get_by_role("list", name="Samples with the evidence").wait_for()
    viewer.until("!document.querySelector('canvas.waiting')")
    found = viewer.page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}}}))"
        ".violations.filter(one => ['serious', 'critical'].includes(one.impact))"
        ".map(one => `${one.id}: ${one.nodes[0].html.slice(0, 160)}`)"
    )
    assert found == []
    assert not viewer.page.evaluate(OVERFLOWING)
    viewer.screenshot(f"finding-{theme}")
    viewer.page.set_viewport_size({"width": 640, "height": 720})
    assert not viewer.page.evaluate(OVERFLOWING)


def test_a_page_in_a_file_says_what_it_lacks(browser: Any, support: ModuleType, run: Run, tmp_path: Path) -> None:
    file = whyset.export_html(run, tmp_path / "page.html")
    viewer = support.ViewerPage(browser, file.as_uri(), width=1280, height=720, theme="light", script=None)
    open_page(viewer)
    expect(viewer.page.get_by_role("region", name="Fix", exact=True)).to_contain_text("Recommended: restore.")
    expect(viewer.page.get_by_role("region", name="Before and after")).to_contain_text("This file does not include")
    assert str(run.path.parent) not in viewer.page.locator("main").inner_html()
    viewer.until("!document.querySelector('canvas.waiting')")
    assert viewer.problems == []
    viewer.page.context.close()


def test_what_is_missing_is_stated_and_the_rest_is_shown(
    open_viewer: Callable, sample_run: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    """A finding without examples, effects and analysis, and damaged fixes; then an id that the run does not have."""
    run = sample_run.make_sample_run(tmp_path / "bare", analyses=())
    findings = tuple(replace(one, examples=()) for one in found.make_findings(run))
    found.write_sample_findings(run, findings=findings)
    fixes = found.write_sample_fixes(run)
    (run.path / "fixes" / fixes.finding / "fix.json").write_text("{}")
    with Server([run.path]) as server:
        viewer = open_viewer(server, tolerated=("404",))
        open_page(viewer)
        expect(viewer.page.get_by_role("region", name="Confirm")).to_contain_text("has no effects")
        fix = viewer.page.get_by_role("region", name="Fix", exact=True)
        expect(fix).to_contain_text("The fixes cannot be read")
        expect(viewer.page.get_by_role("article")).to_contain_text("carry a piece at the upper right")
        viewer.page.goto(f"{viewer.origin}/#/bare?finding=00002-000000000000")
        expect(viewer.page.get_by_role("alert")).to_contain_text("finding '00002-000000000000' not found")
