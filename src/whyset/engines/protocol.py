"""Engine: a map over tasks that survives the death of its workers."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from whyset.engines.share import Share, job_id, restarts
from whyset.errors import InputError

T = TypeVar("T")
S = TypeVar("S")
V = TypeVar("V")


def nothing() -> None:
    """The setup of work that needs no state."""


@dataclass(frozen=True)
class Work:
    """What is done with every task: `fn(state, task)`, with `state = setup()` made once per worker."""

    fn: Callable[[Any, Any], Any]
    setup: Callable[[], Any] = nothing


@dataclass(frozen=True)
class TaskResult(Generic[T, V]):
    """What became of one task: its value, or the error as text, and how many attempts it took."""

    task: T
    value: V | None = None
    error: str | None = None
    attempts: int = 1


class Engine(ABC):
    """Runs `fn(state, task)` for every task, where `state = setup()` is made once per worker.

    Results come as they are finished, in any order, exactly one per task. An exception in `fn` is the task's error,
    as text, and is not tried again; a worker that dies is replaced and its task done again, up to `retries` times in
    all. An exception in `setup` ends the map, and so does a StorageError or JobStoppedError in `fn`, as a
    JobStoppedError: no other task could keep its result either. What a task writes must be safe to be done twice.

    `fn` may return a `concurrent.futures.Future`: its result is the task's value, and an engine may give the worker its
    next task meanwhile, or wait. When a worker dies its unsettled tasks are done again as well, each by itself.

    An engine of one's own implements `run`; `whyset.testing.engines` holds the tests that it should pass.
    """

    @property
    def share(self) -> Share:
        """Which tasks this process takes care of: all of them, unless it is one of several ranks."""
        return Share(job=job_id(os.environ), restart=restarts(os.environ))

    @property
    def in_process(self) -> bool:
        """Whether the tasks are done in this very process, so that nothing needs to be sent anywhere."""
        return False

    @overload
    def map(
        self, fn: Callable[[None, T], V | Future[V]], tasks: Sequence[T], *, retries: int = 3
    ) -> Generator[TaskResult[T, V], None, None]: ...

    @overload
    def map(
        self, fn: Callable[[S, T], V | Future[V]], tasks: Sequence[T], *, setup: Callable[[], S], retries: int = 3
    ) -> Generator[TaskResult[T, V], None, None]: ...

    def map(
        self,
        fn: Callable[[Any, T], V | Future[V]],
        tasks: Sequence[T],
        *,
        setup: Callable[[], Any] = nothing,
        retries: int = 3,
    ) -> Generator[TaskResult[T, V], None, None]:
        if retries < 1:
            raise InputError(f"retries is {retries}: expected at least 1")
        return self.run(Work(fn, setup), tasks, retries)

    @abstractmethod
    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        """Do the tasks; `map` has checked the arguments. Closing the generator ends the work and leaves nothing."""


def error_text(error: BaseException) -> str:
    """Type and message of an exception, on one line where it has one."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
