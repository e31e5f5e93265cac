"""Files that are whole or absent: temporary file, fsync, then one atomic step to the final name."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from whyset.errors import WhysetError


def replace_file(path: Path, data: bytes) -> None:
    """Write the file atomically: a reader sees the old content or the new one."""
    with _temporary(path, data) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, atomically; of two writers one gets FileExistsError.

    A hard link is the exclusive step, because O_EXCL would let a reader see a half-written file.
    """
    with _temporary(path, data) as temporary:
        _link(temporary, path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until the entries of a folder are on the disk, where the system can open folders."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors_explained(path: Path) -> Iterator[None]:
    """Turn a full disk, a used-up quota or a read-only folder into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _STORAGE_ERRORS.get(error.errno or 0)
        if reason is None:
            raise
        raise WhysetError(
            f"{path}: {reason} ({error}); what was committed is safe: change that, then run the same command again"
        ) from error


_STORAGE_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing is not permitted",
    errno.EPERM: "writing is not permitted",
}


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Link exclusively; file systems without hard links (FAT, some network mounts) refuse with EPERM or ENOTSUP."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        if os.name == "nt":
            source.rename(target)  # refuses an existing target on Windows
            return
        raise WhysetError(
            f"{target.parent} lies on a file system without hard links ({error}), which commits need; "
            "choose a folder on another one"
        ) from error
