"""Findings come first in every format of the report; without any it says what searches for them."""

import base64
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from whyset.analysis import Spray, analyze
from whyset.cli.find import format_findings
from whyset.errors import InputError
from whyset.image.shapes import to_rgb
from whyset.report import ReportHeatmaps, as_html, as_json, as_markdown, as_text, report
from whyset.report.confirmed import read_confirmed
from whyset.report.finding_cards import describe_region, make_cards, mark_inserted
from whyset.report.findings import describe_numbers, read_findings
from whyset.store import Run
from whyset.store.analyses import ListedClass
from whyset.store.effects import EffectPlan, Planned, open_writer

SENTENCE = (
    "class horse: 50 % of its images (10) carry a piece at the upper right that 0.2 % of other classes' images have; "
    "pasted into fresh images it turns 72 % of them into horse [0.68, 0.76]"
)


@pytest.fixture
def run_with_findings(run: Run, found: ModuleType) -> Run:
    found.write_sample_findings(run, not_searched={"00003": "It has too few samples."})
    return run


def pictures_in(page: str) -> list[np.ndarray]:
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(BytesIO(base64.b64decode(one)))) for one in found]


def test_suspicions_are_before_strategies_and_these_before_what_is_not_confirmed(run_with_findings: Run) -> None:
    assert [one.kind for one in run_with_findings.findings()] == ["strategy", "not_confirmed", "suspicion"]
    reported = report(run_with_findings).findings
    assert [one.class_name for one in reported.findings] == ["horse", "cat", "dog <b>&amp;"]
    assert reported.notices == ("1 class was not searched: It has too few samples.",)


def test_the_text_begins_with_the_findings(run_with_findings: Run) -> None:
    text = as_text(report(run_with_findings))
    words = " ".join(text.split())
    assert f"1. suspicion: {SENTENCE[0].upper()}{SENTENCE[1:]}." in words
    numbers = "turned fresh hosts 0.72 [0.68, 0.76]; turned by the null 0.03 [0.00, 0.07] (another window of the same"
    assert numbers in words
    assert "specificity 0.95 [0.90, 1.00]" in words
    assert "Few images of other classes have it." in words
    assert words.count("ost images of the class have it") == 1  # the sentence says it
    assert text.index("Findings:") < text.index("separability")


def test_markdown_and_json_have_them(run_with_findings: Run) -> None:
    page = as_markdown(report(run_with_findings))
    assert page.index("## Findings") < page.index("1. suspicion: Class horse") < page.index("## Classes")
    assert "dog \\<b\\>" in page
    stored = json.loads(as_json(report(run_with_findings)))["findings"]
    assert [one["kind"] for one in stored["findings"]] == ["suspicion", "strategy", "not_confirmed"]
    assert stored["findings"][0]["sentence"] == SENTENCE
    assert stored["findings"][0]["effect"]["turned"] == {"value": 0.72, "interval": [0.68, 0.76], "n_samples": 10}


def test_the_page_shows_the_piece_and_the_host_before_and_after(run_with_findings: Run, found: ModuleType) -> None:
    run = run_with_findings
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    assert page.index('id="findings"') < page.index("<h2>Classes</h2>")
    assert "<b>&amp;" not in page.partition('id="findings"')[2].partition("</section>")[0]
    source, before, after = pictures_in(page)[:3]
    np.testing.assert_array_equal(source, to_rgb(run.inputs[2]))
    np.testing.assert_array_equal(before, to_rgb(run.inputs[0]))
    np.testing.assert_array_equal(after, to_rgb(found.change_hosts(run)[0]))
    assert '<svg viewBox="0 0 18 12" aria-hidden="true"><rect x="15" y="0" width="3" height="3"/>' in page
    assert "host 0: cat (P of horse 0.05)" in page
    assert "with it: horse (P of horse 0.93)" in page


def test_damaged_examples_are_named_and_the_rest_is_shown(run_with_findings: Run) -> None:
    run = run_with_findings
    (array,) = run.findings().path.glob("*.npy")
    array.unlink()
    cards = make_cards(run, report(run).findings)
    assert "Its changed hosts are not shown:" in cards[0].reason
    assert [len(example) for example in cards[0].examples] == [2, 2]


