"""Files that are whole or absent: temporary file, fsync, then one atomic step to the final name; or one put."""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from whyset.errors import StorageError, WhysetError
from whyset.store.boundary import read_regular
from whyset.store.remote import AnyPath, RemotePath

Value = TypeVar("Value")

_AT_A_TIME = 16


def replace_file(path: AnyPath, data: bytes) -> None:
    """Write the file atomically: a reader sees the old content or the new one."""
    if isinstance(path, RemotePath):
        path.put(data)
        return
    with _temporary(path, data) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


def create_file(path: AnyPath, data: bytes) -> None:
    """Write a file that must not exist yet, atomically; of two writers one gets FileExistsError.

    A hard link is the exclusive step, because O_EXCL would let a reader see a half-written file.
    """
    if isinstance(path, RemotePath):
        path.create(data)
        return
    with _temporary(path, data) as temporary:
        _link(temporary, path)
    sync_folder(path.parent)


@contextmanager
def new_file(path: AnyPath) -> Iterator[BinaryIO]:
    """A file that must not exist yet, and its folders; it needs `sync_file`. An object appears whole at the end."""
    if isinstance(path, RemotePath):
        content = BytesIO()
        yield content
        path.create(content.getbuffer())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        yield file


def remove(path: AnyPath) -> None:
    """Delete a file or a folder with all that is in it; nothing there is fine."""
    if isinstance(path, RemotePath):
        path.remove()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def read_bytes(path: AnyPath) -> bytes:
    return read_regular(path)


def each(function: Callable[[AnyPath], Value], paths: Sequence[AnyPath]) -> Iterator[Value]:
    """A function of every path, in order; several at a time where each is a question to an object store."""
    if not any(isinstance(path, RemotePath) for path in paths):
        yield from map(function, paths)
        return
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(function, paths)


def find_unfinished(folder: AnyPath, pattern: str) -> Iterable[AnyPath]:
    """Temporary files of writers that were killed; object stores keep no half-written ones."""
    return () if isinstance(folder, RemotePath) else folder.glob(pattern)


def sync_file(path: AnyPath) -> None:
    """Wait until the content of a file is on the disk; an object that was put is safe already."""
    if isinstance(path, RemotePath):
        return
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: AnyPath) -> None:
    """Wait until the entries of a folder are on the disk, where the system can open folders."""
    if os.name == "nt" or isinstance(path, RemotePath):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explain_disk_errors(path: AnyPath) -> Iterator[None]:
    """Turn a full disk, a used-up quota or a read-only folder into a sentence that says what to do."""
    try:
        yield
    except OSError as error:
        reason = _STORAGE_ERRORS.get(error.errno or 0)
        if reason is None:
            raise
        raise StorageError(
            f"{path}: {reason} ({error}); what was committed is safe: change that, then run the same command again"
        ) from error


_STORAGE_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the largest size that a file may have here is reached",
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
