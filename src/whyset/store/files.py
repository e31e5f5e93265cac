"""Atomic files: a temporary file, fsync, then one atomic step to the final name; or one put in an object store."""

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
    # A rename is durable only when its folder is synced; the content was synced before, or the new name could be empty.
    sync_folder(path.parent)


def create_file(path: AnyPath, data: bytes) -> None:
    """Write a file that must not exist yet, atomically; the second of two writers gets FileExistsError.

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
    """Create a file that must not exist yet, and its folders; call `sync_file` afterwards. An object appears whole."""
    if isinstance(path, RemotePath):
        content = BytesIO()
        yield content
        path.create(content.getbuffer())
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        yield file


def remove(path: AnyPath) -> None:
    """Delete a file, or a folder with its content, if it exists."""
    if isinstance(path, RemotePath):
        path.remove()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def read_bytes(path: AnyPath) -> bytes:
    return read_regular(path)


def each(function: Callable[[AnyPath], Value], paths: Sequence[AnyPath]) -> Iterator[Value]:
    """Apply a function to every path, in order; in object stores, several at a time."""
    if not any(isinstance(path, RemotePath) for path in paths):
        yield from map(function, paths)
        return
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(function, paths)


def find_unfinished(folder: AnyPath, pattern: str) -> Iterable[AnyPath]:
    """Find temporary files of killed writers; object stores have no partial objects."""
    return () if isinstance(folder, RemotePath) else folder.glob(pattern)


def sync_file(path: AnyPath) -> None:
    """Wait until the content of a file is on the disk; objects are durable after their put."""
    if isinstance(path, RemotePath):
        return
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: AnyPath) -> None:
    """Wait until the entries of a folder are on the disk; does nothing on Windows, which cannot open folders."""
    if os.name == "nt" or isinstance(path, RemotePath):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explain_disk_errors(path: AnyPath) -> Iterator[None]:
    """Turn errors such as a full disk or a read-only folder into a StorageError with advice."""
    try:
        yield
    except OSError as error:
        reason = _STORAGE_ERRORS.get(error.errno or 0)
        if reason is None:
            raise
        raise StorageError(
            f"{path}: {reason} ({error}); committed data is safe: resolve this, then run the same command again"
        ) from error


_STORAGE_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file exceeds the size limit of the file system or the user",
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
            f"{target.parent} is on a file system without hard links ({error}), which commits need; "
            "choose a folder on another file system"
        ) from error
