"""The benchmark of fixes: shares by hand, what is stored, and what the report says."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from whyset.fixing.held_out import HeldOutChange
from whyset.store.effects.records import Estimate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fixes():
    """The package, as `python -m benchmarks.fixes` imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        import benchmarks.fixes.__main__
        import benchmarks.fixes.report
        import benchmarks.fixes.scoring
        import benchmarks.fixes.truth

        yield benchmarks.fixes
        for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
            del sys.modules[name]


def make_change(reduced, half=0.01):
    values = (reduced, 0.9, 0.0, 0.0)
    return HeldOutChange(*(Estimate(one, (one - half, one + half), 9) for one in values), effect=0.5)


def make_true(reduced, own_class=0.0):
    values = {"reduced": reduced, "reduced_of_cue": reduced, "regained": 0.9, "accuracy": 0.0, "own_class": own_class}
    return {name: Estimate(one, (one - 0.1, one + 0.1), 40) for name, one in values.items()}


@pytest.fixture
def result(fixes):
    scoring = fixes.scoring
    summary = {"fooled": 0.5, "marked_accuracy": 0.4, "accuracy": 0.7, "own_class": 0.6}
    names = [one.describe() for one in scoring.METHODS]
    found = (
        scoring.FixResult(names[0], 2.0, make_true(0.9), summary, make_change(0.95)),
        scoring.FixResult(names[1], 2.0, make_true(0.6), summary, make_change(0.5)),
        scoring.FixResult(names[2], problem="it could not be made"),
    )
    return scoring.CueResult(
        "resnet20-cued-00-0", "tag", 3, 0.1, 0.5, "window of 6", "suspicion", 40, 0.9, summary, summary, summary, found
    )


def test_changes_are_those_by_hand(fixes):
    """Ten hosts of class 1; the cue is of class 0, of which five images are judged."""
    truth = fixes.truth
    labels, places = np.repeat([0, 1], [5, 10]), np.arange(5, 15)

    def judged(clean_right, fooled, marked_right):
        clean = np.where(np.arange(15) < clean_right, labels, 2)
        marked = np.repeat([0, 1, 2], [fooled, marked_right, 10 - fooled - marked_right])
        return truth.Judged(0, labels, places, clean, marked)

    before, after, control, twin = judged(15, 8, 1), judged(14, 2, 6), judged(12, 8, 0), judged(15, 0, 9)
    found = truth.compare(before, after, control, [twin, twin])
    assert found["reduced"].value == pytest.approx(1 - 2 / 8)
    assert found["reduced_of_cue"].value == pytest.approx(1 - 2 / 8)
    assert found["regained"].value == pytest.approx(5 / 8)
    assert found["accuracy"].value == pytest.approx(2 / 15)
    assert found["own_class"].value == 0
    partly = truth.compare(before, after, control, [judged(15, 2, 7)])
    assert partly["reduced_of_cue"].value == pytest.approx(1)
    assert partly["regained"].value == pytest.approx(5 / 6)
    assert truth.compare(before, after, control, [judged(15, 2, 1)])["regained"].value == 1  # nothing was lost
    assert truth.compare(after, before, control, [judged(15, 0, 5)])["regained"].value == 0  # lost by the fix


def test_hosts_that_are_predicted_as_the_class_without_the_cue_are_not_fooled(fixes):
    labels = np.array([1, 1, 0])
    found = fixes.truth.Judged(0, labels, np.array([0, 1]), np.array([0, 1, 0]), np.array([0, 0]))
    assert found.fooled.tolist() == [False, True]


def test_results_are_read_as_they_were_written(fixes, result, tmp_path):
    scoring = fixes.scoring
    without = scoring.CueResult("resnet20-cued-00-0", "blur", 4, 0.01, 0.3)
    for one in (result, without):
        scoring.write_result(scoring.locate(tmp_path, one.network, one.label), one)
    assert scoring.read_results(tmp_path) == [result, without]


def test_the_recommended_fix_is_that_of_held_out_samples(fixes, result):
    """The true cue judges it, but does not choose it."""
    report = fixes.report
    assert report.choose(result) is result.fixes[0]
    parts = (make_change(0.5), make_change(0.95))
    swapped = tuple(replace(fix, held_out=one) for fix, one in zip(result.fixes, parts, strict=False))
    assert report.choose(replace(result, fixes=swapped)) is swapped[1]
    assert report.choose(replace(result, fixes=swapped[:1])) is None


def test_the_report_counts_cues_without_a_finding(fixes, result, tmp_path):
    scoring = fixes.scoring
    costly = replace(result, label=5, fixes=(replace(result.fixes[0], true=make_true(0.9, -0.04)),))
    for one in (result, costly, scoring.CueResult("resnet20-cued-00-0", "blur", 4, 0.01, 0.3)):
        scoring.write_result(scoring.locate(tmp_path / "scores", one.network, one.label), one)
    fixes.__main__.main(["report", "--scores", str(tmp_path / "scores"), "--half", "design", "--out", str(tmp_path)])
    text = next(tmp_path.glob("fixes-cpu-*.md")).read_text()
    assert "for 1 of 3 (33%" in text
    assert "for 1 of 2 (50%" in text
    assert "it could not be made" in text
    assert "No finding in this class" in text
    assert text.count("reached, recommended") == 1
    assert text.count("missed, recommended") == 1


def test_a_report_without_results_is_refused(fixes, tmp_path):
    with pytest.raises(FileNotFoundError, match="run `score` first"):
        fixes.report.write_report(tmp_path, "design", tmp_path)


def test_a_report_is_of_one_half(fixes, result, tmp_path):
    fixes.scoring.write_result(fixes.scoring.locate(tmp_path / "scores", result.network, result.label), result)
    with pytest.raises(FileNotFoundError, match="of the half 'test'"):
        fixes.report.write_report(tmp_path / "scores", "test", tmp_path)


def test_shares_have_the_interval_of_networks(fixes, result):
    """Cues of a network that are all alike count once: two of two networks, as by Clopper and Pearson."""
    results = [replace(result, network=f"resnet20-cued-00-{number}") for number in (0, 0, 0, 5, 5, 5)]
    low = binomtest(2, 2).proportion_ci().low
    assert fixes.report._share(results, [True] * 6) == f"6 of 6 (100% [{low:.0%}, 100%])"


def test_the_run_with_clusters_is_fixed_first(fixes, tmp_path):
    assert fixes.scoring.find_run(tmp_path, "net") is None
    for name in ("relevance", "analyzed"):
        (tmp_path / "net" / "runs" / name / "findings").mkdir(parents=True)
        assert fixes.scoring.find_run(tmp_path, "net").name == name
