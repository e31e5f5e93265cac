"""Encoding of a shard as Zarr's codec `sharding_indexed`: contiguous entries, then an index, by which they are read.

Zarr makes a task of every entry, which costs more than reading or writing it, so shards are encoded and read here;
tests/store/test_encoding.py compares with Zarr in both directions. The index holds offset and length of every entry as
little-endian uint64, 2^64 - 1 for absent ones, and ends with its CRC32C.
"""

import struct
import zlib
from collections.abc import Iterator

import google_crc32c
import numpy as np
import numpy.typing as npt

from whyset.store.arrays import ArraySpec
from whyset.store.ranges import Ranges, open_ranges
from whyset.store.remote import AnyPath

_PIECE = 8 * 2**20

Numbers = npt.NDArray[np.int64]
_ABSENT = 2**64 - 1


def raw(entries: npt.NDArray[np.generic]) -> memoryview:
    """Return the little-endian bytes of entries in C order."""
    little = np.ascontiguousarray(entries, dtype=entries.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def closing(spec: ArraySpec, count: int, shard_entries: int) -> bytes:
    """Return the bytes after `count` entries of a shard: the index, or in a column the fill values up to its end."""
    if not spec.shape:
        return bytes(raw(np.full(shard_entries - count, spec.fill, spec.dtype)))
    index = np.full((shard_entries, 2), _ABSENT, "<u8")
    index[:count, 0] = np.arange(count) * spec.row_bytes
    index[:count, 1] = spec.row_bytes
    data = index.tobytes()
    return data + struct.pack("<I", google_crc32c.value(data))


def index_bytes(shard_entries: int) -> int:
    """Return the size of an index with its checksum."""
    return 16 * shard_entries + 4


def decode_index(data: bytes, spec: ArraySpec, wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the offsets of the entries `wanted`; ValueError if the index is damaged or lacks one of them."""
    if struct.pack("<I", google_crc32c.value(data[:-4])) != data[-4:]:
        raise ValueError("the checksum of the index at its end does not match")
    index = np.frombuffer(data[:-4], "<u8").reshape(-1, 2)[wanted]
    if np.any(index[:, 1] != spec.row_bytes):
        raise ValueError(f"its index lacks entries, or not all of them have {spec.row_bytes} bytes")
    return index[:, 0].astype(np.int64)


def read_entries(file: AnyPath, spec: ArraySpec, shard_entries: int, wanted: Numbers) -> npt.NDArray[np.generic]:
    """Read the entries with these numbers, counted from the beginning of the shard; adjacent ones are read together.

    Raises FileNotFoundError if the file does not exist, and ValueError if it is damaged.
    """
    entries = np.empty((len(wanted), *spec.shape), np.dtype(spec.dtype).newbyteorder("<"))
    memory = entries.reshape(-1).view(np.uint8).data
    with open_ranges(file) as ranges:
        spans = list(_spans(_offsets(ranges, spec, shard_entries, wanted), spec.row_bytes))
        ends = np.cumsum([stop - start for start, stop in spans], dtype=np.int64)
        parts = [memory[end - (stop - start) : end] for (start, stop), end in zip(spans, ends, strict=True)]
        ranges.fill([start for start, _ in spans], parts)
    return entries


def compute_stored_checksum(file: AnyPath, spec: ArraySpec, shard_entries: int, count: int) -> str:
    """Compute the CRC32 of the first `count` stored entries, read in large pieces; errors as in `read_entries`."""
    checksum, memory = 0, memoryview(bytearray(_PIECE))
    with open_ranges(file) as ranges:
        for start, stop in _spans(_offsets(ranges, spec, shard_entries, np.arange(count)), spec.row_bytes):
            for at in range(start, stop, _PIECE):
                piece = memory[: min(_PIECE, stop - at)]
                ranges.fill([at], [piece])
                checksum = zlib.crc32(piece, checksum)
    return f"{checksum:08x}"


def _offsets(ranges: Ranges, spec: ArraySpec, shard_entries: int, wanted: Numbers) -> Numbers:
    """Return the offsets of entries, which the index may place anywhere; a column has no index."""
    if not spec.shape:
        return wanted * spec.row_bytes
    return decode_index(ranges.tail(index_bytes(shard_entries)), spec, wanted)


def _spans(offsets: Numbers, size: int) -> Iterator[tuple[int, int]]:
    """Yield runs of contiguous entries as (start, stop) in bytes."""
    if len(offsets):
        for run in np.split(offsets, np.flatnonzero(np.diff(offsets) != size) + 1):
            yield int(run[0]), int(run[-1]) + size
