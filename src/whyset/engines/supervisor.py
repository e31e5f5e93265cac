"""Supervision: each worker is watched separately, so a death costs one attempt of one task and nothing else."""

import pickle
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from whyset.engines.protocol import TaskResult, error_text
from whyset.engines.worker import Done, Free, Ready, SetupFailed
from whyset.errors import InputError, JobStoppedError, WhysetError


@dataclass(frozen=True)
class Died:
    """A worker has died: how it ended; `blamed`: its task may be the cause."""

    how: str
    blamed: bool = True


Event = Ready | SetupFailed | Free | Done | Died


class Pool(Protocol):
    """A changing set of workers, each identified by a number."""

    @property
    def size(self) -> int:
        """Number of workers, including those that still make their state."""

    def grow(self, wanted: int) -> None:
        """Start up to `wanted` more workers."""

    def give(self, worker: int, number: int, task: bytes) -> None:
        """Send a task to a worker that is ready for one; its answer will carry the number."""

    def listen(self) -> Sequence[tuple[int, Event]]:
        """Wait for events, or for a moment; dead workers are removed."""

    def close(self, gently: bool) -> None:
        """End or release all workers; gently if none of them has a task."""


@dataclass
class Supervisor:
    """Runs the tasks of one map with the workers of a pool.

    `unsettled` holds the tasks of each ready worker in the order in which it received them: usually none or one, and
    one more while the value of an earlier one is pending. A task that was unsettled when a worker died is suspect: from
    then on it runs alone on its worker, so the next death identifies the cause.
    """

    pool: Pool
    tasks: Sequence[Any]
    retries: int
    dumps: Callable[[Any], bytes] = pickle.dumps
    waiting: deque[int] = field(init=False)
    given: Counter[int] = field(default_factory=Counter, init=False)
    deaths: Counter[int] = field(default_factory=Counter, init=False)
    idle: set[int] = field(default_factory=set, init=False)
    unsettled: dict[int, list[int]] = field(default_factory=dict, init=False)
    stillborn: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.tasks)))

    def run(self) -> Generator[TaskResult[Any, Any], None, None]:
        """Yield one result per task; no worker is left running, however the loop ends."""
        finished = False
        try:
            while self.waiting or any(self.unsettled.values()):
                self._give_out()
                for worker, event in self.pool.listen():
                    yield from self._heard(worker, event)
            finished = True
        finally:
            self.pool.close(gently=finished)

    def _give_out(self) -> None:
        """Give waiting tasks to idle workers, and start workers while tasks wait."""
        for worker in list(self.idle):
            if self.waiting and not (self.unsettled[worker] and self.deaths[self.waiting[0]]):
                self.idle.remove(worker)
                self._give(worker, self.waiting.popleft())
        coming = self.pool.size - len(self.unsettled)
        if len(self.waiting) > coming:
            self.pool.grow(len(self.waiting) - coming)

    def _give(self, worker: int, number: int) -> None:
        self.unsettled[worker].append(number)
        self.given[number] += 1
        self.pool.give(
            worker, number, pickle_for_worker(self.tasks[number], f"task {self.tasks[number]!r}", self.dumps)
        )

    def _heard(self, worker: int, event: Event) -> list[TaskResult[Any, Any]]:
        """Handle an event, and return its results."""
        match event:
            case SetupFailed():
                raise _setup_error(event)
            case Ready():
                self.unsettled[worker] = []
                self.idle.add(worker)
                self.stillborn = 0
            case Free():
                if not any(self.deaths[number] for number in self.unsettled[worker]):
                    self.idle.add(worker)
            case Done():
                return [self._finish_task(worker, event)]
            case Died():
                return self._retry_tasks(worker, event)
        return []

    def _finish_task(self, worker: int, event: Done) -> TaskResult[Any, Any]:
        if event.stop is not None:
            raise JobStoppedError(event.stop)
        computing = event.number == self.unsettled[worker][-1]
        self.unsettled[worker].remove(event.number)
        if computing or not self.unsettled[worker]:
            self.idle.add(worker)
        task, attempts = self.tasks[event.number], self.given.pop(event.number)
        if event.value is None:
            return TaskResult(task, error=event.error, attempts=attempts)
        try:
            return TaskResult(task, value=pickle.loads(event.value), attempts=attempts)
        except Exception as error:
            return TaskResult(task, error=f"its value cannot be read back: {error_text(error)}", attempts=attempts)

    def _retry_tasks(self, worker: int, event: Died) -> list[TaskResult[Any, Any]]:
        """Put the tasks of a dead worker in front again, or give up those that have ended too many workers."""
        self.idle.discard(worker)
        if worker not in self.unsettled:
            self._count_stillborn(event)
            return []
        numbers = self.unsettled.pop(worker)
        self.deaths.update(number for number in numbers if event.blamed)
        again = [number for number in numbers if self.deaths[number] < self.retries]
        self.waiting.extendleft(reversed(again))
        return [self._give_up(number, event.how) for number in numbers if number not in again]

    def _give_up(self, number: int, how: str) -> TaskResult[Any, Any]:
        deaths = self.deaths[number]
        error = f"it ended {deaths} worker{'s' if deaths > 1 else ''} (the last was {how}), and was given up"
        return TaskResult(self.tasks[number], error=error, attempts=self.given.pop(number))

    def _count_stillborn(self, event: Died) -> None:
        """Count workers that died before they were ready; too many in a row end the map."""
        self.stillborn += event.blamed
        if self.stillborn >= self.retries:
            raise WhysetError(
                f"{self.stillborn} workers in a row ended while they were set up (the last was {event.how}): in a "
                "script, put the code that starts workers under `if __name__ == '__main__':`; otherwise try fewer "
                "workers, or the engine 'serial' to see the cause"
            )


def pickle_for_worker(value: object, what: str, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Pickle a value for another process; InputError: it cannot be pickled."""
    try:
        return dumps(value)
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to another process ({error_text(error)}): expected functions and classes from the "
            "top level of a module, not lambdas or local ones, and no objects bound to this process, such as a "
            "lock or an open file; or use the engine 'serial'"
        ) from error


def _setup_error(message: SetupFailed) -> BaseException:
    error = message.error or WhysetError(f"the setup of a worker failed: {message.text}")
    error.add_note(f"raised in a worker process:\n{message.trace}")
    return error