def test_a_run_that_was_not_searched_says_what_searches(run: Run) -> None:
    command = f"No findings: none were searched for. whyset find {run.path} searches for them."
    for form in (as_text, as_markdown):
        text = re.sub(r"[\s\\]+", "", form(report(run)))
        assert re.sub(r"\s+", "", command) in text
    assert command in as_html(report(run), ReportHeatmaps(run, run.analysis()))


def test_notices_state_what_is_outdated_empty_unconfirmed_or_damaged(run: Run, found: ModuleType) -> None:
    found.write_sample_findings(run, findings=(), n_searched=1)
    assert read_findings(run).notices == ("No findings: 1 class was searched.",)
    found.write_sample_findings(run, data="sha256:0", problem="the run has no model")
    notices = read_findings(run).notices
    assert notices[0] == "Nothing could be confirmed: the run has no model."
    assert "search again" in notices[1]
    (run.path / "findings/findings/findings.json").write_text("{}")
    assert "cannot be read" in read_findings(run).notices[0]
    assert "cannot be read" in " ".join(as_text(report(run)).split())


def test_a_search_within_a_budget_says_what_it_left_out(run: Run, found: ModuleType) -> None:
    """None were found of what was looked for; a test of effects with another configuration says nothing about it."""
    test = {"budget": 3.0, "seed": 0}
    plan = EffectPlan(60, 0.01, 0.002, 60, 40, 20, 5, 2, 100, 3.0, planned=2.5, complete=25.3)
    reason = "the budget of 3 does not allow it; 25 would allow everything"
    planned = Planned(plan, {"frame, width 8": reason, "color statistics": reason})
    open_writer(run.path, "effects", test, [ListedClass("00002", "horse")], planned)
    found.write_sample_findings(run, findings=(), n_searched=1, config={"test": test})
    limits = (
        "The budget of 3 times the time of explain allowed 5 candidates of each class and intervention, selected from "
        "20 samples after a screening of 40; a budget of 25 would allow everything.",
        "Not tested: frame, width 8; color statistics. Reason: the budget of 3 does not allow it; 25 would allow "
        "everything.",
    )
    assert read_findings(run).notices == ("No findings: 1 class was searched.", *limits)
    assert limits[0] in " ".join(as_text(report(run)).split())
    assert tuple(format_findings(run.findings()))[1:] == limits
    found.write_sample_findings(run, findings=(), n_searched=1, config={"test": test | {"seed": 1}})
    assert read_findings(run).notices == ("No findings: 1 class was searched.",)
    (run.path / "effects/effects/effects.json").write_text("{}")
    assert "left out cannot be read" in read_findings(run).notices[1]


def test_another_search_is_chosen_by_its_name(run: Run, found: ModuleType) -> None:
    found.write_sample_findings(run, name="mine")
    assert len(read_findings(run).findings) == 3  # the only one
    with pytest.raises(InputError, match="no findings 'other'; it has mine"):
        report(run, findings="other")
    found.write_sample_findings(run, name="other", findings=())
    assert "The run has the searches mine, other." in read_findings(run).notices[0]
    assert len(report(run, findings="mine").findings.findings) == 3


def test_the_first_fifty_are_shown_and_json_has_all(run: Run, found: ModuleType) -> None:
    (_, unknown, _) = found.make_findings(run)
    found.write_sample_findings(run, findings=(unknown,) * 53)
    made = report(run)
    page = as_html(made, ReportHeatmaps(run, run.analysis()))
    for form in (as_text(made), as_markdown(made).replace("\\", ""), page):
        assert "50. not confirmed" in form
        assert "51. not confirmed" not in form
        assert "3 further findings are not shown; --format json lists all." in form
    assert len(json.loads(as_json(made))["findings"]["findings"]) == 53


def test_numbers_that_are_unknown_are_left_out(found: ModuleType, run: Run) -> None:
    (_, unknown, suspicion) = found.make_findings(run)
    assert [label for label, _ in describe_numbers(unknown)] == [
        "specificity", "share of other classes", "share of the class", "score",
    ]  # fmt: skip
    bare = replace(suspicion, specificity=None, others_share=None, score=None, effect=None)
    assert [label for label, _ in describe_numbers(bare)] == ["evidence", "share of the class"]


