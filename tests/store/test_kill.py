"""Kill -9 while shards are written: what is committed is whole, and continuing gives what an undisturbed run gives."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from whyset.store import Run, open_run
from whyset.store.commits import read_commit
from whyset.testing.store import example_run, write_pending

WRITER = """
import os, signal, sys
from pathlib import Path
from whyset.testing.store import example_run, write_pending

folder, left = Path(sys.argv[1]), int(sys.argv[2])

def kill_at_a_file_operation(event, arguments):
    global left
    if event in OPERATIONS and any(str(argument).startswith(str(folder)) for argument in arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

OPERATIONS = {"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "shutil.rmtree"}
sys.addaudithook(kill_at_a_file_operation)
write_pending(example_run(folder))
"""


def write_until_killed(folder: Path, operations: int) -> int:
    command = [sys.executable, "-c", WRITER, str(folder), str(operations)]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode


def facts(run: Run) -> list[object]:
    """Everything in a run that must not depend on how often it was interrupted."""
    values = [np.asarray(run.array(spec.name)).tobytes() for spec in run.arrays]
    commits = [read_commit(run.path, shard).to_json() for shard in range(run.shard_count)]
    return [*values, *[{**commit, "attempt": None, "time": None} for commit in commits]]


@pytest.mark.parametrize("operations", [1, 11, 45, 60, 66, 72, 90, 115, 140, 165, 220, 290])
def test_killed_at_any_file_operation_a_run_can_be_continued(tmp_path, operations):
    assert write_until_killed(tmp_path / "run", operations) == -signal.SIGKILL
    if (tmp_path / "run/run.json").exists():
        assert [problem for problem in open_run(tmp_path / "run").verify() if not problem.harmless] == []
    resumed = write_pending(example_run(tmp_path / "run"))
    left = [path for path in resumed.path.rglob("*.partial") if path.parent.name != "leases"]
    assert not [path for path in left if ".claim." not in path.name]  # those may be another living writer's
    assert resumed.verify() == []
    assert facts(resumed) == facts(write_pending(example_run(tmp_path / "reference")))


def test_killed_again_and_again_a_run_is_finished_in_the_end(tmp_path):
    returned = [write_until_killed(tmp_path / "run", 140) for _ in range(5)]
    assert -signal.SIGKILL in returned
    assert returned[-1] == 0
    run = open_run(tmp_path / "run")
    assert run.verify() == []
    assert not list(run.path.rglob("*.claim"))
    assert facts(run) == facts(write_pending(example_run(tmp_path / "reference")))


def test_a_shard_that_was_interrupted_counts_its_attempts(tmp_path):
    write_pending(example_run(tmp_path / "run"))
    undisturbed = read_commit(tmp_path / "run", 0).attempt
    folder = tmp_path / "killed"
    example_run(folder)
    killed_inside = 0
    for operations in range(30, 60, 10):
        write_until_killed(folder, operations)
        killed_inside += (folder / "commits/000000.claim").exists()
    write_pending(example_run(folder))
    assert undisturbed == 1
    assert read_commit(folder, 0).attempt == 1 + killed_inside > 1
