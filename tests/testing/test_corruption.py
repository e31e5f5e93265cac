"""Corruptions of a finished run, seeded: no use of a damaged run is wrong in silence, a traceback or a hang.

`benchmarks/corruption.py` is the long form.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from whyset.testing.corruption import FORBIDDEN, OUTCOMES, Corruption, plan_corruptions
from whyset.testing.corruption.outcome import HANG, KNOWN, NAMED, RIGHT, SAID, SILENT, TRACEBACK, UNNAMED, Answer, judge

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
        "category.json", "column of a class", "selection", "cluster names",
    }  # fmt: skip


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
        (Answer("q 0.500"), True, RIGHT),
        (Answer("", "BrokenRunError: .../00001/category.json is damaged"), False, NAMED),
        (Answer("", "something is wrong"), False, UNNAMED),
        (Answer("q 0.500\n2 of 3 classes are finished"), True, SAID),
        (Answer("q 0.333"), False, KNOWN),
        (Answer("q 0.333"), True, SILENT),
        (Answer("", "Traceback", crashed=True), True, TRACEBACK),
    ],
)
def test_outcomes(answer: Answer, verified: bool, outcome: str) -> None:
    assert judge(answer, Answer("q 0.500"), "analyses/spray/00001/category.json", verified) == outcome


def test_what_is_forbidden_is_worst() -> None:
    assert OUTCOMES[-3:] == FORBIDDEN == (SILENT, TRACEBACK, HANG)
