"""Processes: the workers of `Local`, spawned on this machine, each with a pipe of its own."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from whyset.engines.supervisor import Died, Event
from whyset.engines.worker import Bench, Done, Free, Ready, SetupFailed, answered, set_worker_number

_PATIENCE = 5.0
"""Seconds that a worker gets to end by itself before it is ended."""


@dataclass(frozen=True)
class Worker:
    """A process and the pipe to it."""

    process: SpawnProcess
    connection: Connection


@dataclass
class Processes:
    """Up to `places` worker processes; the place gives a worker its number, counted from `first`."""

    job: bytes
    places: int
    threads: int
    first: int = 0
    workers: dict[int, Worker] = field(default_factory=dict, init=False)

    @property
    def size(self) -> int:
        return len(self.workers)

    def grow(self, wanted: int) -> None:
        free = [place for place in range(self.places) if place not in self.workers]
        for place in free[:wanted]:
            self.workers[place] = self._start(place)

    def _start(self, place: int) -> Worker:
        context = get_context("spawn")
        here, there = context.Pipe()
        arguments = (there, self.job, self.first + place, self.threads)
        process = context.Process(target=serve, args=arguments, name=f"whyset-worker-{place}")
        with without_interrupts():
            process.start()
        there.close()
        return Worker(process, here)

    def give(self, worker: int, number: int, task: bytes) -> None:
        with suppress(OSError):  # the worker is dead: listening will find out
            self.workers[worker].connection.send((number, task))

    def listen(self) -> list[tuple[int, Event]]:
        heard = wait([worker.connection for worker in self.workers.values()])
        return [
            (place, self._event(place)) for place, worker in list(self.workers.items()) if worker.connection in heard
        ]

    def _event(self, place: int) -> Event:
        try:
            event: Event = self.workers[place].connection.recv()
        except (EOFError, OSError):
            return Died(_end(self.workers.pop(place)))
        return event

    def close(self, gently: bool) -> None:
        for worker in self.workers.values():
            with suppress(OSError):
                worker.connection.send(None) if gently else worker.process.terminate()
        for worker in self.workers.values():
            worker.process.join(_PATIENCE)
            _end(worker)


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts, so that one that is still importing does not end with a traceback.

    The new process inherits that; what arrived meanwhile reaches this one afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # where it is started by the way, it lifts the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: Connection, job: bytes, number: int, threads: int) -> None:
    """Be a worker: serve tasks from the connection until it closes or says so; end at once when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    set_worker_number(number)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # before the job's libraries are loaded
    threading.Thread(target=_end_with_parent, daemon=True).start()
    bench = Bench.made(job)
    if isinstance(bench, SetupFailed):
        connection.send(bench)
        return
    answers = Answers(connection)
    answers.send(Ready())
    with suppress(EOFError, OSError):
        while (given := connection.recv()) is not None:
            answers.follow(given[0], bench.begin(*given))


@dataclass(frozen=True)
class Answers:
    """The way back to the supervisor, for one thread at a time."""

    connection: Connection
    lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, number: int, begun: "Done | Future[Any]") -> None:
        """Send the answer, or say that it will come and that the next task may."""
        if isinstance(begun, Done):
            self.send(begun)
            return
        self.send(Free())
        begun.add_done_callback(lambda future: self.send(answered(number, future.result)))

    def send(self, event: Event) -> None:
        with self.lock, suppress(OSError):  # the parent is gone, and this process ends with it
            self.connection.send(event)


def _end_with_parent() -> None:
    """A killed parent must not leave workers that go on writing."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end(worker: Worker) -> str:
    """Make sure that the process is gone, release what belongs to it, and say how it ended."""
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
