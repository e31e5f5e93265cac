"""What a worker does, wherever it runs: make the state once, then one task after the other."""

import os
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from whyset.engines.protocol import Work, error_text
from whyset.engines.share import local_rank
from whyset.errors import InputError, JobStoppedError, StorageError

_NUMBER = "WHYSET_WORKER"


@dataclass(frozen=True)
class Ready:
    """The state is made."""


@dataclass(frozen=True)
class SetupFailed:
    """`setup` raised: the exception itself where it can be pickled, and what it looked like in the worker."""

    error: BaseException | None
    text: str
    trace: str


@dataclass(frozen=True)
class Free:
    """The task given last will be settled later, and the next one may come."""


@dataclass(frozen=True)
class Done:
    """The value, still pickled, or the text of the error, of the task with this number.

    `stop` is the message of a StorageError or JobStoppedError: no other task could keep its result either.
    """

    number: int
    value: bytes | None
    error: str | None = None
    stop: str | None = None


@dataclass(frozen=True)
class Working:
    """A sign of progress in a task, or with `at` a note of what it waits for, which is none."""

    at: str = ""


@runtime_checkable
class ReportsProgress(Protocol):
    """A state whose tasks report their progress, so that an engine can tell a slow task from one that hangs."""

    def report_to(self, report: Callable[[str], None]) -> None:
        """Call `report` with "" after each step, and with a text while something is waited for."""


def worker_number() -> int:
    """Number of this worker among those of its engine on this host, from 0; it serves to choose a device.

    Outside of workers it is the number that Slurm or torchrun gave to this process on this host, or 0.
    """
    given = os.environ.get(_NUMBER)
    return local_rank() if given is None else int(given)


def set_worker_number(number: int) -> None:
    os.environ[_NUMBER] = str(number)


@dataclass(frozen=True, eq=False)
class WorkerState:
    """A worker's place of work: the function and the state that it made."""

    work: Work
    state: Any

    @classmethod
    def make(cls, job: bytes) -> "WorkerState | SetupFailed":
        """Unpickle the work and make its state."""
        try:
            work = _unpickle(job)
            return cls(work, work.setup())
        except Exception as error:
            return _make_setup_failure(error)

    def begin(self, number: int, task: bytes) -> "Done | Future[Any]":
        """Do a task; a Future will have its value."""
        try:
            value = self.work.fn(self.state, pickle.loads(task))
        except Exception as error:
            return _make_failure(number, error)
        return value if isinstance(value, Future) else call_for_answer(number, lambda: value)

    def do(self, number: int, task: bytes) -> Done:
        """Do a task and wait for its value."""
        begun = self.begin(number, task)
        return call_for_answer(number, begun.result) if isinstance(begun, Future) else begun


def call_for_answer(number: int, value: Callable[[], Any]) -> Done:
    """The answer with the value that is had by calling, or with the error that this raises."""
    try:
        return Done(number, pickle.dumps(value()))
    except Exception as error:
        return _make_failure(number, error)


def _make_failure(number: int, error: Exception) -> Done:
    stops = isinstance(error, StorageError | JobStoppedError)
    return Done(number, None, error_text(error), str(error) if stops else None)


def _unpickle(job: bytes) -> Work:
    try:
        work: Work = pickle.loads(job)
    except Exception as error:
        raise InputError(
            f"a worker cannot rebuild what it was sent ({error_text(error)}): expected functions and classes from a "
            "module that can be imported where the worker runs, not from a notebook or a shell; or use the engine "
            "'serial'"
        ) from error
    return work


def _make_setup_failure(error: Exception) -> SetupFailed:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return SetupFailed(None, error_text(error), trace)
    return SetupFailed(error, error_text(error), trace)
