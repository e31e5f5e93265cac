"""Engine: a map over tasks that survives the death of its workers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
S = TypeVar("S")
V = TypeVar("V")


@dataclass(frozen=True)
class TaskResult(Generic[T, V]):
    """What became of one task: its value, or the error as text, and how many attempts it took."""

    task: T
    value: V | None = None
    error: str | None = None
    attempts: int = 1


@runtime_checkable
class Engine(Protocol):
    """Runs `fn(state, task)` for every task, where `state = setup()` is made once per worker.

    Results come as they are finished, in any order, exactly one per task. An exception in `fn` is the task's error,
    as text, and is not tried again; a worker that dies is replaced and its task done again, up to `retries` times in
    all. An exception in `setup` ends the map. What a task writes must be safe to be done twice.

    `fn` may return a `concurrent.futures.Future`: its result is the task's value, and an engine may give the worker its
    next task meanwhile (or wait, by `settled`). A worker that dies does its unsettled tasks again as well.
    """

    def map(
        self,
        fn: Callable[[S | None, T], V],
        tasks: Sequence[T],
        *,
        setup: Callable[[], S] | None = None,
        retries: int = 3,
    ) -> Iterator[TaskResult[T, V]]: ...


def settled(value: "V | Future[V]") -> V:
    """The value that a task's function returned, waited for if it is still to come."""
    return value.result() if isinstance(value, Future) else value


def error_text(error: BaseException) -> str:
    """Type and message of an exception, on one line where it has one."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


AnyEngine = Engine | str
AnyResult = TaskResult[Any, Any]
