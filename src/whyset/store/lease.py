"""Lease: a file that names the process at work, so that a second job is refused while the first one lives.

`LeaseRecord` is the content of the file, `LeaseWatch` the evidence that its holder is alive.
"""

import threading
import time
import uuid
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from types import TracebackType

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import JSON, create_json, read_json, replace_json
from whyset.store.process_identity import ProcessIdentity
from whyset.store.remote import AnyPath

EXPIRY_SECONDS = 120.0
HEARTBEAT_SECONDS = 20.0
FORGOTTEN_SECONDS = 3600.0
"""A lease this old is dead without being watched: clocks of hosts are assumed to differ by less."""
_MISSED_BEATS = 3
_POLL_SECONDS = 0.1


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


class LeaseHeldError(InputError):
    """Another living job holds the lease."""


class LeaseLostError(WhysetError, RuntimeError):
    """The lease was taken over by another job, because the last heartbeat of this one was too old."""


@dataclass
class Lease:
    """A lease on a path, held inside the `with` block and kept alive by a heartbeat.

    Creation is exclusive. The lease of a dead holder is taken over, with the next number of its attempt. A holder is
    dead if its process is known to have ended (on this host, in this boot and PID namespace), if it is an earlier start
    of the same restarted `job`, or if it had no heartbeat for `expiry` seconds. Because the clocks of hosts differ, a
    heartbeat that looks too old is watched for three beats by this host's clock, and one that looks fresh but does not
    change is accepted for `expiry` seconds only. A living holder is waited for `patience` seconds; then LeaseHeldError
    is raised.
    """

    path: AnyPath
    what: str
    expiry: float = EXPIRY_SECONDS
    beat: float = HEARTBEAT_SECONDS
    patience: float = 0.0
    job: str = ""
    restart: int = 0
    holder: LeaseRecord | None = field(default=None, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _heart: threading.Thread | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> "Lease":
        with explain_disk_errors(self.path):
            self.path.parent.mkdir(exist_ok=True)
            self.holder = self._acquire()
        self._heart = threading.Thread(target=self._keep_alive, daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._heart is not None:
            self._heart.join()
        with suppress(LeaseLostError, OSError):
            self.check()
            self.path.unlink()

    @property
    def attempt(self) -> int:
        """Number of times in a row that this lease was taken without being released, including this one."""
        return self.holder.attempt if self.holder else 0

    def check(self) -> None:
        """Raise LeaseLostError if this process no longer holds the lease."""
        there = read_holder(self.path)
        if self.holder is None or there is None or there.token != self.holder.token:
            raise LeaseLostError(
                f"{self.what} was taken over by {there or 'an unknown process (the lease was removed)'}; stopping"
            )

    def _myself(self, attempt: int = 1) -> LeaseRecord:
        return new_holder(attempt, self.job, self.restart)

    def _acquire(self) -> LeaseRecord:
        attempt, until, watch = 1, time.monotonic() + self.patience, LeaseWatch()
        while True:
            mine = self._myself(attempt)
            try:
                create_json(self.path, mine.to_json())
            except FileExistsError:
                attempt = self._make_room(mine, until, watch) or attempt
            else:
                return mine

    def _make_room(self, mine: LeaseRecord, until: float, watch: LeaseWatch) -> int | None:
        """Remove a dead holder's lease and return the next attempt; wait for a living one, then refuse."""
        there = read_holder(self.path)
        if there is None:
            return None
        unchanged = watch.get_unchanged_seconds(there)
        if mine.follows(there) or self.is_dead(there, unchanged):
            self._remove(there)
            return there.attempt + 1
        doubtful = abs(there.age) > self.expiry and not watch.renewed
        if not doubtful and time.monotonic() >= until:
            raise LeaseHeldError(
                f"{self.what} is held by {there}; wait for it or stop it "
                f"(a lease expires {self.expiry:.0f} s after the last heartbeat)"
            )
        if doubtful and unchanged < _POLL_SECONDS:
            warnings.warn(f"{self.what}: waiting to see whether {there}, is still alive", stacklevel=2)
        time.sleep(min(_POLL_SECONDS, self.beat))
        return None

    def is_dead(self, there: LeaseRecord, unchanged: float = 0.0) -> bool:
        """True if a holder is dead whose lease did not change for `unchanged` seconds by this host's clock."""
        if there.has_ended() or there.age > FORGOTTEN_SECONDS:
            return True
        return unchanged > (self.expiry if abs(there.age) <= self.expiry else _MISSED_BEATS * self.beat)

    def _remove(self, dead: LeaseRecord) -> None:
        """Remove the dead holder's lease, under a guard that one process at a time can hold.

        Without the guard, a process that looked earlier could remove the new lease of another one.
        """
        guard = self.path.with_name(f".{self.path.name}.{dead.token}.heir")
        try:
            create_json(guard, self._myself().to_json())
        except FileExistsError:
            other = read_holder(guard)
            if other is not None and (other.has_ended() or other.age > self.expiry):
                guard.unlink(missing_ok=True)
            return
        # Read again under the guard: another process may have removed the dead lease and taken a new one since.
        now = read_holder(self.path)
        if now is not None and now.token == dead.token:
            self.path.unlink()
        guard.unlink()

    def _keep_alive(self) -> None:
        while not self._stop.wait(self.beat):
            with suppress(OSError):  # a network file system may be away for a while; the expiry decides
                if not self._beat():
                    return

    def _beat(self) -> bool:
        try:
            self.check()
        except LeaseLostError:
            return False  # the holder learns it from check()
        if self.holder is not None:
            replace_json(self.path, replace(self.holder, heartbeat=time.time()).to_json())
        return True
