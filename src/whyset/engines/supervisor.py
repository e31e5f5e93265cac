"""Supervision: each worker is watched by itself, so one death costs one attempt of one task and nothing else."""

import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from whyset.engines.protocol import TaskResult, error_text
from whyset.engines.worker import Done, Free, Ready, SetupFailed, work
from whyset.errors import InputError, WhysetError

_PATIENCE = 5.0
"""Seconds that a worker gets to end by itself before it is ended."""


@dataclass
class Worker:
    """A process, the pipe to it, and the task that it is at (None while it makes its state or waits).

    `given` are its tasks in the order in which it got them, `unsettled` those whose values are still to come.
    """

    process: SpawnProcess
    connection: Connection
    number: int
    ready: bool = False
    task: int | None = None
    given: list[int] = field(default_factory=list)
    unsettled: set[int] = field(default_factory=set)


@dataclass
class Supervisor:
    """Does the tasks of one map with a fixed number of places for workers."""

    job: bytes
    tasks: Sequence[Any]
    places: int
    threads: int
    retries: int
    waiting: deque[int] = field(init=False)
    attempts: list[int] = field(init=False)
    workers: dict[int, Worker] = field(default_factory=dict, init=False)
    stillborn: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.tasks)))
        self.attempts = [0] * len(self.tasks)

    def run(self) -> Iterator[TaskResult[Any, Any]]:
        """Yield one result per task; whatever ends the loop, no worker is left."""
        finished = False
        try:
            while self.waiting or any(worker.unsettled for worker in self.workers.values()):
                self._fill_places()
                for worker in self._heard_from():
                    yield from self._listen(worker)
            finished = True
        finally:
            self._end_all(gently=finished)

    def _fill_places(self) -> None:
        """Give waiting tasks to idle workers, and start workers in free places while tasks wait for them."""
        for worker in self.workers.values():
            if worker.ready and worker.task is None and self.waiting:
                self._give(worker, self.waiting.popleft())
        coming = sum(not worker.ready for worker in self.workers.values())
        free = [number for number in range(self.places) if number not in self.workers]
        for number in free[: max(0, len(self.waiting) - coming)]:
            self.workers[number] = self._start(number)

    def _start(self, number: int) -> Worker:
        context = get_context("spawn")
        here, there = context.Pipe()
        name = f"whyset-worker-{number}"
        process = context.Process(target=work, args=(there, self.job, number, self.threads), name=name)
        process.start()
        there.close()
        return Worker(process, here, number)

    def _give(self, worker: Worker, task: int) -> None:
        worker.task = task
        worker.given.append(task)
        worker.unsettled.add(task)
        self.attempts[task] += 1
        with suppress(OSError):  # the worker is dead: listening will find out
            worker.connection.send_bytes(pickled(self.tasks[task], f"task {self.tasks[task]!r}"))

    def _heard_from(self) -> list[Worker]:
        heard = wait([worker.connection for worker in self.workers.values()])
        return [worker for worker in list(self.workers.values()) if worker.connection in heard]

    def _listen(self, worker: Worker) -> list[TaskResult[Any, Any]]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(worker)
        if isinstance(message, SetupFailed):
            raise _setup_error(message)
        if isinstance(message, Ready):
            worker.ready = True
            self.stillborn = 0
            return []
        if isinstance(message, Free):
            worker.task = None
            return []
        return [self._done(worker, message)]

    def _done(self, worker: Worker, message: Done) -> TaskResult[Any, Any]:
        number = worker.given[message.order]
        worker.unsettled.remove(number)
        worker.task = None if worker.task == number else worker.task
        task, attempts = self.tasks[number], self.attempts[number]
        if message.value is None:
            return TaskResult(task, error=message.error, attempts=attempts)
        try:
            return TaskResult(task, value=pickle.loads(message.value), attempts=attempts)
        except Exception as error:
            return TaskResult(task, error=f"its value cannot be read back: {error_text(error)}", attempts=attempts)

    def _died(self, worker: Worker) -> list[TaskResult[Any, Any]]:
        """Free the place; put its tasks in front again, or give those up that have cost enough workers."""
        del self.workers[worker.number]
        how = _end(worker)
        if not worker.unsettled:
            self._count_stillborn(worker, how)
        again = [task for task in worker.given if task in worker.unsettled and self.attempts[task] < self.retries]
        self.waiting.extendleft(reversed(again))
        return [self._given_up(task, how) for task in worker.unsettled.difference(again)]

    def _given_up(self, number: int, how: str) -> TaskResult[Any, Any]:
        attempts = self.attempts[number]
        error = f"it ended {attempts} worker{'s' if attempts > 1 else ''} (the last was {how}), and was given up"
        return TaskResult(self.tasks[number], error=error, attempts=attempts)

    def _count_stillborn(self, worker: Worker, how: str) -> None:
        """A worker that dies idle is replaced; workers that keep dying before they are ready end the map."""
        if worker.ready:
            return
        self.stillborn += 1
        if self.stillborn >= self.retries:
            raise WhysetError(
                f"{self.stillborn} workers in a row ended while they were set up (the last was {how}); "
                "a script needs `if __name__ == '__main__':` around what starts workers; otherwise try fewer workers, "
                "or the engine 'serial' to see why"
            )

    def _end_all(self, gently: bool) -> None:
        for worker in self.workers.values():
            with suppress(OSError):
                worker.connection.send_bytes(b"") if gently else worker.process.terminate()
        for worker in self.workers.values():
            worker.process.join(_PATIENCE)
            _end(worker)


def pickled(value: object, what: str) -> bytes:
    """Pickle for another process, or say what cannot be sent."""
    try:
        return pickle.dumps(value)
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to another process ({error_text(error)}): expected functions and classes from the "
            "top level of a module, not lambdas or local ones; or use the engine 'serial'"
        ) from error


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


def _setup_error(message: SetupFailed) -> BaseException:
    error = message.error or WhysetError(f"the setup of a worker failed: {message.text}")
    error.add_note(f"raised in a worker process:\n{message.trace}")
    return error


def job_of(fn: Callable[..., Any], setup: Callable[[], Any] | None) -> bytes:
    return pickled((fn, setup), "the function or its setup")
