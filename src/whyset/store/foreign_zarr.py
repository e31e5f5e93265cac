"""Safe reading of untrusted Zarr folders: regular files only, known codecs, and bounded sizes.

A codec may execute code (`pickle`), links may lead to other files, and metadata may claim far more values than the
folder holds. All of this is refused before Zarr opens an array.
"""

import math
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from whyset.store.boundary import MOST_RECORD, parse_json, read_regular

_MOST_EXPANSION, _ALWAYS_ALLOWED = 4096, 2**24
"""Limit of the compression ratio, as for HDF5; a few megabytes may come from the fill value."""

_COMPRESSORS = frozenset({"blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"})
_OTHERS = frozenset({"bitround", "bytes", "crc32c", "delta", "endian", "sharding_indexed", "shuffle", "transpose"})
_METADATA = ("zarr.json", ".zarray")


class RefusedZarrError(ValueError):
    """A Zarr folder holds something else than plain arrays; the message does not name the folder."""


@dataclass(frozen=True)
class ZarrFolder(Mapping[str, Any]):
    """The arrays of numbers and fixed-length texts in a Zarr folder, by their paths; of a single array, "arr_0"."""

    path: Path
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        folder = self.path / ("" if name == "arr_0" and _has_array(self.path) else name)
        _require_bounded(name, folder)
        return zarr.open_array(store=str(folder), mode="r")

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def open_zarr(path: Path) -> ZarrFolder:
    """Open a Zarr folder of version 2 or 3 for reading.

    Raises RefusedZarrError if it holds links or special files, or no array.
    """
    names = []
    for folder, _, files in os.walk(path, onerror=_raise):
        place = Path(folder)
        for name in (*files, *(child.name for child in place.iterdir() if child.is_symlink())):
            mode = os.lstat(place / name).st_mode
            if not stat.S_ISREG(mode):
                raise RefusedZarrError(f"{place.relative_to(path) / name} is a link or a special file: copy the data")
        if _has_array(place):
            names.append(place.relative_to(path).as_posix() if place != path else "arr_0")
    if not names:
        raise RefusedZarrError("it holds no array of Zarr: expected a folder with zarr.json or .zarray")
    return ZarrFolder(path, tuple(sorted(names)))


def _raise(error: OSError) -> None:
    raise error


def _has_array(folder: Path) -> bool:
    """True if a folder is an array, by its metadata."""
    if (folder / ".zarray").is_file():
        return True
    return (folder / "zarr.json").is_file() and _read(folder / "zarr.json").get("node_type") == "array"


def _read(file: Path) -> dict[str, Any]:
    content = parse_json(read_regular(file, MOST_RECORD))
    if not isinstance(content, dict):
        raise RefusedZarrError(f"{file.name} is damaged: expected an object")
    found: dict[str, Any] = content
    return found


def _require_bounded(name: str, folder: Path) -> None:
    """Raise RefusedZarrError for unknown codecs, or for values that the folder cannot hold."""
    stated = next(_read(folder / file) for file in _METADATA if (folder / file).is_file())
    _require_known_codecs(name, list(_list_codecs(stated)))
    shape = stated.get("shape")
    if not isinstance(shape, list) or not all(type(side) is int and 0 <= side < 2**48 for side in shape):
        raise RefusedZarrError(f"{name} is damaged: its shape is {str(shape)[:80]}")
    chunks = stated.get("chunks", _get(stated, "chunk_grid", "configuration", "chunk_shape"))
    if not isinstance(chunks, list) or not all(type(side) is int and 0 < side < 2**48 for side in chunks):
        raise RefusedZarrError(f"{name} is damaged: its chunks are {str(chunks)[:80]}")
    held = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    sides = [max(1, side, chunk) for side, chunk in zip(shape, chunks, strict=False)]
    claimed = math.prod(sides) * _get_item_bytes(name, stated)
    if claimed > max(_ALWAYS_ALLOWED, _MOST_EXPANSION * held):
        raise RefusedZarrError(f"{name} claims {claimed:,} bytes of values, but the folder holds {held:,}")


def _get_item_bytes(name: str, stated: Mapping[str, Any]) -> int:
    """Return the bytes of a value; RefusedZarrError unless it is a number or a fixed-length text."""
    kind = stated.get("data_type", stated.get("dtype"))
    if isinstance(kind, dict) and kind.get("name") == "fixed_length_utf32":
        return max(1, int(_get(kind, "configuration", "length_bytes") or 1))
    try:
        dtype = np.dtype(kind)
    except (TypeError, ValueError):
        dtype = np.dtype(object)
    if dtype.kind not in "biufUS":
        raise RefusedZarrError(
            f"{name} holds {str(kind)[:80]}: expected numbers, or texts of a fixed length, such as numpy.array(names)"
        )
    return max(1, int(dtype.itemsize))


def _require_known_codecs(name: str, codecs: list[str]) -> None:
    unknown = [codec for codec in codecs if codec not in _COMPRESSORS | _OTHERS]
    if unknown:
        raise RefusedZarrError(
            f"{name} needs the codec {unknown[0][:80]!r}, which is not one of those that are safe to read"
        )
    if sum(codec in _COMPRESSORS for codec in codecs) > 1:
        raise RefusedZarrError(f"{name} is compressed more than once (by {', '.join(codecs)}): compress it once")


def _list_codecs(stated: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all codecs; those of Zarr 2, and those inside of shards, too."""
    of_version_2 = [stated.get("compressor"), *(stated.get("filters") or ())]
    for codec in (*of_version_2, *(stated.get("codecs") or ())):
        if codec is None:
            continue
        if not isinstance(codec, dict):
            yield str(codec)
            continue
        yield str(codec.get("name", codec.get("id"))).removeprefix("numcodecs.")
        inner = codec.get("configuration")
        if isinstance(inner, dict):
            yield from _list_codecs(inner)


def _get(stated: Any, *keys: str) -> Any:
    for key in keys:
        stated = stated.get(key) if isinstance(stated, dict) else None
    return stated
