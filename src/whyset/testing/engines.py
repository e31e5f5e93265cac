"""What every engine must do, and what every engine with worker processes must do besides."""

import multiprocessing
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whyset.engines import Engine, worker_number
from whyset.errors import InputError


class EngineContract(ABC):
    """Inherit, and say which engine.

    >>> class TestMine(EngineContract):      # doctest: +SKIP
    ...     def engine(self): return Mine()
    """

    @abstractmethod
    def engine(self) -> Engine:
        """The engine under test, with two workers where it has workers."""

    def test_every_task_gets_exactly_one_result(self) -> None:
        results = list(self.engine().map(add_task, list(range(7)), setup=hundred))
        assert sorted((result.task, result.value) for result in results) == [(n, 100 + n) for n in range(7)]
        assert all(result.error is None and result.attempts == 1 for result in results)

    def test_no_tasks_need_no_setup(self) -> None:
        assert list(self.engine().map(add_task, [], setup=fail_setup)) == []

    def test_without_setup_the_state_is_none(self) -> None:
        assert [result.value for result in self.engine().map(state_is_none, [0])] == [True]

    def test_setup_is_done_once_per_worker(self, tmp_path: Path) -> None:
        list(self.engine().map(ignore, list(range(12)), setup=CountedSetup(tmp_path)))
        made = [path.name.partition("-")[0] for path in tmp_path.iterdir()]
        assert 1 <= len(made) == len(set(made)) <= 2

    def test_an_exception_is_the_error_of_its_task_alone(self) -> None:
        results = {result.task: result for result in self.engine().map(refuse_three, list(range(6)))}
        assert results[3].error == "ValueError: three is refused"
        assert (results[3].value, results[3].attempts) == (None, 1)
        assert [result.value for task, result in sorted(results.items()) if task != 3] == [0, 1, 2, 4, 5]

    def test_a_failing_setup_ends_the_map_with_its_own_error(self) -> None:
        with pytest.raises(InputError, match="no such weights"):
            list(self.engine().map(add_task, [1, 2], setup=fail_setup))

    def test_a_map_that_is_left_early_leaves_no_process(self) -> None:
        results = self.engine().map(add_task, list(range(50)), setup=hundred)
        next(results)
        results.close()  # type: ignore[attr-defined]  # engines yield from generators
        assert multiprocessing.active_children() == []


class ProcessEngineContract(EngineContract):
    """For engines whose workers are processes that can die."""

    def test_a_killed_worker_is_replaced_and_its_task_done_again(self, tmp_path: Path) -> None:
        results = {result.task: result for result in self.engine().map(KillOnce(tmp_path, at=2), list(range(6)))}
        assert {task: result.value for task, result in results.items()} == {n: n for n in range(6)}
        assert results[2].attempts == 2

    def test_a_task_that_ends_its_workers_is_given_up_and_the_rest_is_done(self) -> None:
        results = {result.task: result for result in self.engine().map(kill_at_two, list(range(6)), retries=3)}
        assert results[2].attempts == 3
        assert "3 workers" in (results[2].error or "")
        assert [task for task, result in sorted(results.items()) if result.error is None] == [0, 1, 3, 4, 5]

    def test_two_workers_work_at_once_and_know_their_numbers(self, tmp_path: Path) -> None:
        assert {result.value for result in self.engine().map(Meeting(tmp_path), [0, 1])} == {0, 1}

    def test_the_death_of_another_worker_changes_no_result(self, tmp_path: Path) -> None:
        results = self.engine().map(KillOther(tmp_path), [0, 1, 2, 3])
        assert sorted((result.task, result.value) for result in results) == [(n, n) for n in range(4)]

    def test_workers_that_die_in_setup_end_the_map(self) -> None:
        with pytest.raises(Exception, match="set up"):
            list(self.engine().map(add_task, [1, 2], setup=kill_self))

    def test_what_cannot_be_sent_is_refused(self) -> None:
        local: Callable[[Any, int], int] = lambda _, task: task  # noqa: E731  # exactly what cannot be pickled
        with pytest.raises(InputError, match="top level"):
            list(self.engine().map(local, [1]))

    def test_a_value_that_cannot_be_sent_is_an_error_of_its_task(self) -> None:
        (result,) = self.engine().map(make_lambda, [1])
        assert result.error is not None


def hundred() -> int:
    return 100


def add_task(state: int | None, task: int) -> int:
    return (state or 0) + task


def state_is_none(state: object, _: int) -> bool:
    return state is None


def ignore(_: object, task: int) -> int:
    return task


def refuse_three(_: object, task: int) -> int:
    if task == 3:
        raise ValueError("three is refused")
    return task


def fail_setup() -> int:
    raise InputError("no such weights")


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_two(_: object, task: int) -> int:
    if task == 2:
        kill_self()
    return task


def make_lambda(_: object, task: int) -> Callable[[], int]:
    return lambda: task


class CountedSetup:
    """A setup that leaves one file per call, named by its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> None:
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()


class KillOnce:
    """A task that ends its process the first time."""

    def __init__(self, folder: Path, at: int) -> None:
        self.marker, self.at = folder / "killed", at

    def __call__(self, _: object, task: int) -> int:
        if task == self.at and not self.marker.exists():
            self.marker.touch()
            kill_self()
        return task


class Meeting:
    """Tasks 0 and 1 each wait until the other has begun, and answer the numbers of their workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _: object, task: int) -> int:
        (self.folder / str(task)).touch()
        until(lambda: (self.folder / str(1 - task)).exists())
        return worker_number()


class KillOther:
    """Task 0 kills all workers but its own, once another one is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, _: object, task: int) -> int:
        (self.folder / str(os.getpid())).touch()
        if task == 0:
            until(lambda: len(list(self.folder.iterdir())) > 1)
            for other in {path.name for path in self.folder.iterdir()} - {str(os.getpid())}:
                os.kill(int(other), signal.SIGKILL)
        return task


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that must happen, at most half a minute."""
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.01)
    raise TimeoutError("it never happened")
