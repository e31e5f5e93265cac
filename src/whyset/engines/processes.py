"""Processes: the workers of `Local`, spawned on this machine, each with its own pipe."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from whyset.engines.supervisor import Died, Event
from whyset.engines.worker import (
    Done,
    Free,
    Ready,
    ReportsProgress,
    SetupFailed,
    WorkerState,
    Working,
    call_for_answer,
    set_worker_number,
)

_PATIENCE = 5.0
"""Seconds to wait for a worker to end before it is killed."""


@dataclass(frozen=True)
class WorkerProcess:
    """A process and the pipe to it."""

    process: SpawnProcess
    connection: Connection
    vigil: "WorkerWatch" = field(default_factory=lambda: WorkerWatch())


@dataclass
class WorkerWatch:
    """Time of the last event of a worker, its tasks, and what it waits for."""

    heard: float = field(default_factory=time.monotonic)
    reports: bool = False
    tasks: set[int] = field(default_factory=set)
    at: str = ""

    def note(self, event: Event | Working) -> None:
        """Record an event; a note of what the worker waits for does not count as progress."""
        if isinstance(event, Working):
            self.reports = True
            self.at = event.at
            if event.at:
                return
        if isinstance(event, Done):
            self.tasks.discard(event.number)
        self.heard, self.at = time.monotonic(), ""

    def get_remaining(self, timeout: float | None) -> float | None:
        """Return the seconds left for the worker to make progress; None: no limit."""
        if not timeout or not self.reports or not self.tasks:
            return None
        return self.heard + timeout - time.monotonic()


@dataclass
class Processes:
    """Up to `places` worker processes; the number of a worker is its place plus `first`."""

    job: bytes
    places: int
    threads: int
    first: int = 0
    stall_timeout: float | None = None
    """Seconds without progress after which a worker is ended, if its state reports progress; None or 0: never."""
    workers: dict[int, WorkerProcess] = field(default_factory=dict, init=False)

    @property
    def size(self) -> int:
        return len(self.workers)

    def grow(self, wanted: int) -> None:
        free = [place for place in range(self.places) if place not in self.workers]
        for place in free[:wanted]:
            self.workers[place] = self._start(place)

    def _start(self, place: int) -> WorkerProcess:
        context = get_context("spawn")
        here, there = context.Pipe()
        arguments = (there, self.job, self.first + place, self.threads)
        process = context.Process(target=serve, args=arguments, name=f"whyset-worker-{place}")
        with without_interrupts():
            process.start()
        there.close()
        return WorkerProcess(process, here)

    def give(self, worker: int, number: int, task: bytes) -> None:
        vigil = self.workers[worker].vigil
        vigil.tasks.add(number)
        vigil.heard = time.monotonic()
        with suppress(OSError):  # the worker is dead, as `listen` will find
            self.workers[worker].connection.send((number, task))

    def listen(self) -> list[tuple[int, Event]]:
        left = [worker.vigil.get_remaining(self.stall_timeout) for worker in self.workers.values()]
        shortest = min((seconds for seconds in left if seconds is not None), default=None)
        patience = None if shortest is None else max(0.0, shortest)
        heard = wait([worker.connection for worker in self.workers.values()], patience)
        events = [
            (place, self._event(place)) for place, worker in list(self.workers.items()) if worker.connection in heard
        ]
        reported = [(place, event) for place, event in events if not isinstance(event, Working)]
        return [*reported, *self._end_stalled()]

    def _event(self, place: int) -> Event | Working:
        try:
            event: Event | Working = self.workers[place].connection.recv()
        except (EOFError, OSError):
            return Died(_end(self.workers.pop(place)))
        self.workers[place].vigil.note(event)
        return event

    def _end_stalled(self) -> list[tuple[int, Event]]:
        """End workers that made no progress for too long, after receiving everything that they had sent."""
        events: list[tuple[int, Event]] = []
        for place, worker in list(self.workers.items()):
            left = worker.vigil.get_remaining(self.stall_timeout)
            if left is not None and left <= 0 and not worker.connection.poll():
                worker.process.kill()
                _end(self.workers.pop(place))
                at = f" while it waited for {worker.vigil.at}" if worker.vigil.at else ""
                events.append((place, Died(f"ended after {self.stall_timeout:g} s without progress{at}")))
        return events

    def close(self, gently: bool) -> None:
        for worker in self.workers.values():
            with suppress(OSError):
                worker.connection.send(None) if gently else worker.process.terminate()
        for worker in self.workers.values():
            worker.process.join(_PATIENCE)
            _end(worker)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Put off Ctrl-C while a process starts, so that a process that is still importing prints no traceback.

    The new process inherits the block of the signal. In this process another thread may take the signal, and Python
    runs the handler in the main thread all the same: the handler is replaced, too, and called afterwards.
    """
    with ExitStack() as after:
        if threading.current_thread() is threading.main_thread():
            after.enter_context(_put_off(signal.SIGINT))
        if hasattr(signal, "pthread_sigmask"):
            resource_tracker.ensure_running()  # started later, it would lift the block
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            after.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        yield


@contextmanager
def _put_off(number: signal.Signals) -> Iterator[None]:
    """Call the handler of a signal after the block, if the signal has arrived in the meantime."""
    handler = signal.getsignal(number)
    if not callable(handler):  # ignored, or not Python's
        yield
        return
    arrived: list[object] = []
    signal.signal(number, lambda *_: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(number, handler)
        if arrived:
            signal.raise_signal(number)


def serve(connection: Connection, job: bytes, number: int, threads: int) -> None:
    """Run as a worker: serve tasks from the connection until it closes or sends None; end when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent decides
    set_worker_number(number)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before the job's libraries are loaded
    threading.Thread(target=_end_with_parent, daemon=True).start()
    bench = WorkerState.make(job)
    if isinstance(bench, SetupFailed):
        connection.send(bench)
        return
    answers = Answers(connection)
    if isinstance(bench.state, ReportsProgress):
        bench.state.report_to(lambda at: answers.send(Working(at)))
        answers.send(Working())
    answers.send(Ready())
    with suppress(EOFError, OSError):
        while (given := connection.recv()) is not None:
            answers.follow(given[0], bench.begin(*given))


@dataclass(frozen=True)
class Answers:
    """Sender of events to the supervisor, for one thread at a time."""

    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, number: int, begun: "Done | Future[Any]") -> None:
        """Send the outcome, or announce that it will follow and that another task may be given."""
        if isinstance(begun, Done):
            self.send(begun)
            return
        self.send(Free())
        begun.add_done_callback(lambda future: self.send(call_for_answer(number, future.result)))

    def send(self, event: Event | Working) -> None:
        with self.lock, suppress(OSError):  # the parent has died, and this process ends with it
            self.connection.send(event)


def _end_with_parent() -> None:
    """End this process with its parent, so that no worker continues to write."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end(worker: WorkerProcess) -> str:
    """Ensure that the process has ended, release its resources, and return how it ended."""
    worker.connection.close()
    worker.process.join(_PATIENCE)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()
    code = worker.process.exitcode
    worker.process.close()
    return _ending(code)


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"killed by {name}{' - out of memory?' if name == 'SIGKILL' else ''}"
