"""Selections: one file each, atomic, and a lost race is told to the one who lost it."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import InputError
from whyset.store.selections import Selection, SelectionChangedError, Selections


@pytest.fixture
def selections(tmp_path: Path) -> Selections:
    return Selections(tmp_path / "selections", 100)


MARK = Selection(name="corner mark", rows=(17, 3, 40, 3), tags=("clever hans", " clever hans "), note="<b>look</b>")


def test_what_is_written_is_read_again(selections: Selections) -> None:
    added = selections.add(MARK)
    assert (added.rows, added.tags, added.revision) == ((3, 17, 40), ("clever hans",), 1)
    assert selections.all() == [added] == [selections.get(added.id)]
    assert json.loads((selections.folder / f"{added.id}.json").read_text())["format"] == "whyset-selection"


def test_a_change_counts_the_revision_and_keeps_the_beginning(selections: Selections) -> None:
    added = selections.add(MARK)
    changed = selections.change(replace(added, note="all by one photographer", rows=()))
    assert (changed.revision, changed.created, changed.rows) == (2, added.created, ())
    assert changed.changed > added.changed
    assert selections.get(added.id) == changed


def test_a_change_based_on_an_old_revision_is_refused_and_shows_the_new_one(selections: Selections) -> None:
    added = selections.add(MARK)
    first = selections.change(replace(added, name="first"))
    with pytest.raises(
        SelectionChangedError, match=r"'first' was changed by another user.*revision 2.*based on 1"
    ) as told:
        selections.change(replace(added, name="second"))
    assert told.value.current == first == selections.get(added.id)


def test_a_change_of_what_was_deleted_is_refused(selections: Selections) -> None:
    added = selections.add(MARK)
    with pytest.raises(SelectionChangedError):
        selections.delete(added.id, revision=2)
    selections.delete(added.id, revision=1)
    assert selections.all() == []
    with pytest.raises(SelectionChangedError, match="deleted by another user") as told:
        selections.change(added)
    assert told.value.current is None


def test_of_many_writers_at_once_one_wins_and_all_others_are_told(selections: Selections) -> None:
    added = selections.add(MARK)

    def change(number: int) -> Selection | None:
        try:
            return selections.change(replace(added, name=f"writer {number}"))
        except SelectionChangedError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [changed for changed in pool.map(change, range(16)) if changed is not None]
    assert winners == [selections.get(added.id)]


def test_a_writer_killed_at_any_moment_leaves_a_whole_selection(selections: Selections) -> None:
    added = selections.add(MARK)
    program = f"""
from dataclasses import replace
from pathlib import Path
from whyset.store.selections import Selections
selections = Selections(Path({str(selections.folder)!r}), 100)
mine = selections.get({added.id!r})
while True:
    mine = selections.change(replace(mine, note="x" * (mine.revision % 20_000)))
    print(mine.revision, flush=True)
"""
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(5)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        there = selections.get(added.id)
        assert there.revision in (told[-1], told[-1] + 1)
        assert len(there.note) == there.revision - 1
    assert selections.change(replace(there, note="after all")).revision == there.revision + 1


def test_rows_beyond_the_run_are_refused(selections: Selections) -> None:
    with pytest.raises(InputError, match="has the row 100; the run has rows 0 to 99"):
        selections.add(replace(MARK, rows=(5, 100)))
    assert not selections.folder.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 201},
        {"note": "x" * 20_001},
        {"note": "half a pair \ud800"},
        {"tags": ("",)},
        {"tags": ("x" * 101,)},
        {"tags": tuple(map(str, range(65)))},
        {"rows": (-1,)},
    ],
)
def test_values_beyond_their_limits_are_refused(fields: dict) -> None:
    with pytest.raises(InputError):
        replace(MARK, **fields)


@pytest.mark.parametrize("id", ["../run", "a/b", "", ".hidden", "x" * 200])
def test_ids_are_never_paths(selections: Selections, id: str) -> None:
    selections.add(MARK)
    with pytest.raises(InputError):
        selections.get(id)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "whyset-selection", "schema": "2.0"}',
        '{"format": "whyset-selection", "schema": "1.0"}',
    ],
)
def test_a_damaged_file_is_told_and_harms_no_other(selections: Selections, content: str) -> None:
    added = selections.add(MARK)
    (selections.folder / "broken.json").write_text(content)
    assert selections.all() == [added]
    (problem,) = selections.problems()
    assert "broken.json" in problem


@pytest.mark.parametrize(
    "edited",
    [
        {"id": "other"},
        {"id": None},
        {"revision": "1"},
        {"revision": 0},
        {"created": 7},
        {"changed": None},
        {"analysis": 5},
        {"category": ["3"]},
        {"tags": "abc"},
        {"rows": [2**70]},
    ],
)
def test_a_file_edited_by_hand_is_told_and_harms_no_other(selections: Selections, edited: dict) -> None:
    added, wrong = selections.add(MARK), selections.add(MARK)
    file = selections.folder / f"{wrong.id}.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | edited))
    assert selections.all() == [added]
    (problem,) = selections.problems()
    assert f"{wrong.id}.json is damaged" in problem


@given(name=st.text(min_size=1, max_size=200), tag=st.text(min_size=1, max_size=100), note=st.text(max_size=500))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, tag: str, note: str
) -> None:
    selections = Selections(tmp_path_factory.mktemp("selections"), 1)
    try:
        selection = Selection(name=name, rows=(0,), tags=(tag,), note=note)
    except InputError:
        assert not name.strip() or not tag.strip()
        return
    assert selections.get(selections.add(selection).id).note == note
