"""LeaseRecord: the holder of a lease, and the evidence that it is alive."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of

from whyset.errors import BrokenRunError
from whyset.store.jsonfile import JSON, read_json
from whyset.store.process_identity import ProcessIdentity
from whyset.store.remote import AnyPath


@dataclass(frozen=True, kw_only=True)
class LeaseRecord(ProcessIdentity):
    """The process that holds a lease, and its last heartbeat (seconds since 1970 by the holder's clock).

    `job` names the job that the process belongs to ("": none), `restart` is the number of restarts of that job.
    """

    token: str
    attempt: int
    heartbeat: float
    job: str = ""
    restart: int = 0

    def to_json(self) -> dict[str, JSON]:
        return dict(vars(self))

    @property
    def age(self) -> float:
        """Seconds since the last heartbeat; negative if the holder's clock is ahead of this one."""
        return time.time() - self.heartbeat

    def follows(self, earlier: "LeaseRecord") -> bool:
        """True if the other record is from an earlier start of the same job, which its launcher ended and restarted."""
        return bool(self.job) and self.job == earlier.job and self.restart > earlier.restart

    def __str__(self) -> str:
        of_job = f", job {self.job}" if self.job else ""
        heard = f"last heartbeat {self.age:.0f} s ago" if self.age > -1 else f"whose clock is {-self.age:.0f} s ahead"
        return f"process {self.pid} on {self.host}{of_job}, {heard}"


@dataclass
class LeaseWatch:
    """Watches a lease for changes by this host's clock only, so that clocks of hosts need not agree."""

    seen: LeaseRecord | None = None
    since: float = field(default_factory=time.monotonic)
    renewed: bool = False

    def get_unchanged_seconds(self, there: LeaseRecord) -> float:
        """Return the seconds for which the lease has not changed since it was first seen."""
        if there != self.seen:
            self.renewed = self.seen is not None and there.token == self.seen.token
            self.seen, self.since = there, time.monotonic()
        return time.monotonic() - self.since


def read_holder(path: AnyPath) -> LeaseRecord | None:
    """Read the holder of the lease at this path; None if there is no lease."""
    try:
        stored: Mapping[str, JSON] = read_json(path)
    except BrokenRunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    known = {field.name for field in fields_of(LeaseRecord)} & stored.keys()
    return LeaseRecord(**{name: stored[name] for name in known})  # type: ignore[arg-type]  # own file


def new_holder(attempt: int = 1, job: str = "", restart: int = 0) -> LeaseRecord:
    """Make the record of this process for a lease that it takes now."""
    me, token = vars(ProcessIdentity.current()), uuid.uuid4().hex
    return LeaseRecord(**me, token=token, attempt=attempt, heartbeat=time.time(), job=job, restart=restart)
