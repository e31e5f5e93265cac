"""RemotePath: a path in an object store that is used like a pathlib path; every write is one put."""

import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from whyset.errors import InputError
from whyset.store.remote_errors import explain_remote_errors, first_line, obstore_module

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

SCHEMES = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^/]*)/*(.*)", re.DOTALL)
_RETRIES = {"max_retries": 100, "retry_timeout": timedelta(seconds=30)}
"""Failed requests are retried for half a minute, not ten times within three seconds: servers may be restarting."""

_TIMEOUT = "180s"
"""A shard of 64 MB may take this long; obstore's 30 s would require 2 MB per second."""


@dataclass(frozen=True)
class RemotePath:
    """A path in an object store: a bucket and a key in it. Object stores have no folders, only keys with slashes.

    `RemotePath.of(url)` reads credentials and endpoint from the environment; `RemotePath(store, base)` takes any store
    of obstore.

    Parameters
    ----------
    store : ObjectStore
        A store of obstore, for instance a `MemoryStore()`.
    base : str
        Name of the store in messages and in the text of the path, such as s3://bucket.
    key : PurePosixPath, default PurePosixPath()
        The key in the store, by default its root.

    Examples
    --------
    >>> str(RemotePath.of("s3://bucket/runs") / "cifar")         # doctest: +SKIP
    's3://bucket/runs/cifar'
    """

    store: "ObjectStore" = field(compare=False, repr=False)
    base: str
    key: PurePosixPath = field(default_factory=PurePosixPath)

    @classmethod
    def of(cls, url: str, **options: Any) -> "RemotePath":
        """Make the path of a URL.

        Parameters
        ----------
        url : str
            The URL of a bucket, with or without a key, such as s3://bucket/runs.
        **options
            Options of `obstore.store.from_url`, such as `endpoint`.

        Returns
        -------
        RemotePath
            The path.

        Raises
        ------
        InputError
            `url` is not the URL of an object store.
        MissingExtraError
            obstore is not installed.
        """
        scheme, bucket, key = _parts(url)
        stores = obstore_module("store")
        base = f"{scheme}://{bucket}"
        insecure = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")  # options of the client replace it
        given: dict[str, Any] = {
            "retry_config": _RETRIES,
            "client_options": {"timeout": _TIMEOUT, "allow_http": insecure},
        }
        with explain_remote_errors(base):
            return cls(stores.from_url(base, **given | options), base, PurePosixPath(key))

    # A path

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(self.store, self.base, self.key / name)

    def joinpath(self, *names: str) -> "RemotePath":
        return RemotePath(self.store, self.base, self.key.joinpath(*names))

    def with_name(self, name: str) -> "RemotePath":
        return RemotePath(self.store, self.base, self.key.with_name(name))

    def relative_to(self, other: "RemotePath") -> PurePosixPath:
        return self.key.relative_to(other.key)

    def match(self, pattern: str) -> bool:
        return self.key.match(pattern)

    def resolve(self) -> "RemotePath":
        return self

    @property
    def parent(self) -> "RemotePath":
        return RemotePath(self.store, self.base, self.key.parent)

    @property
    def name(self) -> str:
        return self.key.name or self.base.rpartition("/")[2]

    @property
    def stem(self) -> str:
        return self.key.stem

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.base, *self.key.parts)

    def __str__(self) -> str:
        return self.base if self.key == PurePosixPath() else f"{self.base}/{self.key}"

    def __lt__(self, other: "RemotePath") -> bool:
        return (self.base, self.key) < (other.base, other.key)

    # Reading

    def is_file(self) -> bool:
        """True if an object has this key."""
        with explain_remote_errors(self):
            try:
                self.store.head(str(self.key))
            except FileNotFoundError:
                return False
            return True

    def is_dir(self) -> bool:
        """True if objects exist below this key."""
        with explain_remote_errors(self):
            return any(batch for batch in self.store.list(self._prefix, chunk_size=1))

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator["RemotePath"]:
        """Yield objects and common prefixes one level below, as the store lists them now."""
        with explain_remote_errors(self):
            found = self.store.list_with_delimiter(self._prefix)
        for key in (*found["common_prefixes"], *(entry["path"] for entry in found["objects"])):
            yield RemotePath(self.store, self.base, PurePosixPath(key))

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """Yield the paths that match a pattern, one level for each of its parts."""
        first, _, rest = pattern.partition("/")
        for entry in self.iterdir():
            if fnmatchcase(entry.name, first):
                yield from entry.glob(rest) if rest else (entry,)

    def below(self) -> Iterator["RemotePath"]:
        """Yield all objects below this key, at any depth."""
        for path, _ in self.states():
            yield path

    def state(self) -> str | None:
        """Return a state of the object that changes when it is written again; None if it does not exist."""
        with explain_remote_errors(self):
            try:
                return _state(self.store.head(str(self.key)))
            except FileNotFoundError:
                return None

    def size(self) -> int:
        """Return the size of the object in bytes; 0 if it does not exist."""
        with explain_remote_errors(self):
            try:
                return self.store.head(str(self.key))["size"]
            except FileNotFoundError:
                return 0

    def states(self) -> Iterator[tuple["RemotePath", str]]:
        """Yield all objects below this key with their states, from one listing; `state()` may format them otherwise."""
        with explain_remote_errors(self):
            for batch in self.store.list(self._prefix):
                for entry in batch:
                    yield RemotePath(self.store, self.base, PurePosixPath(entry["path"])), _state(entry)

    def read_bytes(self, most: int | None = None) -> bytes:
        """Read the whole object; ValueError, without reading it, if it has more than `most` bytes."""
        with explain_remote_errors(self):
            found = self.store.get(str(self.key))
            size = found.meta["size"]
            if most is not None and size > most:
                raise ValueError(f"it has {size:,} bytes: expected at most {most:,}")
            return bytes(found.bytes())

    def open(self, mode: str = "rb") -> BytesIO:
        """Read the whole object into memory."""
        if mode != "rb":
            raise ValueError(
                f"{self} cannot be opened with mode {mode!r}: expected 'rb'; objects are written whole by replace_file"
            )
        return BytesIO(self.read_bytes())

    # Changes

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a key needs no folder."""

    def put(self, data: bytes | memoryview) -> None:
        """Write an object atomically: a reader gets the old one or the new one."""
        with explain_remote_errors(self):
            self.store.put(str(self.key), data)

    def create(self, data: bytes | memoryview) -> None:
        """Write an object that must not exist yet, atomically; the second of two writers gets FileExistsError.

        It is one conditional put. If the store did a put but its answer was lost, the put counts as done: the existing
        object is compared with the data.
        """
        exceptions = obstore_module("exceptions")
        with explain_remote_errors(self):
            try:
                self.store.put(str(self.key), data, mode="create", use_multipart=False)
            except (exceptions.AlreadyExistsError, exceptions.GenericError):
                if not self._holds(data):
                    raise

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object; object stores do not report whether it existed."""
        with explain_remote_errors(self):
            self.store.delete(str(self.key))

    def remove(self) -> None:
        """Delete the object and all objects below it."""
        with explain_remote_errors(self):
            self.store.delete([str(self.key), *(str(path.key) for path in self.below())])

    @property
    def _prefix(self) -> str:
        return "" if self.key == PurePosixPath() else f"{self.key}/"

    def _holds(self, data: bytes | memoryview) -> bool:
        try:
            return bytes(self.store.get(str(self.key)).bytes()) == data
        except Exception:  # the caller raises the first error
            return False


AnyPath: TypeAlias = Path | RemotePath


def as_path(path: "str | AnyPath") -> AnyPath:
    """Convert a URL to a RemotePath, and other texts to a Path.

    >>> as_path("runs/cifar").name
    'cifar'
    """
    if isinstance(path, RemotePath):
        return path
    if isinstance(path, Path):
        if path.parts and path.parts[0].removesuffix(":") in SCHEMES and path.parts[0].endswith(":"):
            raise InputError(f"{path} is a URL given as a Path, which loses a slash: give it as text")
        return path
    return RemotePath.of(path) if _URL.fullmatch(path) else Path(path)


def require_exclusive_creation(folder: RemotePath) -> None:
    """Raise InputError for a store that lets two writers create one object: a commit could be overwritten."""
    trial = folder / f".trial.{uuid.uuid4().hex}.partial"
    try:
        trial.create(b"first")
    except NotImplementedError as error:
        raise InputError(f"{folder}: {_NOT_EXCLUSIVE} ({first_line(error)})") from error
    try:
        trial.create(b"second")
    except FileExistsError:
        return
    finally:
        trial.unlink()
    raise InputError(f"{folder}: {_NOT_EXCLUSIVE} (it accepted the same key twice)")


_NOT_EXCLUSIVE = (
    "this object store cannot create objects exclusively (S3: PutObject with If-None-Match), which commits and leases "
    "need; update the server, or explain into a local folder and copy the run"
)


def _state(object: "ObjectMeta") -> str:
    return f"{object['e_tag']} {object['last_modified'].isoformat()} {object['size']}"


def _parts(url: str) -> tuple[str, str, str]:
    """Split a URL into scheme, bucket and key."""
    found = _URL.fullmatch(url)
    scheme = found[1].lower() if found else ""
    if found is None or scheme not in SCHEMES or not found[2]:
        raise InputError(
            f"{url} is not the URL of an object store: expected s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY "
            "or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY"
        )
    return scheme, found[2], found[3].strip("/")
