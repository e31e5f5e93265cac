"""Ranges of a file: one seek and read for each on a disk, one request for all in an object store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Protocol

from whyset.store.boundary import open_regular
from whyset.store.remote import AnyPath, RemotePath
from whyset.store.remote_errors import explain_remote_errors


class Ranges(Protocol):
    """Reads the end of a file, and ranges into given memory; ValueError if the file is too short."""

    def tail(self, size: int) -> bytes: ...
    def fill(self, starts: Sequence[int], parts: Sequence[memoryview]) -> None: ...


@contextmanager
def open_ranges(path: AnyPath) -> Iterator[Ranges]:
    """Open the ranges of a file, which must exist."""
    if isinstance(path, RemotePath):
        yield RemoteRanges(path)
        return
    with open_regular(path) as stream:
        yield LocalRanges(stream)


@dataclass(frozen=True)
class LocalRanges:
    """Ranges of a file on a disk."""

    stream: BufferedReader

    def tail(self, size: int) -> bytes:
        _require(self.stream.seek(0, 2), size)
        self.stream.seek(-size, 2)
        return self.stream.read(size)

    def fill(self, starts: Sequence[int], parts: Sequence[memoryview]) -> None:
        for start, part in zip(starts, parts, strict=True):
            self.stream.seek(start)
            _require(self.stream.readinto(part), len(part))


@dataclass(frozen=True)
class RemoteRanges:
    """Ranges of an object."""

    path: RemotePath

    def tail(self, size: int) -> bytes:
        with explain_remote_errors(self.path):
            found = self.path.store.get(str(self.path.key), options={"range": {"suffix": size}}).bytes()
        _require(len(found), size)
        return bytes(found)

    def fill(self, starts: Sequence[int], parts: Sequence[memoryview]) -> None:
        ends = [start + len(part) for start, part in zip(starts, parts, strict=True)]
        with explain_remote_errors(self.path):
            found = self.path.store.get_ranges(str(self.path.key), starts=starts, ends=ends)
        for part, data in zip(parts, found, strict=True):
            _require(len(data), len(part))
            part[:] = memoryview(data)


def _require(found: int, wanted: int) -> None:
    if found < wanted:
        raise ValueError(f"the file is too short: expected {wanted} bytes, got {found}")
