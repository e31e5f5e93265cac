"""The fixes of findings in every format of the report."""

import json
from dataclasses import replace

import pytest

from whyset.report import ReportHeatmaps, as_html, as_json, as_markdown, as_text, report
from whyset.report.fixes import format_share, read_fixes
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.fixes import ClassChange, FixComparison, FixSplit, HeldOutShares, ListedFix, TriedFix, write_fix
from whyset.store.fixes.files import write_model

ID = "00002-5f0c3a9be1d4"
FORM = {"name": "restore", "fields": {}}
ENTRY = ListedFix.of(FORM, "restore <b>")
REFUSED = ListedFix.of({"name": "p_clarc", "fields": {}}, "p clarc")


def estimate(value: float, half: float = 0.1) -> Estimate:
    return Estimate(value, (value - half, value + half), 50)


@pytest.fixture
def fixed(run: Run) -> Run:
    file, sha256 = write_model(run.path, ID, ENTRY.id, b"tensors")
    classes = (ClassChange(0, "cat", 20, 0.9, None, 0.9), ClassChange(1, "dog", 10, 0.9, 0.8, 0.7))
    made = TriedFix(
        ENTRY.id, ENTRY.text, "restoration", FORM, True, "fine tuning", estimate(0.1), estimate(0.1),
        estimate(0.9), estimate(0.85), Estimate(-0.0123, (-0.03, 0.004), 30), None, classes, 2.5, (), file, sha256,
    )  # fmt: skip
    refused = TriedFix(
        REFUSED.id, REFUSED.text, "P-ClArC", {"name": "p_clarc", "fields": {}}, False, problem="no layer."
    )
    write_fix(
        run.path,
        FixComparison(
            ID, "class dog: a piece", "dog", 1, FixSplit(3, 0.3, 70, 30, 8, 4, 20), 0.7, estimate(0.8), estimate(0.1),
            "a" * 64, "b" * 64, "sha256:c", (ENTRY, REFUSED), (made, refused), ENTRY.id, "It removes most of 1 fixes.",
        ),
    )  # fmt: skip
    return run


def test_every_format_has_the_numbers_and_the_recommendation(fixed: Run) -> None:
    content = report(fixed)
    text, page = as_text(content), as_markdown(content)
    for written in (text, page):
        assert f"Fixes of finding {ID}" in written
        assert "Recommended: restore" in " ".join(written.split())
        assert "p clarc was not made: no layer." in written
        assert "dog -10.0 (10 samples)" in " ".join(written.split())
    assert "| restore \\<b\\> (recommended) | 10 % \\[0, 20\\] | 90 % \\[80, 100\\] | 85 % \\[75, 95\\] |" in page
    assert "| -1.2 \\[-3.0, +0.4\\] | - | 2.5 |" in page
    html = as_html(content, ReportHeatmaps(fixed, fixed.analysis()))
    assert "restore &lt;b&gt; (recommended)" in html
    assert "turns 80 % [70, 90] of 20 held-out samples of other classes into dog" in html
    (stored,) = json.loads(as_json(content))["fixes"]
    assert stored["comparison"]["recommended"] == ENTRY.id
    assert stored["comparison"]["fixes"][0]["reduced"]["value"] == 0.9


def test_the_models_before_and_after_have_accuracies_with_and_without_the_evidence(fixed: Run) -> None:
    found = fixed.fix(ID)
    assert len(read_fixes(fixed)[0].tables) == 1  # of before these numbers were stored
    before = HeldOutShares(estimate(0.9), estimate(0.8), estimate(0.2), estimate(0.3), estimate(0.7))
    after = replace(before, inserted=estimate(0.85), removed=None, necessity=Estimate(0.0, None, 1))
    made = (replace(found.fixes[0], shares=after, relevance=estimate(0.4)), found.fixes[1])
    write_fix(fixed.path, replace(found, shares=before, fixes=made))
    (reported,) = read_fixes(fixed)
    (_, (headings, rows)) = reported.tables
    assert headings == ("model", "accuracy", "own class", "inserted", "removed", "necessity", "on evidence")
    assert rows[0] == (
        "before",
        "90 % [80, 100]",
        "80 % [70, 90]",
        "20 % [10, 30]",
        "30 % [20, 40]",
        "70 % [60, 80]",
        "-",
    )
    assert rows[1][0] == "restore <b> (recommended)"
    assert rows[1][3:] == ("85 % [75, 95]", "-", "0 % of 1", "40 % [30, 50]")
    assert len(rows) == 2  # the refused fix gave no model
    assert "necessity: share of those" in reported.notes[-1]
    for written in (as_text(report(fixed)), as_html(report(fixed), ReportHeatmaps(fixed, fixed.analysis()))):
        assert "0 % of 1" in written


def test_a_run_without_fixes_has_no_section(run: Run) -> None:
    content = report(run)
    assert content.fixes == ()
    assert "Fixes of finding" not in as_text(content) + as_markdown(content)


def test_damaged_and_unfinished_fixes_are_notices(fixed: Run) -> None:
    found = fixed.fix(ID)
    other = ListedFix.of({"name": "transplants", "fields": {}}, "transplants")
    write_fix(fixed.path, replace(found, listed=(*found.listed, other), recommended=None, reason="Not finished."))
    (unfinished,) = read_fixes(fixed)
    assert "transplants is not finished: fix the finding again." in unfinished.notes
    file = fixed.path / "fixes" / ID / "fix.json"
    file.write_text(file.read_text().replace('"dog"', '"cat"'))
    (damaged,) = read_fixes(fixed)
    assert damaged.tables == []
    assert "checksum" in damaged.notes[0]
    assert "checksum" in as_markdown(report(fixed))


def test_shares_without_an_interval_are_numbers_alone() -> None:
    assert format_share(Estimate(0.5, None, 1)) == "50 %"
    assert format_share(None) == "-"
