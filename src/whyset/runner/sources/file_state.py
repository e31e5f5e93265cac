"""Files that a source reads while a run is computed: what is compared to notice that one of them was changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyset.errors import JobStoppedError


@dataclass(frozen=True)
class FileState:
    """Size, modification time and inode of a file; all None if the file does not exist."""

    path: Path
    size: int | None = None
    modified_ns: int | None = None
    inode: int | None = None

    @classmethod
    def of(cls, path: Path) -> "FileState":
        try:
            state = path.stat()
        except OSError:
            return cls(path)
        return cls(path, state.st_size, state.st_mtime_ns, state.st_ino)

    def __str__(self) -> str:
        if self.size is None or self.modified_ns is None:
            return "no file"
        seconds, rest = divmod(self.modified_ns, 10**9)
        time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.size:,} bytes, modified {time}.{rest:09d} UTC, inode {self.inode}"


def opened_files(source: Any) -> tuple[FileState, ...]:
    """The files that a source reads for every sample, as they were when it was opened; sources without files have none.

    The images of a folder are not among them: each one is opened for its own sample only.
    """
    states: tuple[FileState, ...] = getattr(source, "opened_files", ())
    return states


def current_files(files: Iterable[FileState]) -> tuple[FileState, ...]:
    """The same files as they are now."""
    return tuple(FileState.of(file.path) for file in files)


def require_unchanged(files: Iterable[FileState], consequence: str) -> None:
    """JobStoppedError: a file is not as it was; the message names it, both states, and the `consequence`."""
    for expected in files:
        got = FileState.of(expected.path)
        if got != expected:
            raise JobStoppedError(
                f"data file {expected.path} was changed while the run was computed, {consequence}: expected "
                f"{expected}, got {got}: put it back as it was and give the same command again, or explain the new "
                "data into another folder"
            )
