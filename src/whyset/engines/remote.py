"""Code that runs on a worker of a Dask cluster: make the state, keep it there, and run one task after the other."""

from typing import Any

from distributed import get_worker

from whyset.engines.worker import Done, Ready, SetupFailed, WorkerState, set_worker_number


class LostStateError(RuntimeError):
    """The state is lost: another process now has the worker's address, or Dask ran out of memory."""


class KeptResults:
    """Holder of the state in the memory of a Dask worker; it is empty after Dask copies it or spills it to disk."""

    def __init__(self, bench: WorkerState | SetupFailed | None) -> None:
        self.bench = bench

    def __reduce__(self) -> tuple[Any, ...]:
        return KeptResults, (None,)


def prepare(job: bytes, number: int) -> KeptResults:
    """Make the state; it exists as long as the client holds a reference."""
    set_worker_number(number)
    return KeptResults(WorkerState.make(job))


def introduce(kept: KeptResults) -> tuple[str, Ready | SetupFailed]:
    """Return the identity of this process, and whether its state is ready."""
    failed = kept.bench if isinstance(kept.bench, SetupFailed) else None
    return get_worker().id, failed or Ready()


def do(kept: KeptResults, identity: str, number: int, task: bytes) -> Done:
    if not isinstance(kept.bench, WorkerState) or get_worker().id != identity:
        raise LostStateError("the worker's state is lost")
    return kept.bench.do(number, task)
