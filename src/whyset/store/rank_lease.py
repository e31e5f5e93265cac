"""The lease of a run: the ranks of one job work concurrently, and another job is refused."""

import random
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from whyset.store.layout import LEASES
from whyset.store.lease import Lease, LeaseHeldError, LeaseRecord, read_holder
from whyset.store.remote import AnyPath

_PATIENCE_SECONDS = 2.0


@dataclass
class RankLease:
    """Lease of a process that writes to a run: one lease per rank, and all living ones belong to one job.

    A process first takes the lease of its rank and then looks for one of another job: in the other order, two jobs
    could both see no other. If it finds a living one, it releases its own and tries again for a moment, because two
    jobs that begin at once may both see the other.
    """

    run: AnyPath
    rank: int = 0
    job: str = field(default_factory=lambda: uuid.uuid4().hex)
    restart: int = 0
    patience: float = _PATIENCE_SECONDS
    _mine: Lease | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> "RankLease":
        until = time.monotonic() + self.patience
        while self._mine is None:
            try:
                self._mine = self._take()
            except LeaseHeldError:
                if time.monotonic() >= until:
                    raise
                time.sleep(random.uniform(0.05, 0.5))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._mine is not None:
            self._mine.__exit__(kind, error, trace)

    def check(self) -> None:
        """Raise LeaseLostError if this process no longer holds the lease."""
        if self._mine is not None:
            self._mine.check()

    def _take(self) -> Lease:
        what = f"the run {self.run}"
        mine = Lease(_path(self.run, self.rank), what, job=self.job, restart=self.restart)
        with ExitStack() as given_back:
            given_back.enter_context(mine)
            other = self._other_job(mine)
            if other is None:
                given_back.pop_all()
                return mine
        raise LeaseHeldError(
            f"{what} is held by {other}; wait for it or stop it (a lease expires {mine.expiry:.0f} s after the last "
            "heartbeat), or let the ranks of one job share the work with the engine 'static'"
        )

    def _other_job(self, mine: Lease) -> LeaseRecord | None:
        """Find a living holder of another job; one living holder of this job proves that there is none."""
        others = [path for path in (self.run / LEASES).glob("rank-*.json") if path.name != mine.path.name]
        for path in random.sample(others, len(others)):
            there = read_holder(path)
            if there is not None and not mine.is_dead(there) and there.age <= mine.expiry:
                return None if there.job == self.job else there
        return None


def run_lease(run: AnyPath, rank: int = 0, job: str | None = None, restart: int = 0) -> RankLease:
    """Make the lease of a run for one rank of a job; without the name of a job, the process is a separate job."""
    return RankLease(run, rank, job or uuid.uuid4().hex, restart)


def _path(run: AnyPath, rank: int) -> AnyPath:
    return run / LEASES / f"rank-{rank:05d}.json"
