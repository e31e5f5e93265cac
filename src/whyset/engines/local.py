"""Local: spawned processes on this machine, supervised one by one."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from whyset.engines.protocol import S, T, TaskResult, V
from whyset.engines.supervisor import Supervisor, job_of
from whyset.errors import InputError


@dataclass(frozen=True)
class Local:
    """Processes that are replaced when they die; see `Engine.map` for what becomes of their tasks.

    `workers` is the number of processes, by default one per core that this process may use. Each is told to use its
    share of the cores (`OMP_NUM_THREADS`, unless that is set).

    >>> list(Local(workers=2).map(pow, []))
    []
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers is {self.workers}: expected at least 1")

    def map(
        self,
        fn: Callable[[S | None, T], V],
        tasks: Sequence[T],
        *,
        setup: Callable[[], S] | None = None,
        retries: int = 3,
    ) -> Iterator[TaskResult[T, V]]:
        if retries < 1:
            raise InputError(f"retries is {retries}: expected at least 1")
        places = min(self.workers or _cores(), max(1, len(tasks)))
        threads = max(1, _cores() // places)
        yield from Supervisor(job_of(fn, setup), tasks, places, threads, retries).run()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
