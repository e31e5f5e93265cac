"""Commit records: a shard exists only if it has one. They are written last, exclusively, and never changed."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from whyset.errors import BrokenRunError, InputError
from whyset.store.files import each, read_bytes
from whyset.store.input_hashes import InputHashes
from whyset.store.jsonfile import JSON, create_json, json_checksum, read_json, seal_json
from whyset.store.layout import COMMITS, commit_path, remedy
from whyset.store.losses import ShardLosses
from whyset.store.remote import AnyPath, RemotePath


@dataclass(frozen=True)
class Failure:
    """A row that could not be explained, with its error; it unpacks as (index, id, error)."""

    index: int
    id: str
    error: str

    def __iter__(self) -> Iterator[int | str]:
        return iter((self.index, self.id, self.error))


@dataclass(frozen=True)
class Tally:
    """`count` of `total` samples or explanations are suspicious."""

    count: int
    total: int


@dataclass(frozen=True)
class Commit:
    """The record of a complete shard: its rows, a CRC32 per array, failures, and where it was computed.

    `losses` were measured on a few of its explanations; `tallies` count suspicious ones, by the name of the check.
    `inputs` are hashes of the explained inputs; None in commits of earlier versions and of imported runs.
    """

    shard: int
    start: int
    stop: int
    checksums: Mapping[str, str]
    failed: tuple[Failure, ...]
    attempt: int
    config_hash: str
    provenance: Mapping[str, JSON]
    time: str
    losses: ShardLosses | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    inputs: InputHashes | None = None

    def to_json(self) -> dict[str, JSON]:
        inputs: dict[str, JSON] = {} if self.inputs is None else {"inputs": self.inputs.to_json()}
        return {
            "shard": self.shard,
            "range": [self.start, self.stop],
            "crc32": dict(self.checksums),
            "failed": [dict(vars(failure)) for failure in self.failed],
            "attempt": self.attempt,
            "config_hash": self.config_hash,
            "provenance": dict(self.provenance),
            "time": self.time,
            "losses": None if self.losses is None else self.losses.to_json(),
            "tallies": {name: [tally.count, tally.total] for name, tally in self.tallies.items()},
            **inputs,
        }


def checksum(values: npt.NDArray[np.generic]) -> str:
    """Compute the CRC32 of the little-endian bytes of an array in C order, as eight hexadecimal digits.

    >>> checksum(np.zeros(2, np.uint8))
    '41d912ff'
    """
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return f"{zlib.crc32(little.reshape(-1).view(np.uint8).data):08x}"


def create_commit(run: AnyPath, commit: Commit) -> None:
    """Create the record with its checksum, or raise FileExistsError: a late second writer cannot overwrite it."""
    content = commit.to_json()
    create_json(commit_path(run, commit.shard), seal_json(content))


def read_commit(run: AnyPath, shard: int) -> Commit:
    return _read(commit_path(run, shard))


def list_committed_shards(run: AnyPath) -> list[int]:
    """List the numbers of the committed shards, in order."""
    stems = [path.stem for path in (run / COMMITS).glob("*.json")]
    return sorted(int(stem) for stem in stems if stem.isdecimal() and stem == f"{int(stem):06d}")


def has_commit(run: AnyPath, shard: int) -> bool:
    """True if `list_committed_shards` lists a shard: its commit exists, readable or not."""
    path = commit_path(run, shard)
    return path.is_file() if isinstance(path, RemotePath) else os.path.lexists(path)


def read_commits(run: AnyPath, shards: Sequence[int]) -> Iterator[Commit]:
    """Read the commits of these shards, in order."""
    return each(_read, [commit_path(run, shard) for shard in shards])


def get_failures(commits: Iterable[Commit]) -> list[Failure]:
    return [failure for commit in commits for failure in commit.failed]


def list_failed_samples(failures: Iterable[Failure]) -> list[Failure]:
    """The first failure of each sample, in order: a sample with several targets fails several times."""
    first: dict[str, Failure] = {}
    for failure in failures:
        first.setdefault(failure.id, failure)
    return list(first.values())


def hash_commits(run: AnyPath) -> str:
    """Return the SHA-256 over the names and contents of all commits."""
    digest = hashlib.sha256()
    commits: list[AnyPath] = sorted((run / COMMITS).glob("*.json"), key=str)
    for commit, content in zip(commits, each(read_bytes, commits), strict=True):
        digest.update(commit.name.encode() + b"\0" + content)
    return "sha256:" + digest.hexdigest()


def _read(path: AnyPath) -> Commit:
    stored = read_json(path)
    if "checksum" in stored and stored["checksum"] != json_checksum(stored):
        raise BrokenRunError(f"{path} is damaged: its checksum does not match; {remedy(int(path.stem))}")
    try:
        return _from_json(stored)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise BrokenRunError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _from_json(stored: Mapping[str, JSON]) -> Commit:
    span, failed, checksums = stored["range"], stored["failed"], stored["crc32"]
    if not (isinstance(span, list) and isinstance(failed, list) and isinstance(checksums, Mapping)):
        raise TypeError("'range' and 'failed' must be lists, 'crc32' an object")
    values = {name: stored[name] for name in ("shard", "attempt", "config_hash", "provenance", "time")}
    start, stop = span
    return Commit(
        start=start,  # compared with the shard's range by verify
        stop=stop,
        checksums=checksums,  # type: ignore[arg-type]
        failed=tuple(_failure(entry, start, stop) for entry in failed),
        losses=None if stored.get("losses") is None else ShardLosses.from_json(stored["losses"]),  # type: ignore[arg-type]
        tallies=_tallies(stored.get("tallies", {})),
        inputs=InputHashes.from_json(stored.get("inputs")),
        **values,  # type: ignore[arg-type]
    )


def _failure(entry: JSON, start: JSON, stop: JSON) -> Failure:
    """Parse a failure; TypeError or ValueError if it is not a failed row between start and stop."""
    failure = Failure(**entry)  # type: ignore[arg-type]  # checked below
    if not (type(failure.index) is int and isinstance(failure.id, str) and isinstance(failure.error, str)):
        raise TypeError("failures must have a row number, an id and an error")
    if not (type(start) is int and type(stop) is int and start <= failure.index < stop):
        raise ValueError(f"the failed row {failure.index} is not one of rows {start} to {stop}")
    return failure


def _tallies(stored: JSON) -> dict[str, Tally]:
    if not isinstance(stored, Mapping):
        raise TypeError("'tallies' must be an object")
    return {name: _tally(name, counts) for name, counts in stored.items()}


def _tally(name: str, counts: JSON) -> Tally:
    if not (isinstance(counts, Sequence) and all(isinstance(number, int) for number in counts)):
        raise TypeError(f"the tally {name!r} is {counts!r}: expected two counts")
    count, total = map(int, counts)  # type: ignore[arg-type]  # whole numbers, checked above
    if not 0 <= count <= total:
        raise ValueError(f"the tally {name!r} is {count} of {total}")
    return Tally(count, total)
