"""Lease: a file that names the process at work, so that a second job is refused while the first one lives."""

import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType

from whyset.errors import InputError, WhysetError
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import create_json, replace_json
from whyset.store.lease_record import LeaseRecord, LeaseWatch, new_holder, read_holder
from whyset.store.remote import AnyPath

EXPIRY_SECONDS = 120.0
HEARTBEAT_SECONDS = 20.0
FORGOTTEN_SECONDS = 3600.0
"""A lease this old is dead without being watched: clocks of hosts are assumed to differ by less."""
_MISSED_BEATS = 3
_POLL_SECONDS = 0.1


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