def test_words_of_a_text_are_marked(modality_runs: ModuleType, found: ModuleType, tmp_path: Path) -> None:
    run = modality_runs.analyzed(modality_runs.text_run(tmp_path / "text"))
    found.write_text_finding(run)
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    words = run.tokens([0])[0]
    (card,) = make_cards(run, report(run).findings)
    assert [word for word, marked in card.examples[0][0].words if marked] == words[1:3]
    _, host, changed = card.examples[0]
    assert [word for word, _ in host.words] == run.tokens([1])[0]
    differs = run.inputs[0] != run.inputs[1]
    assert [place for place, (_, marked) in enumerate(changed.words) if marked] == [p for p in (1, 2) if differs[p]]
    assert [word for word, _ in changed.words] == [host.words[0][0], *words[1:3], *(w for w, _ in host.words[3:])]
    (source, unknown) = card.examples[1]
    assert unknown.caption == "host 0: even (P of odd 0.20); with it: odd (P of odd 0.70)"
    marks = page.partition('id="findings"')[2].partition("</section>")[0].count("<mark>")
    assert marks == sum(marked for one in (*card.examples[0], source) for _, marked in one.words)


def test_inserted_words_that_the_sample_does_not_have_are_ids(
    modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.text_run(tmp_path / "text")
    (example, unstored) = found.write_text_finding(run).findings[0].examples
    changed = np.array(run.inputs[[1]])
    changed[0, -1] = 9999
    assert mark_inserted(run, example, changed)[-1] == ("#9999", True)
    assert mark_inserted(run, example, None) == mark_inserted(run, unstored, changed) == ()


def test_regions_of_series_are_positions() -> None:
    assert describe_region(((20, 40),), ("channel", "time")) == "time 20 to 39"
    assert describe_region(((1, 2), (0, 9)), ("channel", "height", "width")) == "height 1 to 1, width 0 to 8"


def test_a_slice_of_a_volume_goes_through_the_evidence(
    modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.volume_run(tmp_path / "volume")
    found.write_volume_finding(run)
    (card,) = make_cards(run, read_findings(run))
    source = card.examples[0][0]
    assert source.outline is not None
    assert (source.outline.box, source.outline.y, source.outline.height) == ("0 0 13 9", 2, 3)
    assert len(card.examples[0]) == 2
    picture = pictures_in(f'<img src="{source.uri}"')[0]
    np.testing.assert_array_equal(picture, to_rgb(run.inputs[0][:, 4]))


def test_the_page_draws_the_series_before_and_after(
    modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    run = modality_runs.analyzed(modality_runs.series_run(tmp_path / "series"))
    found.write_series_finding(run)
    page = as_html(report(run), ReportHeatmaps(run, run.analysis()))
    first, _, unchanged = page.partition('class="plots"')[2].partition("sample 7, time 9 to 17")
    band = '<rect x="25.6" y="0" width="25.6"'
    assert first.count(band) == 2
    paths = re.findall(r' d="([^"]+)', first)
    before, after = ([float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)] for path in paths)
    host, changed = run.inputs[2][1], found.change_series(run)[0, 1]
    low, high = min(host.min(), changed.min()), max(host.max(), changed.max())
    for drawn, values in ((before, host), (after, changed)):
        np.testing.assert_allclose(drawn, 45 - 42 * (values - low) / (high - low), atol=0.051)
    assert f"channel 1, y, from {low:.3g} to {high:.3g}: before (above) and after (below)" in first
    assert "host 2: even (P of odd 0.25); with it: odd (P of odd 0.75)</figcaption>" in first
    assert "no value of the host changed" in unchanged
    assert "<path" not in unchanged.partition("</article>")[0]
    assert page.count('class="plots"') == 1


def test_confirmed_effects_belong_to_classes_by_label(run_with_findings: Run) -> None:
    """Classes by prediction have other samples, and the effects were not measured on them."""
    spray = Spray(surrogates=0, resamplings=0, n_neighbors=3, small_clusters=None)
    by_label, by_prediction = (
        analyze(run_with_findings, replace(spray, name=by, group_by=by), views="maps", progress=False)
        for by in ("label", "prediction")
    )
    assert max(read_confirmed(by_label).values()) > 0
    assert read_confirmed(by_prediction) == {}
