"""Files of maps: .npy, .npz, HDF5 and Zarr, with labels and inputs in the same file or in others."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whyset.errors import InputError, MissingExtraError
from whyset.store.boundary import load_array, open_regular
from whyset.store.foreign_hdf5 import Hdf5File, Hdf5Group, open_hdf5
from whyset.store.foreign_zarr import open_zarr

HDF5, ZARR = (".h5", ".hdf5"), ".zarr"
SUFFIXES = (".npy", ".npz", *HDF5, ZARR)
NAMES: Mapping[str, tuple[str, ...]] = {
    "relevance": ("relevance", "attribution", "attributions", "maps", "heatmaps", "arr_0"),
    "inputs": ("inputs", "input", "images", "image", "data", "x", "X", "series", "volumes", "input_ids"),
    "labels": ("labels", "label", "y"),
    "predictions": ("predictions", "prediction"),
    "confidence": ("confidence",),
    "targets": ("targets", "target"),
    "ids": ("ids", "id"),
    "uris": ("uris", "uri"),
    "class_names": ("class_names",),
    "features": ("features",),
    "rate": ("rate",),
    "tokens": ("tokens",),
}
"""The usual names of the arrays in a file, of which the first that it has is read."""

_UNREADABLE = (OSError, ValueError, EOFError, MemoryError, RuntimeError, KeyError, zipfile.BadZipFile, zlib.error)
"""Exceptions that NumPy, h5py and Zarr raise for damaged files."""


@dataclass(frozen=True)
class ArrayFile:
    """An open file; `members` are its arrays by name."""

    path: Path
    members: Mapping[str, Any]

    def find(self, what: str) -> str | None:
        """Return the first usual name of an array that the file has."""
        return next((name for name in NAMES[what] if self.has(name)), None)

    def has(self, name: str) -> bool:
        return name in self.members and not isinstance(self.read(name), Hdf5Group)

    def read(self, name: str) -> Any:
        """Return an array, of which HDF5 and Zarr read rows when they are needed. InputError: it is damaged."""
        try:
            return self.members[name]
        except _UNREADABLE as error:
            raise InputError(f"file {self.path}: {name} cannot be read: {error}") from error

    def read_whole(self, name: str) -> Any:
        """Return an array as NumPy's; texts of HDF5 are decoded."""
        found = self.read(name)
        try:
            values = self.members.whole(found) if isinstance(self.members, Hdf5Group) else np.asarray(found)
        except _UNREADABLE as error:
            raise InputError(f"file {self.path}: {name} cannot be read: {error}") from error
        return np.array(decode(values.tolist()), object) if values.dtype.kind in "OS" else values


def decode(values: Any) -> Any:
    """Decode bytes in nested lists."""
    if isinstance(values, list):
        return [decode(value) for value in values]
    return values.decode() if isinstance(values, bytes) else values


@contextmanager
def open_file(path: Path) -> Iterator[ArrayFile]:
    """Open a file of arrays; an .npz is read into memory where its arrays are used. InputError: it cannot be read."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"file {path}: expected a name that ends in one of {', '.join(SUFFIXES)}")
    if not path.exists():
        raise InputError(f"file {path} does not exist")
    if path.is_dir() != (suffix == ZARR):
        raise InputError(f"{path} is a {'folder' if path.is_dir() else 'file'}: expected the other for {suffix}")
    with ExitStack() as held:
        try:
            members = _open(path, suffix)
            if isinstance(members, Hdf5File | np.lib.npyio.NpzFile):
                held.enter_context(members)
        except MissingExtraError:
            raise
        except _UNREADABLE as error:
            raise InputError(f"file {path} cannot be read: {error}") from error
        yield ArrayFile(path, members)


def _open(path: Path, suffix: str) -> Mapping[str, Any]:
    if suffix == ZARR:
        return open_zarr(path)
    if suffix in HDF5:
        return open_hdf5(path)
    open_regular(path).close()
    if suffix == ".npz":
        archive: Mapping[str, Any] = np.load(path, allow_pickle=False)
        return archive
    try:
        return {"arr_0": load_array(path)}
    except ValueError:  # texts, such as names of classes
        return {"arr_0": np.load(path, allow_pickle=False)}


@dataclass(frozen=True)
class FoundArrays:
    """The arrays of an import by what they are (keys of `NAMES`), and where each was found, to report it."""

    arrays: Mapping[str, Any]
    sources: Mapping[str, str]

    def names(self, what: str) -> list[str] | None:
        """Return texts such as names of classes."""
        return [str(name) for name in self.arrays[what].tolist()] if what in self.arrays else None

    def rate(self) -> float | None:
        if "rate" not in self.arrays:
            return None
        value = np.asarray(self.arrays["rate"])
        if value.size != 1 or value.dtype.kind not in "iuf":
            raise InputError(f"rate has the shape {value.shape}: expected one number")
        return float(value.reshape(()))

    def tokens(self) -> list[list[str]] | None:
        """Return the words of each text, (N, T) with "" after the end."""
        if "tokens" not in self.arrays:
            return None
        table = np.asarray(self.arrays["tokens"])
        if table.ndim != 2:
            raise InputError(f"tokens have the shape {table.shape}: expected words (N, T), with '' after the end")
        return [_without_padding([str(word) for word in row]) for row in table.tolist()]


@contextmanager
def find_arrays(path: Path, given: Mapping[str, str | None]) -> Iterator[FoundArrays]:
    """Find the arrays of an import in a file, by the names `given` or by usual ones; the files are open in the block.

    A given value is the name of an array in the file, or another file (or FILE:NAME). InputError: it is neither, or the
    file has no relevance.
    """
    with ExitStack() as held:
        main = held.enter_context(open_file(path))
        places: dict[str, tuple[ArrayFile, str]] = {}
        for what in NAMES:
            asked = given.get(what)
            if asked is not None:
                places[what] = _locate(main, what, asked, held)
            elif (usual := main.find(what)) is not None:
                places[what] = (main, usual)
        if "relevance" not in places:
            raise InputError(
                f"file {path} has {', '.join(sorted(main.members)) or 'nothing'}: expected one of "
                f"{', '.join(NAMES['relevance'])}; name the array of relevance maps (--relevance)"
            )
        rows = ("relevance", "inputs")
        arrays = {
            what: file.read(name) if what in rows else file.read_whole(name) for what, (file, name) in places.items()
        }
        yield FoundArrays(arrays, {what: _describe(main, *place) for what, place in places.items()})


def _locate(main: ArrayFile, what: str, asked: str, held: ExitStack) -> tuple[ArrayFile, str]:
    if main.has(asked):
        return main, asked
    file, _, name = asked.rpartition(":") if not Path(asked).exists() else (asked, "", "")
    if not file or not Path(file).exists():
        raise InputError(
            f"{what}: {asked!r} is neither an array in {main.path}, which has {_join(main.members)}, nor a file"
        )
    other = held.enter_context(open_file(Path(file)))
    found = name or other.find(what) or (next(iter(other.members)) if len(other.members) == 1 else "")
    if not found or not other.has(found):
        raise InputError(
            f"{what}: file {file} has {_join(other.members)}: expected an array {name or NAMES[what][0]!r}; name it as "
            f"{file}:NAME"
        )
    return other, found


def _describe(main: ArrayFile, file: ArrayFile, name: str) -> str:
    return name if file is main else f"{file.path}:{name}"


def _join(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _without_padding(words: list[str]) -> list[str]:
    while words and not words[-1]:
        words.pop()
    return words
