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
    """Setup of work without state."""


@dataclass(frozen=True)
class Work:
    """The work for every task: `fn(state, task)`, with `state = setup()` made once per worker."""

    fn: Callable[[Any, Any], Any]
    setup: Callable[[], Any] = nothing


@dataclass(frozen=True)
class TaskResult(Generic[T, V]):
    """Result of one task: its value, or the error as text, and the number of attempts."""

    task: T
    value: V | None = None
    error: str | None = None
    attempts: int = 1


class Engine(ABC):
    """Runs `fn(state, task)` for every task, where `state = setup()` is made once per worker.

    Results are yielded as they are finished, in any order, exactly one per task. An exception in `fn` becomes the
    task's error, as text, without a retry; a worker that dies is replaced and its task is repeated, up to `retries`
    attempts in total. An exception in `setup` ends the map. A StorageError or JobStoppedError in `fn` ends it with a
    JobStoppedError, as no other task could store its result either. Tasks must be safe to repeat.

    `fn` may return a `concurrent.futures.Future`: its result is the task's value, and an engine may give the worker
    its next task in the meantime, or wait. When a worker dies, its unsettled tasks are repeated too, one at a time.

    A custom engine implements `run`; `whyset.testing.engines` holds the tests that it should pass.
    """

    @property
    def share(self) -> Share:
        """The tasks of this process: all, unless it is one of several ranks."""
        return Share(job=job_id(os.environ), restart=restarts(os.environ))

    @property
    def in_process(self) -> bool:
        """True if tasks run in this process, so nothing has to be pickled."""
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
        """Run the tasks; `map` has checked the arguments. Closing the generator ends all work."""


def error_text(error: BaseException) -> str:
    """Return the type and the message of an exception."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
