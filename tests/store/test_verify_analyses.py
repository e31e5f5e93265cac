"""Strays in analyses are named and are no damage; classes that are being written again are not taken for damage."""

import shutil

import numpy as np
import pytest

from whyset.errors import BrokenRunError
from whyset.report import rank_classes
from whyset.store import CategoryResult, ClassEvidence
from whyset.store.analyses import ListedClass
from whyset.store.analysis_writer import _beside
from whyset.store.category import BEING_WRITTEN, MISSING, ReplacedError

CLASSES = [ListedClass("00000", "cat"), ListedClass("00001", "dog")]


def result(number=0, values=4):
    columns = {"index": np.arange(values)}
    return CategoryResult(CLASSES[number].id, CLASSES[number].name, columns, ClassEvidence(n_explanations=values))


@pytest.fixture
def analyzed(full_run):
    """The folder of an analysis of two classes."""
    writer = full_run.analysis_writer("spray", {"k": 3}, CLASSES)
    for number in range(2):
        writer.write(result(number))
    return writer.path


def found(run):
    return [(problem.kind, problem.where) for problem in run.verify()]


@pytest.mark.parametrize("place", ["", "spray/", "spray/00000/"])
@pytest.mark.parametrize("kind", ["file", "empty folder"])
def test_a_stray_is_named_and_harmless_at_every_depth(full_run, analyzed, place, kind):
    stray = analyzed.parent / f"{place}notes"
    stray.touch() if kind == "file" else stray.mkdir()
    assert found(full_run) == [("stray", f"analyses/{place}notes")]
    assert all(problem.harmless for problem in full_run.verify())
    assert [category.problem for category in full_run.analysis("spray").categories] == [None, None]


@pytest.mark.parametrize("name", ["ä", "a b", "spray 2"])
def test_an_analysis_that_no_name_can_ask_for_is_a_stray(full_run, analyzed, name):
    shutil.copytree(analyzed, analyzed.parent / name)
    assert found(full_run) == [("stray", f"analyses/{name}")]


def test_a_class_that_the_analysis_does_not_list_is_a_stray_and_not_a_row(full_run, analyzed):
    shutil.copytree(analyzed / "00001", analyzed / "00007")
    analysis = full_run.analysis("spray")
    assert [category.id for category in analysis.categories] == ["00000", "00001"]
    assert [row.id for row in rank_classes(analysis).rows] == ["00000", "00001"]
    assert (analysis.check().n_finished, analysis.check().n_classes) == (2, 2)
    assert found(full_run) == [("stray", "analyses/spray/00007")]


def test_a_listed_class_with_an_empty_folder_is_not_finished(full_run, analyzed):
    shutil.rmtree(analyzed / "00001")
    (analyzed / "00001").mkdir()
    assert full_run.analysis("spray").category("dog").problem == MISSING
    assert found(full_run) == [("unfinished", "analyses/spray/00001")]


def test_a_file_in_place_of_a_class_is_replaced_without_remains(full_run, analyzed):
    shutil.rmtree(analyzed / "00001")
    (analyzed / "00001").touch()
    assert found(full_run) == [("unfinished", "analyses/spray/00001")]
    full_run.analysis_writer("spray", {"k": 3}, CLASSES).write(result(1))
    assert found(full_run) == []
    assert sorted(entry.name for entry in analyzed.iterdir()) == ["00000", "00001", "analysis.json"]


def test_an_analysis_that_is_to_have_no_class_shows_none(full_run):
    writer = full_run.analysis_writer("spray", {}, [])
    writer.write(result())
    assert full_run.analysis("spray").categories == []


def test_a_class_written_again_while_it_is_read_is_said_to_be_that(full_run, analyzed):
    before = full_run.analysis("spray").category("cat")
    full_run.analysis_writer("spray", {"k": 3}, CLASSES).write(result(values=5))
    with pytest.raises(ReplacedError, match="replaced while it was read: open the analysis again"):
        before.column("index")
    assert full_run.analysis("spray").category("cat").column("index").tolist() == [0, 1, 2, 3, 4]


def test_a_class_is_being_written_while_its_folders_are_exchanged(full_run, analyzed):
    before = full_run.analysis("spray").category("cat")
    (analyzed / "00000").rename(_beside(analyzed / "00000", "old"))
    assert full_run.analysis("spray").category("cat").problem == BEING_WRITTEN
    assert full_run.analysis("spray").read(analyzed / "00000").problem == BEING_WRITTEN
    with pytest.raises(ReplacedError):
        before.column("index")
    assert found(full_run) == [("unfinished", "analyses/spray/00000")]


def test_a_class_that_appears_between_two_looks_is_read(full_run, analyzed, monkeypatch):
    from whyset.store import analyses

    place = analyzed / "00000"
    old = _beside(place, "old")
    place.rename(old)
    look = analyses.categories_being_written

    def look_and_finish(path):
        begun = look(path)
        if old.exists():
            old.rename(place)
        return begun

    monkeypatch.setattr(analyses, "categories_being_written", look_and_finish)
    assert full_run.analysis("spray").read(place).problem is None


def test_what_is_really_damaged_is_not_said_to_be_written(full_run, analyzed):
    np.save(analyzed / "00000/index.npy", np.arange(4)[::-1].copy())
    with pytest.raises(BrokenRunError, match="CRC32") as raised:
        full_run.analysis("spray").category("cat").column("index")
    assert not isinstance(raised.value, ReplacedError)
    (analyzed / "00000/category.json").unlink()
    assert "category.json is missing; analyze again" in full_run.analysis("spray").category("cat").problem
    assert ("damaged", "analyses/spray/00000") in found(full_run)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": "2.1"}', '{"schema": "2.1", "config": {}}'])
def test_a_damaged_head_names_the_remedy_and_is_mended_by_it(full_run, analyzed, damage):
    (analyzed / "analysis.json").write_text(damage)
    with pytest.raises(
        BrokenRunError, match=r"; analyze again: whyset analyze \S+ --name spray with the same options$"
    ):
        full_run.analysis("spray")
    (problem,) = full_run.verify()
    assert problem.kind == "damaged"
    assert "whyset analyze" in problem.message
    writer = full_run.analysis_writer("spray", {"k": 3}, CLASSES)
    assert [writer.has(one.id) for one in CLASSES] == [True, True]
    assert found(full_run) == []


def test_a_lost_head_names_the_remedy(full_run, analyzed):
    (analyzed / "analysis.json").unlink()
    (problem,) = full_run.verify()
    assert (problem.kind, problem.where) == ("missing", "analyses/spray")
    assert "whyset analyze" in problem.message


def test_a_folder_in_place_of_the_head_is_named(full_run, analyzed):
    (analyzed / "analysis.json").unlink()
    (analyzed / "analysis.json").mkdir()
    with pytest.raises(
        BrokenRunError, match=r"analysis.json: expected a file, got a folder; delete it, then analyze again"
    ):
        full_run.analysis_writer("spray", {"k": 3}, CLASSES)
