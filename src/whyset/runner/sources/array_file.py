"""Samples that are the rows of an array in a file: .npy (memory-mapped), .npz, or HDF5."""

import hashlib
import threading
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.errors import InputError, MissingPreprocessingError
from whyset.runner.input_codecs import InputCodec, for_arrays
from whyset.runner.sources.codec_choice import CodecChoice, show_images, show_values
from whyset.runner.sources.content import row_content
from whyset.runner.sources.file_state import FileState
from whyset.runner.sources.given_labels import GivenLabels
from whyset.runner.sources.measuring import MeasuredRange, measure_rows
from whyset.runner.sources.rows import ArrayRows, RowForm, check_ids
from whyset.store.boundary import open_regular
from whyset.store.foreign_hdf5 import Hdf5Group, open_hdf5

IMAGE_KEYS = ("images", "image", "data", "x", "X", "pixel_values", "series", "volumes", "input_ids", "arr_0")
LABEL_KEYS = ("labels", "label", "targets", "target", "y", "Y", "arr_1")
HDF5 = (".h5", ".hdf5")
SUFFIXES = (".npy", ".npz", *HDF5)
_UNREADABLE = (OSError, ValueError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""Exceptions that NumPy and h5py raise for damaged files."""


@dataclass(frozen=True)
class ArrayFileSource:
    """Samples and labels in a file, by the names `images` and `labels_name` of its arrays (by default, common names).

    Images, volumes, series, tables and ids of tokens are as in `ArraySource`. The file may also hold `ids`,
    `class_names`, `features` (names of columns or channels), `rate` (positions of a series per second) and `tokens`,
    the words of texts as (N, T) with "" after the end of a text. Every process opens the file: an .npy is
    memory-mapped, HDF5 is read row by row, an .npz is read into memory whole.

    >>> source = ArrayFileSource("digits.npz", Preprocessing(mode="L"))  # doctest: +SKIP
    """

    path: Path
    given: InputCodec | None = None
    names: tuple[str, ...] | None = None
    images: str | None = None
    labels_name: str | None = None

    concurrent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if self.path.suffix.lower() not in SUFFIXES:
            raise InputError(f"data file {self.path}: expected a name that ends in one of {', '.join(SUFFIXES)}")
        if not self.path.is_file():
            raise InputError(f"data file {self.path} {'is a folder' if self.path.is_dir() else 'does not exist'}")
        _ = self.opened_files  # before it is opened: a change after that is noticed
        if not self.form.numbers and self.given is None:
            raise MissingPreprocessingError(f"the {self._rows.dtype} images in {self.path}")
        check_ids(self.ids, len(self))
        _ = self.labels, self.preprocessing

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the open file and its rows, but with the measured range and the state of the file."""
        return {name: getattr(self, name) for name in (*self.__dataclass_fields__, "_shown", "opened_files")}

    @cached_property
    def opened_files(self) -> tuple[FileState, ...]:
        return (FileState.of(self.path),)

    @cached_property
    def ids(self) -> list[str]:
        found = self._texts("ids")
        return list(map(str, range(len(self)))) if found is None else found

    @property
    def uris(self) -> list[str | None]:
        return [None] * len(self)

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.given_labels.indices

    @cached_property
    def given_labels(self) -> GivenLabels:
        name = self._name(self.labels_name, LABEL_KEYS, "labels")
        return GivenLabels.of(None if name is None else self._whole(name), len(self), self._class_names)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self._class_names or self.given_labels.names

    @cached_property
    def _class_names(self) -> tuple[str, ...] | None:
        found = self._texts("class_names")
        return self.names or (None if found is None else tuple(found))

    @property
    def features(self) -> list[str] | None:
        return self._texts("features")

    @property
    def rate(self) -> float | None:
        return float(self._whole("rate")) if self._has("rate") else None

    @property
    def tokens(self) -> list[list[str]] | None:
        """The words of each text, without padding."""
        if not self._has("tokens"):
            return None
        table = np.asarray(self._whole("tokens"))
        if table.ndim != 2 or len(table) != len(self):
            raise InputError(
                f"data file {self.path}: tokens must be texts ({len(self)}, T), not {table.dtype} {table.shape}"
            )
        return [_without_padding([_text(word) for word in row]) for row in table.tolist()]

    @property
    def preprocessing(self) -> InputCodec:
        return self._shown.kept

    @property
    def notes(self) -> list[str]:
        return self._shown.notes

    @property
    def measured(self) -> MeasuredRange | None:
        return self._shown.measured

    @cached_property
    def form(self) -> RowForm:
        return RowForm.of(self._rows.shape, self._rows.dtype)

    def fingerprint(self) -> str:
        """Return the SHA-256 of dtype, shape and bytes of the images (of large files: of some rows), labels and ids."""
        rows = self._rows
        digest = hashlib.sha256(f"{rows.dtype.str}{rows.shape}".encode() + "\0".join(self.ids).encode())
        digest.update(self.given_labels.content())
        row_content(digest, rows)
        return digest.hexdigest()

    def __len__(self) -> int:
        return int(self._rows.shape[0])

    def __getitem__(self, index: int, /) -> tuple[torch.Tensor, int | None]:
        x, label = self.read(index)
        return (self.preprocessing.normalize(x) if x.dtype == torch.uint8 else x), label

    def read(self, index: int) -> tuple[torch.Tensor, int | None]:
        with self._lock:  # h5py serves one thread at a time
            row = np.asarray(self._rows[index])
        return self.form.read(row, self.preprocessing), self.given_labels[index]

    def read_rows(self, start: int, stop: int) -> tuple[torch.Tensor, list[int | None]]:
        with self._lock:
            rows = np.asarray(self._rows[start:stop])
        return self.form.read_rows(rows, self.preprocessing), self.given_labels.read_rows(start, stop)

    @cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    @cached_property
    def _members(self) -> Mapping[str, Any]:
        """The arrays in the file by name; opened where they are first used."""
        try:
            if self.path.suffix.lower() in HDF5:
                return open_hdf5(self.path)
            open_regular(self.path).close()
            opened = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        return {"images": opened} if isinstance(opened, np.ndarray) else opened

    @cached_property
    def _rows(self) -> ArrayRows:
        name = self._name(self.images, IMAGE_KEYS, "images")
        if name is None:
            raise InputError(
                f"data file {self.path} has {', '.join(sorted(self._members)) or 'nothing'}: expected one of "
                f"{', '.join(IMAGE_KEYS)}; rename the array of images, or in Python give ArrayFileSource(path, "
                "images=...)"
            )
        found: ArrayRows = self._array(name)
        return found

    def _name(self, asked: str | None, usual: tuple[str, ...], what: str) -> str | None:
        if asked is not None and not self._has(asked):
            raise InputError(
                f"data file {self.path} has no {what} {asked!r}; it has {', '.join(sorted(self._members))}"
            )
        return asked or next((name for name in usual if self._has(name)), None)

    def _texts(self, name: str) -> list[str] | None:
        return [_text(value) for value in self._whole(name).tolist()] if self._has(name) else None

    def _has(self, name: str) -> bool:
        if not isinstance(self._members, Hdf5Group):
            return name in self._members
        return name in set(self._members) and not isinstance(self._array(name), Hdf5Group)

    def _array(self, name: str) -> Any:
        try:
            return self._members[name]
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _whole(self, name: str) -> NDArray[Any]:
        """Read an array other than the images whole."""
        members = self._members
        try:
            return members.whole(members[name]) if isinstance(members, Hdf5Group) else np.asarray(members[name])
        except _UNREADABLE as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: BaseException) -> InputError:
        return InputError(f"data file {self.path} cannot be read: {error}")

    @cached_property
    def _shown(self) -> CodecChoice:
        if self.given is not None and self.form.images:
            return CodecChoice(for_arrays(self.given))
        if not self.form.images:
            return show_values(integers=self.form.channels == "ids")
        return show_images(measure_rows(self._rows), self._rows.shape[1:])


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _without_padding(words: list[str]) -> list[str]:
    while words and not words[-1]:
        words.pop()
    return words
