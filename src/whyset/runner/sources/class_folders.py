"""Files in folders: `<class>/<file>`, or a flat folder whose labels are unknown."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote_from_bytes

import numpy as np
from numpy.typing import NDArray

from whyset.errors import InputError
from whyset.runner.labels import Labels
from whyset.runner.sources.content import file_content
from whyset.runner.sources.source import UNKNOWN


class ClassFolders:
    """Base of sources whose samples are the files of a folder with one of the `suffixes`, in sorted order.

    The classes are in the order of the sorted names of the class folders, unless `class_labels` states the output of
    each. Hidden files and folders are ignored.
    """

    path: Path
    class_labels: Labels | None

    suffixes: ClassVar[frozenset[str]]
    kind: ClassVar[str]
    """What a file is, such as "image"."""
    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not self.path.is_dir():
            raise InputError(f"data folder {self.path} {'is a file' if self.path.exists() else 'does not exist'}")
        if not self._files:
            suffixes = ", ".join(sorted(self.suffixes))
            raise InputError(f"data folder {self.path} holds no {self.kind}s ({suffixes}){self._others()}")
        loose = [name for name, _ in self._files if "/" not in name]
        if loose and len(loose) < len(self._files):
            raise InputError(
                f"data folder {self.path} has {self.kind}s next to its class folders (such as {loose[0]}): "
                f"give a folder of class folders, or one of {self.kind}s alone"
            )
        self._check_names()

    @cached_property
    def ids(self) -> list[str]:
        return [name for name, _ in self._files]

    @property
    def uris(self) -> list[str | None]:
        root = self.path.resolve().as_uri()
        return [f"{root}/{quote_from_bytes(os.fsencode(name))}" for name in self.ids]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        if not self._folders:
            return np.full(len(self), UNKNOWN, dtype=np.int64)
        index = self.class_labels.indices if self.class_labels else {n: i for i, n in enumerate(self._folders)}
        return np.array([index[name.split("/", 1)[0]] for name in self.ids], dtype=np.int64)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        if self.class_labels is not None:
            return self.class_labels.names
        return tuple(self._folders) or None

    @property
    def notes(self) -> list[str]:
        article = "an" if self.kind[0] in "aeiou" else "a"
        others = f"{self._n_ignored} files without the suffix of {article} {self.kind} are ignored"
        return [others] if self._n_ignored else []

    def fingerprint(self) -> str:
        """Return the SHA-256 of all ids, sizes and contents (of large folders: of some files), and class names."""
        digest = hashlib.sha256("\0".join(self.class_names or ()).encode())
        file_content(digest, self.path, self._files)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self._files)

    @cached_property
    def _listing(self) -> tuple[list[tuple[str, int]], int]:
        found: list[tuple[str, int]] = []
        ignored = 0
        try:
            for entry in walk(str(self.path)):
                if Path(entry.name).suffix.lower() in self.suffixes:
                    size = entry.stat().st_size if _leads_to(entry.is_file) else 0
                    found.append((Path(entry.path).relative_to(self.path).as_posix(), size))
                else:
                    ignored += 1
        except OSError as error:
            raise InputError(f"data folder {self.path} cannot be listed: {error}") from error
        return sorted(found), ignored

    @property
    def _files(self) -> list[tuple[str, int]]:
        return self._listing[0]

    @property
    def _n_ignored(self) -> int:
        return self._listing[1]

    @cached_property
    def _folders(self) -> list[str]:
        """The class folders in order, empty ones among them; none in a flat folder."""
        if "/" not in self._files[0][0]:
            return []
        return sorted(entry.name for entry in os.scandir(self.path) if _leads_to(entry.is_dir) and _visible(entry.name))

    def _check_names(self) -> None:
        unnamed = next((name for name in (*self._folders, *self.ids) if not _is_text(name)), None)
        if unnamed is not None:
            raise InputError(f"data folder {self.path}: the name {os.fsencode(unnamed)!r} is not UTF-8: rename it")
        strangers = [name for name in self._folders if self.class_labels and name not in self.class_labels.indices]
        if strangers and self.class_labels:
            same = [name for name in self.class_labels.names if name.startswith(f"{strangers[0]} (")]
            several = f"; several outputs have this name: rename the folder to one of {', '.join(same)}" if same else ""
            raise InputError(f"data folder {self.path}: the class {strangers[0]!r} is not in the labels file{several}")

    def _others(self) -> str:
        return f"; it holds {self._n_ignored} other files" if self._n_ignored else ""


def walk(folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator["os.DirEntry[str]"]:
    """Yield the files in a folder and below; broken links count as files, which cannot be read.

    Raises OSError if a link leads back to a folder above.
    """
    state = os.stat(folder)  # noqa: PTH116  # a path costs more than the call
    own = (state.st_dev, state.st_ino)
    if own in above:
        raise OSError(errno.ELOOP, "the folder has a link to a folder above it", folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _visible(entry.name):
                continue
            if _leads_to(entry.is_dir):
                yield from walk(entry.path, (*above, own))
            elif _leads_to(entry.is_file) or entry.is_symlink():
                yield entry


def _leads_to(kind: Callable[[], bool]) -> bool:
    """True if an entry is of a kind after following links; False for broken, circular and forbidden links."""
    try:
        return kind()
    except OSError:
        return False


def _visible(name: str) -> bool:
    return not name.startswith(".")


def _is_text(name: str) -> bool:
    """True if a name is Unicode: the system returns other bytes as lone surrogates."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
