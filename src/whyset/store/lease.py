"""Lease: a file that says who works here, so that a second job is refused while the first one lives."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from whyset.errors import BrokenRunError, InputError, WhysetError
from whyset.store.files import disk_errors_explained
from whyset.store.jsonfile import JSON, create_json, read_json, replace_json
from whyset.store.layout import LEASES
from whyset.store.remote import AnyPath

EXPIRY_SECONDS = 120.0
HEARTBEAT_SECONDS = 20.0
_POLL_SECONDS = 0.1


class LeaseHeldError(InputError):
    """Another living job holds the lease."""


class LeaseLostError(WhysetError, RuntimeError):
    """The lease was taken over by another job, because this one had not been heard of for too long."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, and when it was last heard of (seconds since 1970 by the holder's clock)."""

    token: str
    host: str
    pid: int
    attempt: int
    heartbeat: float

    def to_json(self) -> dict[str, JSON]:
        return dict(vars(self))

    def lives(self, expiry: float) -> bool:
        """Whether to believe that the holder still works: heard of lately, and on this host its process exists.

        Both, because process ids are used again: a container that restarts is process 1 on the same host once more.
        """
        heard_of = time.time() - self.heartbeat < expiry
        return heard_of and (self.host != host_name() or process_exists(self.pid))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, last heard of {max(0.0, time.time() - self.heartbeat):.0f} s ago"


@dataclass
class Lease:
    """A lease on a path, held inside the `with` block and kept alive by a heartbeat.

    Creation is exclusive. A lease whose holder is dead (same host: no such process; other host: no heartbeat for
    `expiry` seconds) is taken over, and its attempt is counted on. Hosts' clocks must agree within `expiry`.
    A living holder is waited for `patience` seconds, and then LeaseHeldError is raised.
    """

    path: AnyPath
    what: str
    expiry: float = EXPIRY_SECONDS
    beat: float = HEARTBEAT_SECONDS
    patience: float = 0.0
    holder: Holder | None = field(default=None, init=False)
    _stop: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _heart: threading.Thread | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> "Lease":
        with disk_errors_explained(self.path):
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
        """How often this lease was entered in a row without being given back, this time included."""
        return self.holder.attempt if self.holder else 0

    def check(self) -> None:
        """Raise LeaseLostError unless the lease is still this one's."""
        there = read_holder(self.path)
        if self.holder is None or there is None or there.token != self.holder.token:
            raise LeaseLostError(f"{self.what} was taken over by {there or 'nobody (the lease was removed)'}; stopping")

    def _acquire(self) -> Holder:
        attempt, until = 1, time.monotonic() + self.patience
        while True:
            mine = Holder(uuid.uuid4().hex, host_name(), os.getpid(), attempt, time.time())
            try:
                create_json(self.path, mine.to_json())
            except FileExistsError:
                attempt = self._make_room(until) or attempt
            else:
                return mine

    def _make_room(self, until: float) -> int | None:
        """Remove a dead holder's lease and return the next attempt; wait for a living one, then refuse."""
        there = read_holder(self.path)
        if there is None:
            return None
        if there.lives(self.expiry):
            self._wait_for(there, until)
            return None
        self._remove(there)
        return there.attempt + 1

    def _remove(self, dead: Holder) -> None:
        """Remove the dead holder's lease; a guard that one heir at a time can have keeps it from being a new one."""
        guard = self.path.with_name(f".{self.path.name}.{dead.token}.heir")
        try:
            create_json(guard, Holder(uuid.uuid4().hex, host_name(), os.getpid(), 1, time.time()).to_json())
        except FileExistsError:
            other = read_holder(guard)
            if other is not None and not other.lives(self.expiry):
                guard.unlink(missing_ok=True)
            return
        now = read_holder(self.path)
        if now is not None and now.token == dead.token:
            self.path.unlink()
        guard.unlink()

    def _wait_for(self, there: Holder, until: float) -> None:
        if time.monotonic() >= until:
            raise LeaseHeldError(
                f"{self.what} is held by {there}; wait for it or stop it "
                f"(a lease is free {self.expiry:.0f} s after the last sign of life)"
            )
        time.sleep(min(_POLL_SECONDS, self.patience))

    def _keep_alive(self) -> None:
        while not self._stop.wait(self.beat):
            with suppress(OSError):  # a network file system may be away for a while; the expiry decides
                if not self._beat():
                    return

    def _beat(self) -> bool:
        try:
            self.check()
        except LeaseLostError:
            return False  # whoever works under this lease learns it from check()
        if self.holder is not None:
            replace_json(self.path, self.holder.to_json() | {"heartbeat": time.time()})
        return True


def run_lease(run: AnyPath, rank: int = 0) -> Lease:
    """The lease of a run, held by a job while it writes: a second job is refused while the first one lives."""
    return Lease(run / LEASES / f"rank-{rank:05d}.json", f"the run {run}")


def read_holder(path: AnyPath) -> Holder | None:
    """Who holds the lease at this path; None where there is none."""
    try:
        stored: Mapping[str, JSON] = read_json(path)
        return Holder(**{name: stored[name] for name in Holder.__dataclass_fields__})  # type: ignore[arg-type]  # own file
    except BrokenRunError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise


def host_name() -> str:
    return socket.gethostname()


def process_exists(pid: int) -> bool:
    """Whether a process of this host exists; on Windows, where signal 0 would end it, assume so."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
