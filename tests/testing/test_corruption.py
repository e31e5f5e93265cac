"""Corruptions of a finished run, seeded: no use of a damaged run is wrong in silence, a traceback or a hang.

`benchmarks/corruption.py` is the long form.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from whyset.testing.corruption import FORBIDDEN, OUTCOMES, Corruption, plan_corruptions
from whyset.testing.corruption.outcome import (
    HANG,
    KNOWN,
    NAMED,
    RIGHT,
    SAID,
    SILENT,
    TRACEBACK,
    UNNAMED,
    RunAnswer,
    finds_damage,
    judge,
)

COUNT, SEED = 12, 20
USES = "verify", "rows", "report as JSON", "viewer"

MAKE = """
import sys
from pathlib import Path
from whyset.testing.corruption import make_finished_run

make_finished_run(Path(sys.argv[1]))
"""

CHECK = """
import multiprocessing, sys
from pathlib import Path
from whyset.testing.corruption import FORBIDDEN, Corruption, check, make_finished_run, plan_corruptions, take_reference

folder, count, seed, uses = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(",")
maker = multiprocessing.get_context("fork").Process(target=make_finished_run, args=(folder / "run",))
maker.start()
maker.join()
reference = take_reference(folder / "run", folder / "work", uses)
for corruption in plan_corruptions(folder / "run", seed, count):
    checked = check(folder / "run", corruption, reference, folder / "work", uses)
    if checked is not None:
        print(*(f"{use}: {outcome}: {corruption}" for use, outcome in checked.outcomes.items()), sep="\\n", flush=True)
