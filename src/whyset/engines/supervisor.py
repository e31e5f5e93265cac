"""Supervision: each worker is watched by itself, so one death costs one attempt of one task and nothing else."""

import pickle
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from whyset.engines.protocol import TaskResult, error_text
from whyset.engines.worker import Done, Ready, SetupFailed
from whyset.errors import InputError, WhysetError


@dataclass(frozen=True)
class Died:
    """A worker is no more, and how it ended; `blamed`: its task may have been the reason."""

    how: str
    blamed: bool = True


Event = Ready | SetupFailed | Done | Died


class Pool(Protocol):
    """Workers that come and go, each known by a number."""

    @property
    def size(self) -> int:
        """How many workers there are, those included that still make their state."""

    def grow(self, wanted: int) -> None:
        """Let up to so many more workers make their state."""

    def give(self, worker: int, task: bytes) -> None:
        """Send a task to a worker that is ready and has none."""

    def listen(self) -> Sequence[tuple[int, Event]]:
        """Wait until something has happened, or for a moment; what has died is not a worker any more."""

    def close(self, gently: bool) -> None:
        """End all workers, or let go of them; gently if none of them has a task."""


@dataclass
class Supervisor:
    """Does the tasks of one map with the workers of a pool."""

    pool: Pool
    tasks: Sequence[Any]
    retries: int
    dumps: Callable[[Any], bytes] = pickle.dumps
    waiting: deque[int] = field(init=False)
    given: Counter[int] = field(default_factory=Counter, init=False)
    deaths: Counter[int] = field(default_factory=Counter, init=False)
    idle: set[int] = field(default_factory=set, init=False)
    busy: dict[int, int] = field(default_factory=dict, init=False)
    stillborn: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.waiting = deque(range(len(self.tasks)))

    def run(self) -> Generator[TaskResult[Any, Any], None, None]:
        """Yield one result per task; whatever ends the loop, no worker is left at work."""
        finished = False
        try:
            while self.waiting or self.busy:
                self._give_out()
                for worker, event in self.pool.listen():
                    result = self._heard(worker, event)
                    if result is not None:
                        yield result
            finished = True
        finally:
            self.pool.close(gently=finished)

    def _give_out(self) -> None:
        """Give waiting tasks to idle workers, and call for workers while tasks wait for them."""
        while self.waiting and self.idle:
            worker, number = self.idle.pop(), self.waiting.popleft()
            self.busy[worker] = number
            self.given[number] += 1
            self.pool.give(worker, pickled(self.tasks[number], f"task {self.tasks[number]!r}", self.dumps))
        coming = self.pool.size - len(self.idle) - len(self.busy)
        if len(self.waiting) > coming:
            self.pool.grow(len(self.waiting) - coming)

    def _heard(self, worker: int, event: Event) -> TaskResult[Any, Any] | None:
        match event:
            case SetupFailed():
                raise _setup_error(event)
            case Ready():
                self.idle.add(worker)
                self.stillborn = 0
            case Done():
                self.idle.add(worker)
                return self._done(self.busy.pop(worker), event)
            case Died():
                return self._died(worker, event)
        return None

    def _done(self, number: int, event: Done) -> TaskResult[Any, Any]:
        task, attempts = self.tasks[number], self.given.pop(number)
        if event.value is None:
            return TaskResult(task, error=event.error, attempts=attempts)
        try:
            return TaskResult(task, value=pickle.loads(event.value), attempts=attempts)
        except Exception as error:
            return TaskResult(task, error=f"its value cannot be read back: {error_text(error)}", attempts=attempts)

    def _died(self, worker: int, event: Died) -> TaskResult[Any, Any] | None:
        """Put the task in front again, or give it up when it has cost enough workers."""
        if worker not in self.busy:
            self._count_stillborn(worker, event)
            return None
        number = self.busy.pop(worker)
        self.deaths[number] += event.blamed
        deaths = self.deaths[number]
        if deaths < self.retries:
            self.waiting.appendleft(number)
            return None
        error = f"it ended {deaths} worker{'s' if deaths > 1 else ''} (the last was {event.how}), and was given up"
        return TaskResult(self.tasks[number], error=error, attempts=self.given.pop(number))

    def _count_stillborn(self, worker: int, event: Died) -> None:
        """A worker that dies idle is replaced; workers that keep dying before they are ready end the map."""
        if worker in self.idle:
            self.idle.remove(worker)
            return
        self.stillborn += event.blamed
        if self.stillborn >= self.retries:
            raise WhysetError(
                f"{self.stillborn} workers in a row ended while they were set up (the last was {event.how}); "
                "a script needs `if __name__ == '__main__':` around what starts workers; otherwise try fewer workers, "
                "or the engine 'serial' to see why"
            )


def pickled(value: object, what: str, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Pickle for another process, or say what cannot be sent."""
    try:
        return dumps(value)
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to another process ({error_text(error)}): expected functions and classes from the "
            "top level of a module, not lambdas or local ones, and nothing that is bound to this process, such as a "
            "lock or an open file; or use the engine 'serial'"
        ) from error


def _setup_error(message: SetupFailed) -> BaseException:
    error = message.error or WhysetError(f"the setup of a worker failed: {message.text}")
    error.add_note(f"raised in a worker process:\n{message.trace}")
    return error
