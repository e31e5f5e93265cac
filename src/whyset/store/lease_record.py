"""Holder: who holds a lease, and whether to believe that it still works."""

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
    """The process that holds a lease, and when it was last heard of (seconds since 1970 by the holder's clock).

    `job` names the job of which it is one process ("": none), `restart` how often its launcher restarted that job.
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
        """Seconds since it was last heard of; negative if its host's clock is ahead of this one's."""
        return time.time() - self.heartbeat

    def follows(self, earlier: "LeaseRecord") -> bool:
        """Whether the other one is an earlier life of the same job, which its launcher ended and started again."""
        return bool(self.job) and self.job == earlier.job and self.restart > earlier.restart

    def __str__(self) -> str:
        of_job = f", job {self.job}" if self.job else ""
        heard = f"last heard of {self.age:.0f} s ago" if self.age > -1 else f"whose clock is {-self.age:.0f} s ahead"
        return f"process {self.pid} on {self.host}{of_job}, {heard}"


@dataclass
class LeaseWatch:
    """Watches a lease for changes, by nothing but this host's own clock: hosts' clocks need not agree for that."""

    seen: LeaseRecord | None = None
    since: float = field(default_factory=time.monotonic)
    renewed: bool = False

    def get_unchanged_seconds(self, there: LeaseRecord) -> float:
        """Seconds for which the lease has not changed since it was first looked at."""
        if there != self.seen:
            self.renewed = self.seen is not None and there.token == self.seen.token
            self.seen, self.since = there, time.monotonic()
        return time.monotonic() - self.since


def read_holder(path: AnyPath) -> LeaseRecord | None:
    """Who holds the lease at this path; None where there is none."""
    try:
        stored: Mapping[str, JSON] = read_json(path)
    except BrokenRunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    known = {field.name for field in fields_of(LeaseRecord)} & stored.keys()
    return LeaseRecord(**{name: stored[name] for name in known})  # type: ignore[arg-type]  # own file


def new_holder(attempt: int = 1, job: str = "", restart: int = 0) -> LeaseRecord:
    """This process as the holder of a lease that it takes now."""
    me, token = vars(ProcessIdentity.current()), uuid.uuid4().hex
    return LeaseRecord(**me, token=token, attempt=attempt, heartbeat=time.time(), job=job, restart=restart)