"""


def test_no_damage_changes_an_answer_in_silence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK, tmp_path, str(COUNT), str(SEED), ",".join(USES)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > COUNT
    assert [line for line in lines if line.split(": ")[1] in FORBIDDEN] == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, made in a process of its own."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    subprocess.run([sys.executable, "-c", MAKE, folder], check=True)
    return folder


def test_a_plan_is_seeded_and_reaches_every_type_of_file(finished: Path) -> None:
    plan = plan_corruptions(finished, 3, 400)
    assert plan == plan_corruptions(finished, 3, 400) != plan_corruptions(finished, 4, 400)
    assert {corruption.type for corruption in plan} == {
        "run.json", "samples.parquet", "zarr.json", "shard of maps", "shard of a column", "commit", "analysis.json",
        "category.json", "column of a class", "selection", "cluster names", "checks.json",
    }  # fmt: skip


def test_a_run_without_an_analysis_can_be_planned(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert {corruption.file for corruption in plan_corruptions(tmp_path, 0, 30)} == {"run.json"}


def test_a_corruption_damages_in_the_same_way_each_time(finished: Path, tmp_path: Path) -> None:
    import shutil

    for copy in ("one", "two"):
        shutil.copytree(finished, tmp_path / copy)
        assert Corruption("flip 150 bits", "samples.parquet", 7).apply(tmp_path / copy)
    one, two = ((tmp_path / copy / "samples.parquet").read_bytes() for copy in ("one", "two"))
    assert one == two != (finished / "samples.parquet").read_bytes()


@pytest.mark.parametrize(
    ("answer", "verified", "outcome"),
    [
        (RunAnswer("q 0.500"), True, RIGHT),
        (RunAnswer("", "BrokenRunError: .../00001/category.json is damaged"), False, NAMED),
        (RunAnswer("", "something is wrong"), False, UNNAMED),
        (RunAnswer("q 0.500\n2 of 3 classes are finished"), True, SAID),
        (RunAnswer("q 0.333"), False, KNOWN),
        (RunAnswer("q 0.333"), True, SILENT),
        (RunAnswer("", "Traceback", crashed=True), True, TRACEBACK),
    ],
)
def test_outcomes(answer: RunAnswer, verified: bool, outcome: str) -> None:
    assert judge(answer, RunAnswer("q 0.500"), "analyses/spray/00001/category.json", verified) == outcome


WHOLE = """3 of 72 labels differ
accuracy 0.500 is not changed, which does not say much
2 of 3 classes are finished (not: cat); q-values are withheld until all are finished"""
CATEGORY = "analyses/spray/00001/category.json"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3 of 72 labels", "3 of 5 labels"),
        ("0.500", "0.600"),
        ("is not changed", "is changed"),
        ("not say much", "say much"),
        ("labels", "problem: missing labels cannot be named; a warning"),
        ("0.500 is not changed, which does not say much", "0.400"),
        ("\n2 of 3 classes are finished (not: cat); q-values are withheld until all are finished", ""),
        ("3 of 72 labels differ\n", ""),
    ],
)
def test_ordinary_words_and_old_warnings_in_a_changed_answer_say_nothing(old: str, new: str) -> None:
    assert old in WHOLE
    assert judge(RunAnswer(WHOLE.replace(old, new)), RunAnswer(WHOLE), CATEGORY, True) == SILENT


def test_an_old_warning_in_a_changed_line_of_json_says_nothing() -> None:
    whole = '{"separability": 9.06, "notices": ["Q-values are withheld: 2 of 3 classes are finished."]}'
    assert judge(RunAnswer(whole.replace("9.06", "9.31")), RunAnswer(whole), CATEGORY, True) == SILENT
    more = whole.replace("2 of 3", "1 of 3").replace("9.06", "9.31")
    assert judge(RunAnswer(more), RunAnswer(whole), CATEGORY, True) == SAID


@pytest.mark.parametrize(
    "said",
    [
        "runs/a/checks.json is damaged: expected JSON",
        "stored checks cannot be read: ...",
        "40 of 72 samples explained, 0 failed",
        "1 of 3 shards cannot be read; the first is shard 0: ...",
        "uncommitted: data.zarr, shard 1: written in part",
        "stray: commits/a: it is not a commit",
    ],
)
def test_new_reports_of_damage_count(said: str) -> None:
    assert judge(RunAnswer(f"{WHOLE}\n{said}"), RunAnswer(WHOLE), CATEGORY, True) == SAID


def test_a_lost_or_doubled_line_is_a_change() -> None:
    for output in ("a 1", "a 1\nb 2\nb 2"):
        assert judge(RunAnswer(output), RunAnswer("a 1\nb 2"), CATEGORY, True) == SILENT


def test_an_error_without_the_file_excuses_no_changed_part() -> None:
    whole = RunAnswer("200 /a 1\n200 /b 2")
    assert judge(RunAnswer("200 /a 7", "not found"), whole, CATEGORY, True) == SILENT
    assert judge(RunAnswer("200 /a 1", "not found"), whole, CATEGORY, True) == UNNAMED
    assert judge(RunAnswer("200 /a 7", "00001/category.json is damaged"), whole, CATEGORY, True) == NAMED


def test_damaged_notes_may_change_notes_only() -> None:
    whole = RunAnswer("200 /api/runs/a/selections [1]\n200 /api/runs/a/columns/label 5")
    notes = RunAnswer("200 /api/runs/a/selections [2]\n200 /api/runs/a/columns/label 5")
    label = RunAnswer("200 /api/runs/a/selections [1]\n200 /api/runs/a/columns/label 6")
    assert judge(notes, whole, "selections/1.json", True) == RIGHT
    assert judge(label, whole, "selections/1.json", True) == SILENT
    assert judge(notes, whole, CATEGORY, True) == SILENT


def test_another_answer_about_a_healthy_run_is_silent() -> None:
    assert (
        judge(RunAnswer("", "run.json is damaged", others="2"), RunAnswer("a", others="1"), "run.json", False) == SILENT
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("data.zarr/input/c/1/0/0/0 is damaged", NAMED),
        ("row 40 cannot be exported: shard 1 is damaged", NAMED),
        ("delete commits/000001.json", NAMED),
        ("input 1 is wrong", UNNAMED),
        ("data.zarr/input/c/0/0/0/0 is damaged", UNNAMED),
    ],
)
def test_an_error_names_a_shard_by_file_number_or_commit(error: str, outcome: str) -> None:
    assert judge(RunAnswer("", error), RunAnswer("a"), "data.zarr/input/c/1/0/0/0", False) == outcome


def test_an_error_names_a_commit_by_file_or_number_of_the_shard() -> None:
    for error in ("commits/000001.json is missing", "row 40 (shard 1 of runs/a) is not computed yet"):
        assert judge(RunAnswer("", error), RunAnswer("a"), "commits/000001.json", False) == NAMED
    assert judge(RunAnswer("", "shard 11 is missing"), RunAnswer("a"), "commits/000001.json", False) == UNNAMED


def test_a_stray_is_no_damage_that_excuses_changes() -> None:
    assert not finds_damage(RunAnswer("stray: commits/a: it is not a commit\nwhole"), RunAnswer("whole"))
    assert not finds_damage(RunAnswer("outdated: analyses/spray: x"), RunAnswer("outdated: analyses/spray: x"))
    assert finds_damage(RunAnswer("uncommitted: data.zarr, shard 1: x"), RunAnswer("whole"))
    assert finds_damage(RunAnswer("", "damaged in 1 places"), RunAnswer("whole"))


def test_what_is_forbidden_is_worst() -> None:
    assert OUTCOMES[-3:] == FORBIDDEN == (SILENT, TRACEBACK, HANG)


WITHOUT_CHECKSUMS = """
import multiprocessing, sys
from pathlib import Path
from whyset.store import analyses
from whyset.testing.corruption import Corruption, check, make_finished_run, take_reference

folder, uses = Path(sys.argv[1]), ["verify", "rows"]
maker = multiprocessing.get_context("fork").Process(target=make_finished_run, args=(folder / "run",))
maker.start()
maker.join()
analyses.Category._require_checksum = lambda *_: None
reference = take_reference(folder / "run", folder / "work", uses)
damaged = Corruption("flip a bit", "analyses/spray/00001/mean_map.kmeans.npy", 2)
print(check(folder / "run", damaged, reference, folder / "work", uses).outcomes["rows"])
"""


def test_a_store_that_compares_no_checksums_is_found_out(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_CHECKSUMS, tmp_path], capture_output=True, text=True)
    assert done.stdout.strip() == SILENT, done.stderr
