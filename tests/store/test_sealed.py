"""Analyses are sealed: a changed digit, a missing class and other commits are noticed wherever they are read."""

import json
import shutil

import numpy as np
import pytest

from whyset.errors import BrokenRunError
from whyset.report import as_html, as_json, as_markdown, as_text, rank_classes, report
from whyset.report.pictures import ReportHeatmaps
from whyset.store import CategoryResult, ClassEvidence, open_run
from whyset.store.analyses import ListedClass
from whyset.store.evidence import SeparabilityTest
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows, write_pending

CLASSES = [ListedClass("00000", "cat"), ListedClass("00001", "dog"), ListedClass("00002", "horse")]
P_VALUES = (0.04, 0.5, 0.3)


def result(number):
    evidence = ClassEvidence(n_explanations=4, separability=SeparabilityTest(5.0 - number, P_VALUES[number], 9))
    return CategoryResult(CLASSES[number].id, CLASSES[number].name, {"index": np.arange(4)}, evidence)


def analyzed(run, numbers=(0, 1, 2)):
    writer = run.analysis_writer("spray", {"k": 3}, CLASSES)
    for number in numbers:
        writer.write(result(number))
    return writer.path


def q_values(run):
    return {row.name: row.q_value for row in rank_classes(open_run(run.path).analysis("spray")).rows}


def test_a_whole_analysis_is_sealed_and_has_q_values(full_run):
    analyzed(full_run)
    assert full_run.verify() == []
    found = full_run.analysis("spray").check()
    assert (found.n_classes, found.n_finished, found.sealed, found.outdated, found.notices) == (3, 3, True, False, ())
    assert q_values(full_run) == pytest.approx({"cat": 0.12, "dog": 0.5, "horse": 0.45})


@pytest.mark.parametrize("how", ["removed", "never written", "renamed"])
def test_a_missing_class_is_named_everywhere_and_q_values_are_withheld(full_run, how):
    path = analyzed(full_run, (0, 2) if how == "never written" else (0, 1, 2))
    if how == "removed":
        shutil.rmtree(path / "00001")
    if how == "renamed":
        (path / "00001").rename(path / ".00001")
    assert [(problem.kind, problem.where) for problem in full_run.verify()] == [("unfinished", "analyses/spray/00001")]
    told = report(full_run, "spray")
    assert told.completeness.reason_without_q.startswith("2 of 3 classes are finished (not: dog)")
    assert set(q_values(full_run).values()) == {None}
    for page in (
        as_text(told),
        as_markdown(told),
        as_json(told),
        as_html(told, ReportHeatmaps(full_run, full_run.analysis())),
    ):
        assert "2 of 3 classes are finished" in page
    assert [row.problem for row in told.classes if row.name == "dog"] == [
        "it is not finished, or its folder was removed; analyze again"
    ]


def test_every_changed_digit_of_a_category_is_noticed(full_run):
    path = analyzed(full_run)
    file = path / "00001/category.json"
    whole = file.read_bytes()
    places = [place for place, byte in enumerate(whole) if chr(byte).isdigit()]
    assert len(places) > 50
    for place in places:
        digit = b"7" if whole[place : place + 1] != b"7" else b"3"
        file.write_bytes(whole[:place] + digit + whole[place + 1 :])
        assert full_run.analysis("spray").category("00001").problem is not None, whole[place - 20 : place + 5]
    (problem,) = full_run.verify()
    assert (problem.kind, problem.where) == ("damaged", "analyses/spray/00001")
    assert set(q_values(full_run).values()) == {None}


def test_a_changed_list_and_a_removed_checksum_are_noticed(full_run):
    path = analyzed(full_run)
    head = json.loads((path / "analysis.json").read_text())
    del head["categories"][1]
    (path / "analysis.json").write_text(json.dumps(head))
    with pytest.raises(BrokenRunError, match="changed after it was written"):
        full_run.analysis("spray")
    assert [problem.kind for problem in full_run.verify()] == ["damaged"]
    analyzed(full_run, ())
    category = json.loads((path / "00001/category.json").read_text())
    del category["checksum"]
    (path / "00001/category.json").write_text(json.dumps(category))
    assert "checksum" in full_run.analysis("spray").category("dog").problem


def test_an_older_schema_does_not_switch_the_seal_off(full_run):
    path = analyzed(full_run)
    head = (path / "analysis.json").read_text()
    (path / "analysis.json").write_text(head.replace('"schema": "2', '"schema": "1'))
    assert (path / "analysis.json").read_text() != head
    with pytest.raises(BrokenRunError, match="changed after it was written"):
        full_run.analysis("spray")


def test_a_category_in_the_folder_of_another_is_noticed(full_run):
    path = analyzed(full_run)
    shutil.rmtree(path / "00001")
    shutil.copytree(path / "00002", path / "00001")
    assert "got '00002'" in full_run.analysis("spray").category("00001").problem


def test_an_analysis_of_other_commits_is_outdated_and_its_classes_are_done_again(run):
    write_shard(run, 0, example_rows(run, 0))
    analyzed(run)
    write_pending(run)
    (problem,) = run.verify()
    assert (problem.kind, problem.where) == ("outdated", "analyses/spray")
    assert "other commits" in as_text(report(open_run(run.path), "spray"))
    assert q_values(run)["cat"] == pytest.approx(0.12)  # all classes are there, from the commits of then
    analyzed(run, (0,))
    found = run.analysis("spray").check()
    assert (found.n_finished, found.unfinished, found.outdated) == (1, ("dog", "horse"), False)
    assert set(q_values(run).values()) == {None}


def test_two_processes_that_begin_the_same_analysis_write_the_same_list(full_run):
    first = full_run.analysis_writer("spray", {"k": 3}, CLASSES)
    stored = (first.path / "analysis.json").read_bytes()
    second = full_run.analysis_writer("spray", {"k": 3}, CLASSES)
    assert (first.path / "analysis.json").read_bytes() == stored
    first.write(result(0))
    second.write(result(1))
    first.write(result(2))
    assert full_run.verify() == []


def test_an_analysis_without_a_list_says_that_it_is_not_sealed(full_run):
    full_run.analysis_writer("spray", {}).write(result(0))
    found = full_run.analysis("spray").check()
    assert (found.n_classes, found.sealed) == (None, False)
    assert "not sealed" in as_text(report(full_run, "spray"))
