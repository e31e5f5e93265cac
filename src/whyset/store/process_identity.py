"""ProcessIdentity: identifies a process across machines, containers and boots, and tests if it has ended."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_START_FIELD = 21
"""Field 22 of /proc/PID/stat, counted from 0: the time of start in clock ticks since boot (man 5 proc)."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process: its host and id, the boot of its kernel, its PID namespace, and its start time.

    A process id alone is ambiguous: containers with one host name have separate ids, another machine may have the same
    name, and ids are reused. Fields that the system does not provide are "".
    """

    host: str
    pid: int
    boot: str = ""
    namespace: str = ""
    started: str = ""

    @classmethod
    def current(cls) -> "ProcessIdentity":
        """Identify this process."""
        return cls(socket.gethostname(), os.getpid(), _boot(), _namespace(), _get_start_time("self"))

    def has_ended(self) -> bool:
        """True if the process is known to have ended: no process has its id, or one with another start time.

        If that cannot be known, the result is False, and heartbeats decide.
        """
        here = ProcessIdentity.current()
        # An id means the same process only within one boot and PID namespace: after a reboot, or in another container,
        # it is free or belongs to another process, which proves nothing about this one.
        if (self.host, self.boot, self.namespace) != (here.host, here.boot, here.namespace):
            return False
        if not process_exists(self.pid):
            return True
        started = _get_start_time(str(self.pid))
        return bool(self.started and started) and self.started != started


def process_exists(pid: int) -> bool:
    """True if a process of this id is visible; always True on Windows, where signal 0 would end the process."""
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _boot() -> str:
    """Return the random id that the kernel draws when it boots."""
    return _read(_PROC / "sys/kernel/random/boot_id")


def _namespace() -> str:
    """Return the PID namespace such as "pid:[4026531836]"; the number is unique within a boot."""
    try:
        return str(Path.readlink(_PROC / "self/ns/pid"))
    except OSError:
        return ""


def _get_start_time(process: str) -> str:
    """Return the start time of a process in clock ticks since boot."""
    # The program's name, in parentheses before these fields, may contain spaces and parentheses.
    fields = _read(_PROC / process / "stat").rpartition(")")[2].split()
    return fields[_START_FIELD - 2] if len(fields) > _START_FIELD - 2 else ""


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
