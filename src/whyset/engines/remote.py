"""What runs on a worker of a Dask cluster: make the state and keep it there, then do one task after the other."""

from typing import Any

from distributed import get_worker

from whyset.engines.worker import Done, Ready, SetupFailed, WorkerState, set_worker_number


class LostStateError(RuntimeError):
    """The state is gone: another process has the worker's address now, or Dask was short of memory."""


class KeptResults:
    """A bench in the memory of a Dask worker; where Dask copies it or spills it to disk, an empty one arrives."""

    def __init__(self, bench: WorkerState | SetupFailed | None) -> None:
        self.bench = bench

    def __reduce__(self) -> tuple[Any, ...]:
        return KeptResults, (None,)


def prepare(job: bytes, number: int) -> KeptResults:
    """Make the state; it lives as long as the client holds on to it."""
    set_worker_number(number)
    return KeptResults(WorkerState.make(job))


def introduce(kept: KeptResults) -> tuple[str, Ready | SetupFailed]:
    """Say which process this is, and whether it has its state."""
    failed = kept.bench if isinstance(kept.bench, SetupFailed) else None
    return get_worker().id, failed or Ready()


def do(kept: KeptResults, identity: str, number: int, task: bytes) -> Done:
    if not isinstance(kept.bench, WorkerState) or get_worker().id != identity:
        raise LostStateError("the worker's state is gone")
    return kept.bench.do(number, task)
