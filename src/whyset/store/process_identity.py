"""ProcessIdentity: which process of which machine this is, and whether a process that it names has ended."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_START_FIELD = 21
"""Field 22 of /proc/PID/stat, counted from 0: the time of start in clock ticks since boot (man 5 proc)."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process: its host and number, the boot of its kernel, its PID namespace, and when it was started.

    A number says nothing alone: containers with one host name count their processes each for themselves, another
    machine may have the same name, and numbers are given again. What the system does not tell is "".
    """

    host: str
    pid: int
    boot: str = ""
    namespace: str = ""
    started: str = ""

    @classmethod
    def current(cls) -> "ProcessIdentity":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), _boot(), _namespace(), _get_start_time("self"))

    def has_ended(self) -> bool:
        """Whether the process is known to have ended.

        That can be known of processes of the same host, boot and PID namespace alone: there is none of that number, or
        it was started at another time. Where it cannot be known, the answer is False, and heartbeats decide.
        """
        here = ProcessIdentity.current()
        if (self.host, self.boot, self.namespace) != (here.host, here.boot, here.namespace):
            return False
        if not process_exists(self.pid):
            return True
        started = _get_start_time(str(self.pid))
        return bool(self.started and started) and self.started != started


def process_exists(pid: int) -> bool:
    """Whether this process sees one of that number; on Windows, where signal 0 would end it, assume so."""
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
    """A random number that the kernel draws when it boots."""
    return _read(_PROC / "sys/kernel/random/boot_id")


def _namespace() -> str:
    """Such as "pid:[4026531836]"; the number is unique within a boot."""
    try:
        return str(Path.readlink(_PROC / "self/ns/pid"))
    except OSError:
        return ""


def _get_start_time(process: str) -> str:
    """The name of a program, in parentheses before the other fields, may hold spaces and parentheses itself."""
    fields = _read(_PROC / process / "stat").rpartition(")")[2].split()
    return fields[_START_FIELD - 2] if len(fields) > _START_FIELD - 2 else ""


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
