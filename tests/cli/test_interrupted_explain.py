"""`whyset explain` as a real process that is killed or interrupted, and then continued."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import whyset as ws

PATIENCE = 120.0


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for something that the process does; it may also end first."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and not condition():
        assert time.monotonic() < deadline, "the process does not get there"
        time.sleep(0.005)


def commits(run: Path) -> int:
    return len(list((run / "commits").glob("*.json")))


def wait_for_the_end_of(group: int) -> None:
    """Wait until no process of the group is left: workers must not outlive the process that started them."""
    deadline = time.monotonic() + PATIENCE
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.02)
        pytest.fail("workers outlive the process that started them")


def same_arrays(one: Path, other: Path) -> bool:
    mine, theirs = ws.open_run(one), ws.open_run(other)
    columns = ("target", "prediction", "confidence", "status")
    same = [np.array_equal(mine.column(name), theirs.column(name)) for name in columns]
    return (
        all(same)
        and np.array_equal(mine.relevance[:], theirs.relevance[:])
        and np.array_equal(mine.inputs[:], theirs.inputs[:])
    )


@pytest.fixture(scope="module")
def uninterrupted(long_job: Any) -> Path:
    process = long_job.start(out=long_job.folder / "whole")
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, ""), out + err
    assert commits(long_job.folder / "whole") == 3
    return long_job.folder / "whole"


@pytest.fixture
def run(long_job: Any, request: pytest.FixtureRequest) -> Path:
    return long_job.folder / request.node.name.replace("[", "-").strip("]")


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_run_that_is_killed_again_and_again_ends_with_the_arrays_of_one_that_was_not(
    engine: str, long_job: Any, uninterrupted: Path, run: Path
) -> None:
    """Killed by SIGKILL: as soon as there is a run, in the middle of a shard, and after each of its commits."""
    workers = ("--workers", "2") if engine == "local" else ()
    for there, pause, slowness in ((0, 0.0, 0.03), (0, 0.4, 0.03), (1, 0.0, 0.03), (2, 0.0, 0.1)):
        process = long_job.start(*workers, out=run, engine=engine, seconds_per_batch=slowness)
        wait_until(lambda there=there: (run / "run.json").exists() and commits(run) >= there, process)
        time.sleep(pause)
        process.kill()
        process.communicate()
        wait_for_the_end_of(process.pid)
        assert process.returncode == -signal.SIGKILL
    assert commits(run) < 3
    process = long_job.start(out=run)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, ""), out + err
    assert "samples are already explained" in out
    assert same_arrays(run, uninterrupted)
    assert ws.open_run(run).verify() == []


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_ctrl_c_ends_with_130_in_one_line_and_leaves_a_run_that_continues(
    engine: str, long_job: Any, uninterrupted: Path, run: Path
) -> None:
    process = long_job.start(out=run, engine=engine, seconds_per_batch=0.1)
    wait_until(lambda: commits(run) >= 1, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert err == "whyset: interrupted; repeat the command to continue\n"
    wait_for_the_end_of(process.pid)
    assert 1 <= commits(run) < 3
    process = long_job.start(out=run, engine=engine)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert same_arrays(run, uninterrupted)


def test_a_second_job_on_a_run_is_refused_while_the_first_one_lives(long_job: Any, run: Path) -> None:
    first = long_job.start(out=run, seconds_per_batch=2.0)
    wait_until(lambda: any((run / "leases").glob("rank-*.json")), first)
    second = long_job.start(out=run)
    _, err = second.communicate(timeout=PATIENCE)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert f"is held by process {first.pid}" in err
    assert err.count("\n") == 1
