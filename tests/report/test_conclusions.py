"""The three sentences of a report: from the records, with intervals, and honest where nothing was found or helped."""

import json
from dataclasses import replace

import pytest

from whyset.report import ReportHeatmaps, as_html, as_json, as_markdown, as_text, report
from whyset.report.conclusions import list_conclusions
from whyset.report.findings import OUTDATED, ReportedFindings
from whyset.report.fixes import ReportedFixes
from whyset.store import Run
from whyset.store.effects.records import Estimate
from whyset.store.findings import Finding
from whyset.store.fixes import FixComparison, FixSplit, HeldOutData, ListedFix, TriedFix

ENTRY = ListedFix.of({"name": "restore", "fields": {}}, "restore")
REFUSED = TriedFix(ENTRY.id, ENTRY.text, "restoration", {"name": "restore", "fields": {}}, False, problem="no layer")


def estimate(value: float, half: float = 0.1) -> Estimate:
    return Estimate(value, (value - half, value + half), 50)


@pytest.fixture
def findings(run: Run, found) -> tuple[Finding, ...]:
    """A strategy, an unconfirmed finding, and marked horses as the suspicion."""
    return found.make_findings(run)


def make_fixes(finding: Finding, **changes: object) -> ReportedFixes:
    """The fixes of a finding: one, which is recommended."""
    one = TriedFix(
        ENTRY.id, ENTRY.text, "restoration", {"name": "restore", "fields": {}}, False, turned=estimate(0.05, 0.02),
        accuracy=Estimate(-0.012, (-0.03, 0.004), 90), own_class=None,
    )  # fmt: skip
    whole = FixComparison(
        finding.id, finding.sentence, "horse", 2, FixSplit(0, 0.3, 70, 30, 8, 4, 1234), 0.7, estimate(0.8),
        estimate(0.1), "a" * 64, "b" * 64, "sha256:c", (ENTRY,), (one,), ENTRY.id, "It is the only one; uncertain: x.",
    )  # fmt: skip
    return ReportedFixes(finding.id, replace(whole, **changes))


def conclude(*findings: Finding, fixes: tuple[ReportedFixes, ...] = ()) -> tuple[str, ...]:
    return list_conclusions("runs/my run", ReportedFindings("findings", findings, n_searched=3), fixes)


def test_a_fixed_suspicion_is_who_carries_it_what_proves_it_and_what_the_fix_did(findings) -> None:
    *_, suspicion = findings
    first, second, third = conclude(suspicion, fixes=(make_fixes(suspicion),))
    n = len(suspicion.rows)
    assert first.startswith(f"In {n} of the 20 images of class horse, {5 * n} % [30, 70], the model looks at a piece")
    assert first.endswith(" at the upper right, which 0.2 % of 40 images of other classes have.")
    assert second == (
        "Pasted into fresh images of other classes, it turns 72 % [68, 76] of them into horse; another window of the "
        "same sample turns 3 % [0, 7]."
    )
    assert third == (
        "After the fix 'restore', it turns 5 % [3, 7] of 1,234 held-out images of other classes instead of 80 % "
        "[70, 90]; on images without it, accuracy changes by -1.2 [-3.0, +0.4] points, and that of class horse by an "
        "unknown number of points. It is the only one; uncertain: x."
    )


def test_a_fix_that_trains_names_the_training_that_it_is_compared_with(findings) -> None:
    *_, suspicion = findings
    fixes = make_fixes(suspicion)
    (one,) = fixes.comparison.fixes
    trained = make_fixes(suspicion, fixes=(replace(one, changes_weights=True, control="fine tuning"),))
    assert ", compared with equal training (fine tuning). It is" in conclude(suspicion, fixes=(trained,))[2]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"recommended": None}, "The fix that was made did not help on held-out images: the model is as it was."),
        ({"recommended": None, "fixes": (REFUSED,)}, "No fix could be made: the model is as it was."),
        (
            {"fixes": ()},
            "Not all fixes are finished; whyset fix 'runs/my run' --finding ID, with the same options as before, "
            "continues.",
        ),
        (None, "No fix was tried; whyset fix 'runs/my run' --finding ID compares some."),
    ],
)
def test_without_a_fix_that_helps_the_sentence_says_so(findings, changes: dict | None, sentence: str) -> None:
    *_, suspicion = findings
    fixes = () if changes is None else (make_fixes(suspicion, **changes),)
    assert conclude(suspicion, fixes=fixes)[2] == sentence.replace("ID", suspicion.id)


