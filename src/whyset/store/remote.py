"""RemotePath: a place in an object store that is used like a pathlib path; whatever is written there is one put."""

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
"""A request that fails is tried again for half a minute, not ten times within three seconds: servers start anew."""

_TIMEOUT = "180s"
"""A shard of 64 MB may take so long; obstore's 30 s would ask for 2 MB per second."""


@dataclass(frozen=True)
class RemotePath:
    """A place in an object store: a bucket and a key in it. Object stores have no folders, only keys with slashes.

    `RemotePath.of(url)` reads credentials and endpoint from the environment; `RemotePath(store, base)` takes any store
    that obstore can make, a `MemoryStore()` for instance. `base` is how it is called in messages.

    >>> str(RemotePath.of("s3://bucket/runs") / "cifar")         # doctest: +SKIP
    's3://bucket/runs/cifar'
    """

    store: "ObjectStore" = field(compare=False, repr=False)
    base: str
    key: PurePosixPath = field(default_factory=PurePosixPath)

    @classmethod
    def of(cls, url: str, **options: Any) -> "RemotePath":
        """The place with this URL; options are those of `obstore.store.from_url`, such as `endpoint`.

        InputError: no URL of an object store. MissingExtraError: obstore is not installed.
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

    # What is there

    def is_file(self) -> bool:
        """Whether an object has this key."""
        with explain_remote_errors(self):
            try:
                self.store.head(str(self.key))
            except FileNotFoundError:
                return False
            return True

    def is_dir(self) -> bool:
        """Whether there are objects below this key."""
        with explain_remote_errors(self):
            return any(batch for batch in self.store.list(self._prefix, chunk_size=1))

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator["RemotePath"]:
        """Objects and common prefixes one level below, as the store lists them now."""
        with explain_remote_errors(self):
            found = self.store.list_with_delimiter(self._prefix)
        for key in (*found["common_prefixes"], *(entry["path"] for entry in found["objects"])):
            yield RemotePath(self.store, self.base, PurePosixPath(key))

    def glob(self, pattern: str) -> Iterator["RemotePath"]:
        """What fits a pattern, one level for each of its parts."""
        first, _, rest = pattern.partition("/")
        for entry in self.iterdir():
            if fnmatchcase(entry.name, first):
                yield from entry.glob(rest) if rest else (entry,)

    def below(self) -> Iterator["RemotePath"]:
        """All objects below this key, at any depth."""
        for path, _ in self.states():
            yield path

    def state(self) -> str | None:
        """The state of the object as the store tells it, another one once it is written anew; None: it is not there."""
        with explain_remote_errors(self):
            try:
                return _state(self.store.head(str(self.key)))
            except FileNotFoundError:
                return None

    def size(self) -> int:
        """The bytes of the object; 0 where there is none."""
        with explain_remote_errors(self):
            try:
                return self.store.head(str(self.key))["size"]
            except FileNotFoundError:
                return 0

    def states(self) -> Iterator[tuple["RemotePath", str]]:
        """All objects below this key, each with its state, from one listing; `state()` may write the same otherwise."""
        with explain_remote_errors(self):
            for batch in self.store.list(self._prefix):
                for entry in batch:
                    yield RemotePath(self.store, self.base, PurePosixPath(entry["path"])), _state(entry)

    def read_bytes(self, most: int | None = None) -> bytes:
        """The whole object. ValueError: it has more than `most` bytes, of which none are asked for."""
        with explain_remote_errors(self):
            found = self.store.get(str(self.key))
            size = found.meta["size"]
            if most is not None and size > most:
                raise ValueError(f"it has {size:,} bytes: expected at most {most:,}")
            return bytes(found.bytes())

    def open(self, mode: str = "rb") -> BytesIO:
        """The whole object, read into memory."""
        if mode != "rb":
            raise ValueError(f"{self} is opened with mode {mode!r}: objects are written whole, by replace_file")
        return BytesIO(self.read_bytes())

    # Changes

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a key needs no folder."""

    def put(self, data: bytes | memoryview) -> None:
        """Write an object, atomically: a reader gets the old one or the new one."""
        with explain_remote_errors(self):
            self.store.put(str(self.key), data)

    def create(self, data: bytes | memoryview) -> None:
        """Write an object that must not exist yet, atomically; of two writers one gets FileExistsError.

        It is one conditional put. A put that the store did, but whose answer was lost, counts as done: what is there is
        compared with what was to be written.
        """
        exceptions = obstore_module("exceptions")
        with explain_remote_errors(self):
            try:
                self.store.put(str(self.key), data, mode="create", use_multipart=False)
            except (exceptions.AlreadyExistsError, exceptions.GenericError):
                if not self._holds(data):
                    raise

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object; object stores do not say whether there was one."""
        with explain_remote_errors(self):
            self.store.delete(str(self.key))

    def remove(self) -> None:
        """Delete the object and all that lie below it."""
        with explain_remote_errors(self):
            self.store.delete([str(self.key), *(str(path.key) for path in self.below())])

    @property
    def _prefix(self) -> str:
        return "" if self.key == PurePosixPath() else f"{self.key}/"

    def _holds(self, data: bytes | memoryview) -> bool:
        try:
            return bytes(self.store.get(str(self.key)).bytes()) == data
        except Exception:  # whatever it is, the first error is the one to tell
            return False


AnyPath: TypeAlias = Path | RemotePath


def as_path(path: "str | AnyPath") -> AnyPath:
    """A path as it was given: a URL as a RemotePath, anything else as a Path.

    >>> located("runs/cifar").name
    'cifar'
    """
    if isinstance(path, RemotePath):
        return path
    if isinstance(path, Path):
        if path.parts and path.parts[0].removesuffix(":") in SCHEMES and path.parts[0].endswith(":"):
            raise InputError(f"{path} was a URL before it became a Path, which loses a slash: give it as text")
        return path
    return RemotePath.of(path) if _URL.fullmatch(path) else Path(path)


def require_exclusive_creation(folder: RemotePath) -> None:
    """Refuse a store that lets two writers create one object: a commit could then be overwritten."""
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
    """Scheme, bucket and key of a URL."""
    found = _URL.fullmatch(url)
    scheme = found[1].lower() if found else ""
    if found is None or scheme not in SCHEMES or not found[2]:
        raise InputError(
            f"{url} is no URL of an object store: expected s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY or "
            "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY"
        )
    return scheme, found[2], found[3].strip("/")
