"""A task may return a Future: its value counts, its error too, and the next task need not wait for it."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from whyset.engines import Engine, Local, Serial

ENGINES: list[Engine] = [Serial(), Local(workers=1)]


def doubled(number: int) -> int:
    if number == 2:
        raise ValueError("two is not doubled")
    return 2 * number


def later(pool: ThreadPoolExecutor, number: int) -> "Future[int]":
    return pool.submit(doubled, number)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_values_and_errors_come_as_if_the_task_had_waited(engine: Engine) -> None:
    results = {result.task: result for result in engine.map(later, range(5), setup=partial(ThreadPoolExecutor, 1))}
    assert {task: result.value for task, result in results.items()} == {0: 0, 1: 2, 2: None, 3: 6, 4: 8}
    assert results[2].error == "ValueError: two is not doubled"


class Chain:
    """Task n is settled by task n + 1, the last one by itself: whoever waits for a value before the next task hangs."""

    def __init__(self) -> None:
        self.before: Callable[[], object] = lambda: None

    def __call__(self, number: int) -> "Future[int]":
        self.before()
        mine: Future[int] = Future()
        self.before = partial(mine.set_result, number)
        if number == 3:
            threading.Timer(0.05, self.before).start()
        return mine


def linked(chain: Chain, number: int) -> "Future[int]":
    return chain(number)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_the_next_task_begins_before_the_last_one_is_settled(engine: Engine) -> None:
    assert sorted(result.value for result in engine.map(linked, range(4), setup=Chain)) == [0, 1, 2, 3]


def killed_once(folder: Path, number: int) -> "Future[int]":
    """Task 1 kills its worker the first time, while task 0 is unsettled."""
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    mine: Future[int] = Future()
    if number == 1 and len(list(folder.glob("1-*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 0 and len(list(folder.glob("0-*"))) == 1:
        return mine
    mine.set_result(number)
    return mine


def test_what_a_dead_worker_had_not_settled_is_done_again(tmp_path: Path) -> None:
    results = list(Local(workers=1).map(killed_once, range(3), setup=partial(Path, tmp_path)))
    assert sorted((result.value, result.attempts) for result in results) == [(0, 2), (1, 2), (2, 1)]


def written_late(folder: Path, number: int) -> "Future[int]":
    """Values come late, so three are still to come when task 3 kills its worker, each time."""
    if number == 3:
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    mine: Future[int] = Future()
    threading.Timer(0.3, partial(mine.set_result, number)).start()
    return mine


def test_a_task_is_not_given_up_for_what_the_next_one_does(tmp_path: Path) -> None:
    results = {
        result.task: result for result in Local(workers=1).map(written_late, range(6), setup=partial(Path, tmp_path))
    }
    assert [task for task, result in results.items() if result.error] == [3]
    assert {task: result.attempts for task, result in results.items()} == {0: 2, 1: 2, 2: 2, 3: 3, 4: 1, 5: 1}
