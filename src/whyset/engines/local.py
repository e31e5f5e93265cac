"""Local: spawned processes on this machine, supervised individually."""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from whyset.arguments import require_timeout, whole_number
from whyset.engines.processes import Processes
from whyset.engines.protocol import Engine, TaskResult, Work
from whyset.engines.share import local_rank
from whyset.engines.supervisor import Supervisor, pickle_for_worker


@dataclass(frozen=True)
class Local(Engine):
    """Worker processes that are replaced when they die; see `Engine` for their tasks.

    `workers` is the number of processes, by default one per core available to this process (`explain` on CUDA: one per
    device). Each uses `threads` threads (`OMP_NUM_THREADS`, unless that is set), by default its share of the cores. A
    worker whose task makes no progress for `stall_timeout` seconds is ended and counts as dead (0: never; `explain`
    sets 600 by default); tasks that do not report progress have no time limit.

    >>> list(Local(workers=2).map(pow, []))
    []
    """

    workers: int | None = None
    threads: int | None = None
    stall_timeout: float | None = None

    def __post_init__(self) -> None:
        require_timeout("stall_timeout", self.stall_timeout)
        for name, number in {"workers": self.workers, "threads": self.threads}.items():
            if number is not None:
                object.__setattr__(self, name, whole_number(name, number, least=1))

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        most = self.workers or _cores()
        places = min(most, max(1, len(tasks)))
        threads = self.threads or max(1, _cores() // places)
        job = pickle_for_worker(work, "the function or its setup")
        yield from Supervisor(
            Processes(job, places, threads, local_rank() * most, self.stall_timeout), tasks, retries
        ).run()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
