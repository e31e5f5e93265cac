"""Dask: the workers of a running Dask cluster, on one machine or many."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from whyset.engines.protocol import Engine, TaskResult, Work
from whyset.engines.supervisor import Supervisor, pickle_for_worker
from whyset.errors import InputError, MissingExtraError, WhysetError

if TYPE_CHECKING:
    from distributed import Client

ADDRESS = "DASK_SCHEDULER_ADDRESS"
_PATIENCE = 30.0
"""Seconds to wait for an answer of the scheduler."""
_FAREWELL = 2.0


@dataclass(frozen=True)
class Dask(Engine):
    """Engine on a Dask cluster: every worker runs one task at a time; workers may join and leave during the map.

    `scheduler` is its address, such as "tcp://10.0.0.7:8786", or a `distributed.Client`, which stays open; by default
    the address in the environment variable DASK_SCHEDULER_ADDRESS. A worker that dies is replaced by its nanny or its
    cluster; one that is retired does not cost its task an attempt.

    >>> Dask("tcp://10.0.0.7:8786")
    Dask(scheduler='tcp://10.0.0.7:8786')
    """

    scheduler: "str | Client | None" = None

    def __post_init__(self) -> None:
        if find_spec("distributed") is None:
            raise MissingExtraError("the engine 'dask' needs distributed: pip install \"whyset[dask]\"")
        if self.scheduler is None:
            object.__setattr__(self, "scheduler", os.environ.get(ADDRESS))
        if not self.scheduler:
            raise InputError(
                f"the engine 'dask' needs the address of a scheduler: --scheduler tcp://HOST:8786, Dask(address), "
                f"or the environment variable {ADDRESS}"
            )

    def run(self, work: Work, tasks: Sequence[Any], retries: int) -> Generator[TaskResult[Any, Any], None, None]:
        from distributed.protocol.pickle import dumps

        from whyset.engines.cluster import Cluster

        if not tasks:
            return
        job = pickle_for_worker(work, "the function or its setup", dumps)
        with self._client() as client:
            yield from Supervisor(Cluster(client, job), tasks, retries, dumps).run()

    @contextmanager
    def _client(self) -> Iterator["Client"]:
        """Yield the given client, or a new one that is closed at the end."""
        from distributed import Client

        if isinstance(self.scheduler, Client):
            if self.scheduler.asynchronous:
                raise InputError("the client is asynchronous: expected Client(...) without asynchronous=True")
            yield self.scheduler
            return
        try:
            client = Client(self.scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            reason = " ".join(str(error).split())
            raise WhysetError(f"no Dask scheduler answers at {self.scheduler}: {reason}") from error
        try:
            yield client
        finally:
            client.close(timeout=_FAREWELL)