def test_nothing_suspicious_is_a_result_with_the_first_finding_that_was_measured(findings) -> None:
    strategy, unknown, _ = findings
    first, second, third = conclude(unknown, strategy, replace(strategy, class_name="dog"))
    assert first == "The search found nothing suspicious in any of the 3 searched classes."
    assert second.startswith(
        "The first by its score is colors of class cat: transferred to fresh images of other classes"
    )
    assert second.endswith("; it is not suspicious: most images of the class have it.")
    assert "nothing to fix" in third
    assert "No evidence" in conclude()[1]


def test_the_first_of_several_suspicions_is_described_with_its_own_fixes(findings) -> None:
    *_, suspicion = findings
    other = replace(suspicion, seeds=suspicion.rows[:3])
    assert other.id != suspicion.id
    sentences = conclude(suspicion, other, fixes=(make_fixes(other),))
    assert sentences[0].endswith("(the first of 2 suspicions).")
    assert sentences[2].startswith("No fix was tried")


def test_the_command_names_the_search_of_the_finding(findings) -> None:
    *_, suspicion = findings
    third = list_conclusions("runs/a", ReportedFindings("mine", (suspicion,), n_searched=3), ())[2]
    assert f"whyset fix runs/a --finding {suspicion.id} --findings mine compares some" in third


def test_what_is_outdated_is_said_where_its_numbers_are(findings) -> None:
    *_, suspicion = findings
    old = "The fixes were made from other commits than the run has now; fix the finding again."
    fixes = replace(make_fixes(suspicion), notices=(old,))
    assert conclude(suspicion, fixes=(fixes,))[2].endswith(f" {old}")
    for of_search in ((), (suspicion,)):
        reported = ReportedFindings("findings", of_search, 3, notices=(OUTDATED,))
        assert list_conclusions("runs/a", reported, ())[0].endswith(f". {OUTDATED}")


def test_accuracy_on_other_data_is_not_said_to_be_without_the_evidence(findings) -> None:
    *_, suspicion = findings
    split = FixSplit(0, 0.3, 70, 30, 8, 4, 1234, HeldOutData("data/test", "a" * 64, 1, 2))
    assert (
        "; on images of data/test, accuracy changes"
        in conclude(suspicion, fixes=(make_fixes(suspicion, split=split),))[2]
    )


def test_the_samples_of_a_search_without_effects_are_named(findings) -> None:
    _, unknown, _ = findings
    assert "of some texts was found that turns texts" in conclude(replace(unknown, modality="text"))[1]
    assert "of some samples was found" in conclude()[1]


def test_evidence_that_no_other_image_has_states_how_many_may_have_it(findings) -> None:
    *_, suspicion = findings
    none = replace(suspicion, others_share=Estimate(0.0, (0.0, 0.003), 1224))
    assert "which none of 1,224 images of other classes have (at most 0.3 %)." in conclude(none)[0]


def test_every_format_has_the_sentences_and_a_run_without_a_search_has_none(run: Run, found) -> None:
    content = report(run)
    assert content.conclusions == ()
    assert "three sentences" not in as_text(content) + as_markdown(content)
    found.write_sample_findings(run)
    content = report(run)
    first, _, third = content.conclusions
    assert " ".join(as_text(content).split()).endswith(" ".join(third.split()))
    assert "## In three sentences" in as_markdown(content)
    html = as_html(content, ReportHeatmaps(run, run.analysis()))
    assert f"<ol><li>{first}</li>" in html
    assert json.loads(as_json(content))["conclusions"] == list(content.conclusions)
