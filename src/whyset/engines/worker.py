"""What runs inside a worker process: make the state once, then do one task after the other."""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from whyset.engines.protocol import error_text, settled
from whyset.errors import InputError

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
    """The value, still pickled, or the text of the error, of the worker's task with this number (0, 1, 2, ...)."""

    order: int
    value: bytes | None
    error: str | None = None


def worker_number() -> int:
    """Number of this worker among its engine's, from 0; 0 outside of workers. It serves to choose a device."""
    return int(os.environ.get(_NUMBER, "0"))


def work(connection: Connection, job: bytes, number: int, threads: int) -> None:
    """Serve tasks from the connection until it says None or closes; end at once when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    os.environ[_NUMBER] = str(number)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before the job's libraries are loaded
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        fn, setup = _unpickled(job)
        state = setup() if setup is not None else None
    except Exception as error:
        connection.send(_setup_failed(error))
        return
    connection.send(Ready())
    _serve(connection, fn, state)


def _unpickled(job: bytes) -> tuple[Callable[[Any, Any], Any], Callable[[], Any] | None]:
    try:
        fn, setup = pickle.loads(job)
    except Exception as error:
        raise InputError(
            f"a worker cannot rebuild what it was sent ({error_text(error)}): expected functions and classes from a "
            "module that can be imported, not from a notebook or a shell; or use the engine 'serial'"
        ) from error
    return fn, setup


def _serve(connection: Connection, fn: Callable[[Any, Any], Any], state: object) -> None:
    answers = Answers(connection)
    for order in count():
        try:
            task = connection.recv_bytes()
        except EOFError:
            return
        if not task:
            return
        try:
            value = fn(state, pickle.loads(task))
        except Exception as error:
            answers.send(Done(order, None, error_text(error)))
            continue
        if isinstance(value, Future):
            answers.send(Free())
            value.add_done_callback(partial(answers.settle, order))
        else:
            answers.settle(order, value)


@dataclass
class Answers:
    """The way back to the supervisor, for one thread at a time."""

    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, order: int, value: Any) -> None:
        """Answer with what a task returned, a settled Future or the value itself."""
        try:
            answer = Done(order, pickle.dumps(settled(value)))
        except Exception as error:
            answer = Done(order, None, error_text(error))
        self.send(answer)

    def send(self, message: object) -> None:
        with self.lock:
            self.connection.send(message)


def _setup_failed(error: Exception) -> SetupFailed:
    trace = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return SetupFailed(None, error_text(error), trace)
    return SetupFailed(error, error_text(error), trace)


def _end_with_parent() -> None:
    """A killed parent must not leave workers that go on writing."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
