"""The bytes of a shard as Zarr's codec `sharding_indexed` lays them out: entries one behind the other, then an index.

Zarr makes a task of every entry, which costs more than writing it, so that shards are encoded here in one piece;
tests/store/test_encoding.py compares with Zarr in both directions. The index holds offset and length of every entry as
little-endian uint64, 2^64 - 1 for absent ones, and ends with its CRC32C.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt

from whyset.store.arrays import ArraySpec

_ABSENT = 2**64 - 1
_PIECE = 8 * 2**20


def raw(entries: npt.NDArray[np.generic]) -> memoryview:
    """The little-endian bytes of entries in C order."""
    little = np.ascontiguousarray(entries, dtype=entries.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def closing(spec: ArraySpec, count: int, shard_entries: int) -> bytes:
    """What follows `count` entries in the file of a shard: the index, or in a column the fill values up to its end."""
    if spec.shape:
        return _encoded_index(count, shard_entries, spec.row_bytes)
    return bytes(raw(np.full(shard_entries - count, spec.fill, spec.dtype)))


def _encoded_index(count: int, shard_entries: int, entry_bytes: int) -> bytes:
    index = np.full((shard_entries, 2), _ABSENT, "<u8")
    index[:count, 0] = np.arange(count) * entry_bytes
    index[:count, 1] = entry_bytes
    data = index.tobytes()
    return data + struct.pack("<I", google_crc32c.value(data))


def pieces(file: BinaryIO, spec: ArraySpec, count: int, shard_entries: int) -> Iterator[bytes]:
    """The raw bytes of the first `count` entries of a shard in order, in large pieces; ValueError where it is damaged.

    Entries may lie anywhere in the file: what the index says is followed, and neighbours are read together.
    """
    for start, stop in _spans(file, spec, count, shard_entries):
        file.seek(start)
        while start < stop:
            piece = file.read(min(_PIECE, stop - start))
            if not piece:
                raise ValueError(f"the file ends at byte {start}: expected {stop - start} more")
            start += len(piece)
            yield piece


def _spans(file: BinaryIO, spec: ArraySpec, count: int, shard_entries: int) -> Iterator[tuple[int, int]]:
    if not spec.shape:
        yield 0, count * spec.row_bytes
        return
    index = read_index(file, shard_entries)[:count]
    if np.any(index[:, 1] != spec.row_bytes):
        raise ValueError(f"its index lacks entries, or not all of them have {spec.row_bytes} bytes")
    offsets = index[:, 0].astype(np.int64)
    for run in np.split(offsets, np.flatnonzero(np.diff(offsets) != spec.row_bytes) + 1):
        yield int(run[0]), int(run[-1]) + spec.row_bytes


def read_index(file: BinaryIO, shard_entries: int) -> npt.NDArray[np.uint64]:
    """Offset and length of every entry, shape (shard_entries, 2)."""
    size = 16 * shard_entries
    if file.seek(0, 2) < size + 4:
        raise ValueError("the file is too short for its index")
    file.seek(-size - 4, 2)
    data = file.read(size)
    if struct.pack("<I", google_crc32c.value(data)) != file.read(4):
        raise ValueError("the index at its end does not have its checksum")
    return np.frombuffer(data, "<u8").reshape(shard_entries, 2)
