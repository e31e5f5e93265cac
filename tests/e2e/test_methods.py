"""One page compares the methods of evaluated runs: the best, the curves, the differences, and what is not known."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright.sync_api import expect

from whyset.store import Run, open_run
from whyset.viewer import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def runs(sample_run: ModuleType, evaluated: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Three runs on the same samples, of which the second hardly differs from the first."""
    folder = tmp_path_factory.mktemp("runs")
    first = sample_run.make_sample_run(folder / "sample")
    for name in ("close", "other"):
        shutil.copytree(first.path, folder / name)
    made = [open_run(folder / name) for name in ("sample", "close", "other")]
    for seed, one in enumerate(made, 1):
        evaluated.write_evaluation(one, evaluated.SHIFTS[one.path.name], seed=seed, measured=one is not made[2])
    return made


@pytest.fixture(scope="module")
def server(runs: list[Run]) -> Iterator[Server]:
    with Server([run.path for run in runs]) as server:
        yield server


@pytest.fixture
def page(open_viewer: Callable, server: Server):
    """The page of methods, opened from the overview."""
    viewer = open_viewer(server)
    viewer.page.get_by_role("link", name="Methods compared").click()
    viewer.wait_for_view("methods")
    viewer.page.get_by_role("table").first.wait_for()
    return viewer


def row(viewer, title: str):
    return viewer.page.locator(f"tr[data-metric='{title}'] td")


def test_the_table_marks_the_best_and_what_is_close_to_it(page, runs: list[Run]) -> None:
    expect(row(page, "deletion").nth(0)).to_contain_text("best")
    expect(row(page, "deletion").nth(1)).to_contain_text("not significantly different from the best")
    expect(row(page, "deletion").nth(2)).not_to_contain_text("best")
    expect(row(page, "sparseness").nth(2)).to_contain_text("best")
    expect(row(page, "infidelity").nth(2)).to_have_text("not measured")
    expect(page.page.get_by_text("other: the run has no model (infidelity).")).to_be_visible()
    mean = runs[0].evaluation().get_metric("deletion").values.mean.value
    expect(row(page, "deletion").nth(0).locator(".mean")).to_have_text(f"{mean:.3f}")
    expect(page.page.get_by_text("With fewer than 4 methods it is meaningless")).to_be_visible()


def test_curves_are_read_by_key_and_by_pointer_and_hidden(page, runs: list[Run]) -> None:
    slider = page.page.get_by_role("slider", name="Mean curves of deletion")
    slider.focus()
    page.page.keyboard.press("ArrowRight")
    curves = [run.evaluation().get_metric("deletion").values.mean_curve[1] for run in runs]
    text = slider.get_attribute("aria-valuetext")
    assert text.startswith("part of the input that is changed 0.250; other ")
    for run, value in zip(runs, curves, strict=True):
        assert f"{run.path.name} {value:.3f} [" in text
    page.page.get_by_role("group", name="Methods in the curves").get_by_label("other").uncheck()
    expect(slider).not_to_have_attribute("aria-valuetext", re.compile("other"))
    assert "hidden" in page.until_written()
    page.page.reload()
    page.wait_for_view("methods")
    expect(page.page.get_by_role("group", name="Methods in the curves").get_by_label("other")).not_to_be_checked()
    plot = page.page.get_by_role("img", name="Mean curves of deletion")
    plot.hover()
    expect(page.page.locator(".reading")).to_contain_text("sample")
    page.page.get_by_text("Values as a table").click()
    expect(page.page.get_by_role("region", name="Values of the curves of deletion")).to_contain_text(f"{curves[0]:.3f}")


def test_two_methods_are_compared_and_a_sample_is_opened(page, runs: list[Run]) -> None:
    page.page.get_by_label("minus second").select_option("other")
    told = page.page.locator("[data-difference]")
    expect(told).to_contain_text("sample is better by this metric")
    expect(told).to_contain_text("on 40 samples, p < 0.001")
    sample = page.page.get_by_title("Heatmaps of this sample in every open run").first
    sample.click()
    expect(page.page.get_by_label("heatmap of", exact=False)).to_have_count(3)
    page.until_written()
    page.page.locator("section", has_text="Samples that differ most").get_by_role("link", name="other").first.click()
    page.wait_for_view("class")
    assert page.until_written().startswith("#/other/spray/")
    page.page.go_back()
    page.wait_for_view("methods")
    expect(page.page.get_by_label("minus second")).to_have_value("other")


def test_runs_are_left_out_and_what_is_outdated_or_missing_is_said(
    open_viewer: Callable, runs: list[Run], sample_run: ModuleType, tmp_path: Path
) -> None:
    for run in runs[:2]:
        shutil.copytree(run.path, tmp_path / run.path.name)
    (tmp_path / "sample/commits/99999.json").write_text(json.dumps({}))
    plain = sample_run.make_sample_run(tmp_path / "plain")
    with Server([tmp_path / "sample", plain.path]) as server:
        viewer = open_viewer(server)
        viewer.page.goto(f"{viewer.origin}/#/sample?page=methods")
        viewer.wait_for_view("methods")
        expect(viewer.page.get_by_text("It was measured on other commits than the run has now")).to_be_visible()
        expect(viewer.page.get_by_text("not compared: it was not evaluated")).to_be_visible()
        expect(viewer.page.get_by_text(re.compile("^1 further run in the same folder .*: close$"))).to_be_visible()
        command = f"whyset evaluate {tmp_path / 'sample'} {plain.path}"
        expect(viewer.page.get_by_text(command).first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_viewer: Callable, server: Server, theme: str, axe: str) -> None:
    viewer = open_viewer(server, theme=theme, script=axe)
    viewer.page.get_by_role("link", name="Methods compared").click()
    viewer.page.locator("[data-difference]").wait_for()
    wanted = "axe.run(document, {resultTypes: ['violations'], rules: {region: {enabled: false}}})"
    found = viewer.page.evaluate(f"async () => (await {wanted}).violations")
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    assert viewer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    viewer.screenshot(f"methods-{theme}")
