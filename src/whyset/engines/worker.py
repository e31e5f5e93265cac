"""Code of a worker in any engine: make the state once, then run one task after the other."""

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
    """`setup` raised: the exception if it can be pickled, its text, and its traceback in the worker."""

    error: BaseException | None
    text: str
    trace: str


@dataclass(frozen=True)
class Free:
    """The worker is ready for another task; the last one will be settled later."""


@dataclass(frozen=True)
class Done:
    """The pickled value or the error text of the task with this number.

    `stop` is the message of a StorageError or JobStoppedError: no other task could store its result either.
    """

    number: int
    value: bytes | None
    error: str | None = None
    stop: str | None = None


@dataclass(frozen=True)
class Working:
    """Progress of a task; with `at`, only a note of what the task waits for, not progress."""

    at: str = ""


@runtime_checkable
class ReportsProgress(Protocol):
    """A state whose tasks report progress, so an engine can distinguish slow tasks from stalled ones."""

    def report_to(self, report: Callable[[str], None]) -> None:
        """Call `report` with "" after each step, and with a text while waiting."""


def worker_number() -> int:
    """Return the number of this worker among those of its engine on this host, from 0, used to choose a device.

    Outside of workers it is the number that Slurm or torchrun assigned to this process on this host, or 0.
    """
    given = os.environ.get(_NUMBER)
    return local_rank() if given is None else int(given)


def set_worker_number(number: int) -> None:
    os.environ[_NUMBER] = str(number)


@dataclass(frozen=True, eq=False)
class WorkerState:
    """The function and the state of a worker."""

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
        """Run a task; return its outcome, or a Future of its value."""
        try:
            value = self.work.fn(self.state, pickle.loads(task))
        except Exception as error:
            return _make_failure(number, error)
        return value if isinstance(value, Future) else call_for_answer(number, lambda: value)

    def do(self, number: int, task: bytes) -> Done:
        """Run a task and wait for its value."""
        begun = self.begin(number, task)
        return call_for_answer(number, begun.result) if isinstance(begun, Future) else begun


def call_for_answer(number: int, value: Callable[[], Any]) -> Done:
    """Call `value` and return the outcome of the task: its result or its error."""
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
            f"a worker cannot unpickle its work ({error_text(error)}): expected functions and classes from a "
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
