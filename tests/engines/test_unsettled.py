"""A task may return a Future: its value counts, and its error too; the serial engine goes on meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

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


def test_the_serial_engine_begins_the_next_task_before_the_last_one_is_settled() -> None:
    assert [result.value for result in Serial().map(linked, range(4), setup=Chain)] == [0, 1, 2, 3]
