"""Workers that report progress and make none are ended; tasks that report nothing may take their time."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from whyset.engines import Local, Serial
from whyset.errors import InputError, JobStoppedError, StorageError


class Reporting:
    """A state that says what its task is at."""

    report: Callable[[str], None]

    def report_to(self, report: Callable[[str], None]) -> None:
        self.report = report


class Hang:
    """Task 2 stops its process, as a call into a driver may, the first `times` times; file names count them."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times

    def __call__(self, state: Reporting, task: int) -> int:
        count = len(list(self.folder.iterdir()))
        if task == 2 and count < self.times:
            (self.folder / str(count)).touch()
            state.report("page 7")
            os.kill(os.getpid(), signal.SIGSTOP)
        return task * 10


def steps(state: Reporting, task: int) -> int:
    """Takes longer than the timeout, and reports on the way."""
    for _ in range(16):
        time.sleep(0.25)
        state.report("")
    return task


def sleep(_: None, task: int) -> int:
    time.sleep(4)
    return task


@dataclass(frozen=True)
class Refuse:
    """Fails in its second task as it does when no other task could be kept either."""

    error: type[Exception]

    def __call__(self, _: None, task: int) -> int:
        if task == 1:
            raise self.error("the disk is full")
        return task


def test_a_stopped_worker_is_replaced_and_its_task_done_again(tmp_path: Path) -> None:
    results = list(Local(workers=1, stall_timeout=3).map(Hang(tmp_path, 1), [1, 2, 3], setup=Reporting))
    assert sorted(result.value for result in results if result.value) == [10, 20, 30]
    assert {result.task: result.attempts for result in results} == {1: 1, 2: 2, 3: 1}


def test_a_task_that_hangs_every_time_is_given_up_with_what_it_waited_for(tmp_path: Path) -> None:
    results = {r.task: r for r in Local(workers=1, stall_timeout=3).map(Hang(tmp_path, 9), [1, 2, 3], setup=Reporting)}
    assert (results[1].value, results[3].value) == (10, 30)
    ended = "ended after 3 s without progress while it waited for page 7"
    assert results[2].error == f"it ended 3 workers (the last was {ended}), and was given up"


@pytest.mark.parametrize(("task", "setup"), [(steps, Reporting), (sleep, lambda: None)], ids=["reporting", "silent"])
def test_slow_tasks_are_left_alone(task: Callable[..., int], setup: Callable[[], object]) -> None:
    given = {"setup": setup} if setup is Reporting else {}
    (result,) = Local(workers=1, stall_timeout=3).map(task, [5], **given)
    assert (result.value, result.attempts) == (5, 1)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_timeout_is_a_number_of_seconds(seconds: float) -> None:
    with pytest.raises(InputError, match="expected seconds, or 0 for no limit"):
        Local(stall_timeout=seconds)


@pytest.mark.parametrize("error", [StorageError, JobStoppedError])
@pytest.mark.parametrize("engine", [Serial(), Local(workers=1)], ids=["serial", "local"])
def test_what_cannot_be_stored_stops_the_whole_map(engine: Serial | Local, error: type[Exception]) -> None:
    results = engine.map(Refuse(error), [0, 1, 2, 3])
    assert next(results).task == 0
    with pytest.raises(JobStoppedError, match="the disk is full"):
        next(results)
    assert list(results) == []
