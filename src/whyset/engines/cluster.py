"""Cluster: the workers of a Dask scheduler, each given one task at a time by its address.

By default Dask chooses the worker and counts deaths, does not report which task was running, and blames tasks that only
waited on the same worker. So every task is bound to one worker, and the supervisor decides about both, as it does for
the processes of this machine.
"""

import time
import warnings
from collections.abc import Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

import dask
from distributed import Client, Future, KilledWorker

from whyset.engines.protocol import error_text
from whyset.engines.remote import LostStateError, do, introduce, prepare
from whyset.engines.supervisor import Died, Event
from whyset.engines.worker import Done, SetupFailed
from whyset.errors import EngineLostError

_LOOK_SECONDS = 0.5
_LOOK_SHARE = 0.05
"""Maximum share of time spent on asking a scheduler for its workers, which may be thousands."""
_FETCH_SECONDS = 2.0
_ANSWER_SECONDS = 30.0
_LONELY_SECONDS = 30.0
_LEAVING = ("closing_gracefully", "closing")
_MODELS_TRAVEL = {"distributed.admin.large-graph-warning-threshold": "1TB"}


@dataclass
class ClusterWorker:
    """A worker of the cluster: its address, its number on its host, its state, and its current task.

    `identity` distinguishes its process from a later one with the same address.
    """

    address: str
    host: str
    number: int
    bench: Future[Any]
    doing: Future[Any]
    task: int | None = None
    identity: str = ""
    status: str = "running"


@dataclass
class Cluster:
    """The workers of a scheduler, used as they are needed."""

    client: Client
    job: bytes
    workers: dict[int, ClusterWorker] = field(default_factory=dict, init=False)
    there: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, init=False)
    news: SimpleQueue[tuple[int, Future[Any]]] = field(default_factory=SimpleQueue, init=False)
    taken_in: int = field(default=0, init=False)
    next_look: float = field(default=0.0, init=False)
    last_company: float = field(default_factory=time.monotonic, init=False)

    @property
    def size(self) -> int:
        return len(self.workers)

    def grow(self, wanted: int) -> None:
        taken = {worker.address for worker in self.workers.values()}
        free = [(a, about) for a, about in self.there.items() if a not in taken and about["status"] == "running"]
        for address, about in free[:wanted]:
            self._take_in(address, str(about["host"]))

    def _take_in(self, address: str, host: str) -> None:
        key, self.taken_in = self.taken_in, self.taken_in + 1
        used = {worker.number for worker in self.workers.values() if worker.host == host}
        number = next(number for number in count() if number not in used)
        with dask.config.set(_MODELS_TRAVEL):
            bench = self._submit_to(address, prepare, self.job, number)
        introduction = self._submit_to(address, introduce, bench)
        self.workers[key] = ClusterWorker(address, host, number, bench, introduction)
        self._expect(key)

    def give(self, worker: int, number: int, task: bytes) -> None:
        it = self.workers[worker]
        it.task, it.doing = number, self._submit_to(it.address, do, it.bench, it.identity, number, task)
        self._expect(worker)

    def _submit_to(self, address: str, *call: Any) -> Future[Any]:
        """Submit a call that only this worker may run."""
        return self.client.submit(*call, workers=[address], allow_other_workers=False, pure=False)

    def _expect(self, key: int) -> None:
        self.workers[key].doing.add_done_callback(lambda future: self.news.put((key, future)))

    def listen(self) -> list[tuple[int, Event]]:
        """Wait for an event of a task; poll the list of workers, as Dask does not report their loss."""
        if time.monotonic() >= self.next_look and (lost := self._look()):
            return lost
        try:
            key, future = self.news.get(timeout=max(0.0, self.next_look - time.monotonic()))
        except Empty:
            return []
        worker = self.workers.get(key)
        if worker is None or future is not worker.doing:
            return []  # from a worker that has been given up
        event = self._event(key, worker)
        return [] if event is None else [(key, event)]

    def _event(self, key: int, worker: ClusterWorker) -> Event | None:
        """Return the event of a future; None if its result is not available yet."""
        future = worker.doing
        if future.status == "error":
            return self._make_failure(key, worker, future.exception())
        try:
            value = future.result(timeout=_FETCH_SECONDS)
        except TimeoutError:  # the holder of the result is slow, or has died, which the next look finds
            self.news.put((key, future))
            return None
        except CancelledError:
            self._look()  # raises if the scheduler is lost
            return self._make_loss(key, Died("canceled by its cluster", blamed=False)) if key in self.workers else None
        if worker.task is not None:
            return _as_event(value)
        worker.identity, event = value
        return _as_event(event)

    def _make_failure(self, key: int, worker: ClusterWorker, error: BaseException) -> Event:
        if isinstance(error, KilledWorker | LostStateError):
            return self._make_loss(key, Died(f"lost on {worker.host}"))
        if worker.task is not None:
            return Done(worker.task, None, error_text(error))
        return SetupFailed(None, f"{error_text(error)} (workers need the same packages as this process)", "")

    def _look(self) -> list[tuple[int, Event]]:
        """Ask the scheduler for its workers, and give up those that are lost."""
        began = time.monotonic()
        self.there = self._ask()
        now = time.monotonic()
        self.next_look = now + max(_LOOK_SECONDS, (now - began) / _LOOK_SHARE)
        self._mind_loneliness(now)
        lost = []
        for key, worker in list(self.workers.items()):
            if worker.address in self.there:
                worker.status = self.there[worker.address]["status"]
            else:
                died = Died(f"lost on {worker.host}", blamed=worker.status not in _LEAVING)
                lost.append((key, self._make_loss(key, died)))
        return lost

    def _ask(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the workers by address, as currently known by the scheduler."""
        try:
            if self.client.scheduler is None or self.client.status != "running":  # it may reconnect, but without tasks
                raise ConnectionError("the connection to it was lost")
            answer = self.client.sync(self.client.scheduler.identity, callback_timeout=_ANSWER_SECONDS)
        except (OSError, TimeoutError, CancelledError) as error:
            raise EngineLostError(
                f"the Dask scheduler is lost ({error_text(error)}); finished work is kept: repeat the command to "
                "continue, with this or any other engine"
            ) from error
        workers: Mapping[str, Mapping[str, Any]] = answer["workers"]
        return workers

    def _mind_loneliness(self, now: float) -> None:
        if self.there:
            self.last_company = now
        elif now - self.last_company > _LONELY_SECONDS:
            self.last_company = float("inf")
            warnings.warn("the Dask scheduler has no workers; waiting for one to join", stacklevel=2)

    def _make_loss(self, key: int, died: Died) -> Event:
        worker = self.workers.pop(key)
        self._cancel([worker.doing, worker.bench])
        return died

    def _cancel(self, futures: list[Future[Any]]) -> None:
        """Cancel tasks that have not begun; Dask cannot interrupt running ones, and discards their results."""
        if futures and self.client.status == "running":
            with suppress(OSError, TimeoutError, CancelledError):
                self.client.cancel(futures, force=True)

    def close(self, gently: bool) -> None:
        held = [future for worker in self.workers.values() for future in (worker.doing, worker.bench)]
        self.workers.clear()
        self._cancel(held)


def _as_event(value: Any) -> Event:
    assert isinstance(value, Event), "`introduce` and `do` return events"
    return value
